from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.adjust import adjusted
from data.errors import UnknownFeature
from data.features import FEATURES, check_features, features
from tests.data.tables import checked, market, several, trusted

Rows = list[dict[str, Any]]

# Each feature once more, as a loop over one symbol's adjusted rows.


def column(name: str) -> Callable[[Rows], list[float]]:
    return lambda rows: [row[name] for row in rows]


def volume(rows: Rows) -> list[float]:
    return [math.log1p(row["volume"]) for row in rows]


def log_return(rows: Rows) -> list[float]:
    found = [math.nan]
    for t in range(1, len(rows)):
        found.append(math.log(rows[t]["close"] / rows[t - 1]["close"]))  # noqa: PERF401 - as plain as can be
    return found


def log_range(rows: Rows) -> list[float]:
    return [math.log(row["high"] / row["low"]) for row in rows]


def overnight(rows: Rows) -> list[float]:
    return [math.nan] + [math.log(rows[t]["open"] / rows[t - 1]["close"]) for t in range(1, len(rows))]


def ewma_volatility(rows: Rows) -> list[float]:
    returns = log_return(rows)
    found = [math.nan]
    for t in range(1, len(rows)):
        weights = [0.94 ** (t - s) for s in range(1, t + 1)]
        squares = [weight * returns[s] ** 2 for s, weight in enumerate(weights, start=1)]
        found.append(math.sqrt(sum(squares) / sum(weights)))
    return found


def weekday(rows: Rows) -> list[float]:
    return [row["session"].date().isoweekday() - 1 for row in rows]


def pause_days(rows: Rows) -> list[float]:
    days = [row["session"].date().toordinal() for row in rows]
    return [math.nan] + [days[t] - days[t - 1] for t in range(1, len(rows))]


LOOPS: dict[str, Callable[[Rows], list[float]]] = {
    "open": column("open"),
    "high": column("high"),
    "low": column("low"),
    "close": column("close"),
    "volume": volume,
    "log_return": log_return,
    "log_range": log_range,
    "overnight": overnight,
    "ewma_volatility": ewma_volatility,
    "weekday": weekday,
    "pause_days": pause_days,
}


def test_every_feature_has_a_loop_to_be_held_against() -> None:
    assert set(LOOPS) == set(FEATURES)


@pytest.mark.parametrize("name", FEATURES)
@several
@given(seed=st.integers(0, 2**31))
def test_a_feature_is_what_a_plain_loop_gives(name: str, seed: int) -> None:
    own = adjusted(trusted(market(seed, symbols=1, suspended=0.3)))
    found = features(own, [name])
    assert found.shape == (len(own), 1)
    assert found.dtype == np.float64
    # A recursion and a sum of weights round differently; a session without a move leaves a difference near zero.
    np.testing.assert_allclose(found[:, 0], LOOPS[name](own.to_dict("records")), rtol=1e-9, atol=1e-12)


def test_columns_come_in_the_order_asked() -> None:
    own = adjusted(trusted(market(3, symbols=1)))
    found = features(own, ["close", "open", "close"])
    assert np.array_equal(found[:, 0], own["close"])
    assert np.array_equal(found[:, 1], own["open"])
    assert np.array_equal(found[:, 2], own["close"])


def test_days_of_a_known_week() -> None:
    rows = market(5, symbols=1, sessions=8, suspended=0.0)
    # Wednesday 27 November 2024, Thanksgiving and a weekend in between; 3 December is a Tuesday.
    days = ["2024-11-27", "2024-11-29", "2024-12-02", "2024-12-03"]
    own = adjusted(checked(rows.head(4).assign(session=days)))
    found = features(own, ["weekday", "pause_days"])
    assert found[:, 0].tolist() == [2, 4, 0, 1]
    assert math.isnan(found[0, 1])
    assert found[1:, 1].tolist() == [2, 3, 1]


def test_a_split_is_no_return() -> None:
    # Twice the shares at half the price: adjusted, nothing happened, in no feature of a price.
    rows = market(8, symbols=1, sessions=10, suspended=0.0, factors=False)
    split = rows.copy()
    half = split.index >= 5
    for name in ("open", "high", "low", "close"):
        split.loc[half, name] /= 2
    split.loc[half, "volume"] *= 2
    split.loc[half, "adj_factor"] *= 2
    names = list(FEATURES)
    one, other = (features(adjusted(checked(table)), names) for table in (rows, split))
    np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("names", [["closing"], ["close", "Close"], [""], ["close\n"]])
def test_an_unknown_feature_comes_with_those_there_are(names: list[str]) -> None:
    own = adjusted(trusted(market(3, symbols=1)))
    for ask in (lambda: check_features(names), lambda: features(own, names)):
        with pytest.raises(UnknownFeature) as caught:
            ask()
        assert caught.value.name == names[-1]
        assert set(caught.value.known) == set(LOOPS)
        assert "ewma_volatility" in str(caught.value)


def test_no_session_is_no_feature_row() -> None:
    own = adjusted(trusted(market(3, symbols=1))).iloc[:0]
    assert features(own, list(FEATURES)).shape == (0, len(FEATURES))


def test_what_a_feature_is_made_from_stays_as_it_was() -> None:
    own = adjusted(trusted(market(3, symbols=1)))
    before = own.copy(deep=True)
    found = features(own, list(FEATURES))
    found[:] = 0
    pd.testing.assert_frame_equal(own, before)
