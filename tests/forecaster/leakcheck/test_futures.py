"""Every future keeps the past, is another one, and is made of bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data.bars import PRICES
from forecaster.leakcheck.futures import FUTURES, Future
from tests.data.tables import checked
from tests.forecaster.leakcheck.checking import shares

BY_NAME = {future.name: future for future in FUTURES}


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def cuts() -> list[np.datetime64]:
    days = np.unique(shares().frame["session"].to_numpy().astype("datetime64[D]"))
    return [days[40], days[-4]]


@pytest.mark.parametrize("future", FUTURES, ids=lambda future: future.name)
def test_the_past_stays_and_the_future_is_another(future: Future) -> None:
    before = shares().frame.copy()
    for cut in cuts():
        bars = future.of(shares(), cut, rng())
        past, past_too = (frame[frame["session"].to_numpy() <= cut] for frame in (before, bars.frame))
        pd.testing.assert_frame_equal(past.reset_index(drop=True), past_too.reset_index(drop=True), check_exact=True)
        assert not bars.frame.equals(before)
        # Sorted, each pair once, highs above lows: what the edge lets in.
        pd.testing.assert_frame_equal(checked(bars.frame).frame, bars.frame)
    pd.testing.assert_frame_equal(shares().frame, before)


def later(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The bars after a cut as they are, and with a future."""
    cut = cuts()[0]
    frames = (shares().frame, BY_NAME[name].of(shares(), cut, rng()).frame)
    one, other = (frame[frame["session"].to_numpy() > cut].reset_index(drop=True) for frame in frames)
    return one, other


def test_nothing_comes_after_the_cut() -> None:
    assert later("truncated")[1].empty


def test_a_split_leaves_adjusted_prices_and_amounts_as_they_were() -> None:
    one, other = later("split")
    for name in PRICES:
        np.testing.assert_allclose(one[name] * one["adj_factor"], other[name] * other["adj_factor"], rtol=1e-12)
    np.testing.assert_allclose(one["close"] * one["volume"], other["close"] * other["volume"], rtol=1e-12)
    assert (one["adj_factor"] != other["adj_factor"]).all()


def test_reversed_bars_are_each_share_s_own() -> None:
    one, other = later("reversed")
    for symbol in ("AAPL", "600000.SH"):
        closes, backwards = (frame.loc[frame["symbol"] == symbol, "close"].tolist() for frame in (one, other))
        assert closes == backwards[::-1]


def test_a_suspended_share_trades_again_after_weeks_on_the_same_weekdays() -> None:
    one, other = later("suspended")
    # Every other share, from the first in the alphabet on.
    for symbol in ("600000.SH", "IBM"):
        days, delayed = (
            frame.loc[frame["symbol"] == symbol, "session"].reset_index(drop=True) for frame in (one, other)
        )
        assert ((delayed - days).dt.days == 42).all()
    for symbol in ("AAPL", "MSFT"):
        assert 0 < (other["symbol"] == symbol).sum() < (one["symbol"] == symbol).sum()


def test_shares_that_list_later_have_names_of_their_own() -> None:
    one, other = later("listed")
    added = set(other["symbol"]) - set(one["symbol"])
    assert len(added) == 3
    pd.testing.assert_frame_equal(other[~other["symbol"].isin(added)].reset_index(drop=True), one, check_exact=True)
