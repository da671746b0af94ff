from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.adjust import Direction, adjusted
from data.bars import PRICES
from tests.data.tables import checked, closes, market, row, several, table, trusted

# Two shares for one before the third session: the price halves and nobody lost anything.
SPLIT = table(
    row(session="2024-01-02", open=100.0, high=104.0, low=96.0, close=102.0, volume=1000.0, adj_factor=1.0),
    row(session="2024-01-03", open=102.0, high=108.0, low=100.0, close=106.0, volume=1200.0, adj_factor=1.0),
    row(session="2024-01-04", open=53.0, high=55.0, low=52.0, close=54.0, volume=2600.0, adj_factor=2.0),
)


def test_backward_carries_the_split_forward_from_the_first_session() -> None:
    found = adjusted(checked(SPLIT), "backward")
    assert found["open"].tolist() == [100.0, 102.0, 106.0]
    assert found["high"].tolist() == [104.0, 108.0, 110.0]
    assert found["low"].tolist() == [96.0, 100.0, 104.0]
    assert found["close"].tolist() == [102.0, 106.0, 108.0]
    assert found["volume"].tolist() == [1000.0, 1200.0, 1300.0]
    assert found["adj_factor"].tolist() == [1.0, 1.0, 2.0]


def test_forward_is_on_the_scale_of_the_last_session() -> None:
    found = adjusted(checked(SPLIT), "forward")
    assert found["close"].tolist() == [51.0, 53.0, 54.0]
    assert found["volume"].tolist() == [2000.0, 2400.0, 2600.0]


def test_backward_is_what_is_meant_when_nothing_is_said() -> None:
    pd.testing.assert_frame_equal(adjusted(checked(SPLIT)), adjusted(checked(SPLIT), "backward"))


def test_each_symbol_has_its_own_last_factor() -> None:
    both = pd.concat(
        [closes([20.0, 10.0], symbol="A", factor=[1.0, 2.0]), closes([30.0, 10.0], symbol="B", factor=[1.0, 3.0])]
    )
    assert adjusted(checked(both), "forward")["close"].tolist() == [10.0, 10.0, 10.0, 10.0]


@several
@given(seed=st.integers(0, 2**31))
def test_the_last_forward_adjusted_bar_is_as_traded(seed: int) -> None:
    bars = trusted(market(seed, symbols=3))
    newest = [*PRICES, "volume"]
    raw = bars.frame.groupby("symbol")[newest].last()
    pd.testing.assert_frame_equal(adjusted(bars, "forward").groupby("symbol")[newest].last(), raw, check_exact=True)


@several
@given(seed=st.integers(0, 2**31), factor=st.floats(0.01, 100))
def test_a_later_factor_changes_nothing_of_the_backward_adjusted_past(seed: int, factor: float) -> None:
    rows = market(seed, symbols=1)
    later = rows.iloc[[-1]].assign(session=rows["session"].iloc[-1] + np.timedelta64(1, "D"), adj_factor=factor)
    before = adjusted(trusted(rows))
    after = adjusted(trusted(pd.concat([rows, later], ignore_index=True)))
    pd.testing.assert_frame_equal(after.iloc[:-1], before, check_exact=True)


@several
@given(seed=st.integers(0, 2**31), direction=st.sampled_from(["backward", "forward"]))
def test_price_times_volume_stays_the_traded_amount(seed: int, direction: Direction) -> None:
    bars = trusted(market(seed))
    found = adjusted(bars, direction)
    for name in PRICES:
        traded = bars.frame[name] * bars.frame["volume"]
        np.testing.assert_allclose(found[name] * found["volume"], traded, rtol=1e-14)


@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_the_bars_stay_as_they_were(direction: Direction) -> None:
    bars = checked(SPLIT)
    before = bars.frame.copy(deep=True)
    found = adjusted(bars, direction)
    found["close"] = 0.0
    pd.testing.assert_frame_equal(bars.frame, before)
