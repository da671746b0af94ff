from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data.facts import OPEN, SUSPENDED
from data.health.findings import Kind, Severity
from tests.data.health.shares import SHARE, day_of, goes_ex, holes, look, only, walk, with_row


def flat(symbol: str = SHARE, *, close: float, first: str = "2015-01-05") -> pd.DataFrame:
    """Ten sessions at one price."""
    table = walk(symbol, first=first, sessions=10)
    return table.assign(open=close, high=close, low=close, close=close)


@pytest.mark.parametrize(
    ("symbol", "first", "close", "lowest", "highest"),
    # By hand, as in test_price_limits.py.
    [
        (SHARE, "2015-01-05", 10.03, 9.03, 11.03),
        (SHARE, "2015-01-05", 10.05, 9.05, 11.06),
        ("300750.SZ", "2020-08-07", 7.77, 6.99, 8.55),  # the tenth session is Thursday 20 August: 6.993 and 8.547
        ("300750.SZ", "2020-08-24", 7.77, 6.22, 9.32),
        ("688981.SH", "2021-01-04", 7.77, 6.22, 9.32),
        ("835185.BJ", "2022-01-04", 3.33, 2.33, 4.33),
    ],
)
def test_a_cent_beyond_the_limit_is_found_and_the_limit_itself_is_not(
    symbol: str, first: str, close: float, lowest: float, highest: float
) -> None:
    table = flat(symbol, first=first, close=close)
    assert look(with_row(table, 9, low=lowest, high=highest)) == []
    above = only(look(with_row(table, 9, high=highest + 0.01)), Kind.BEYOND_PRICE_LIMIT)
    assert f"a high of {highest + 0.01:.3f}" in above.text
    assert f"the limit is {highest:.3f}" in above.text
    below = only(look(with_row(table, 9, low=lowest - 0.01)), Kind.BEYOND_PRICE_LIMIT)
    assert f"a low of {lowest - 0.01:.3f}" in below.text
    assert (below.first, below.last, below.sessions) == (day_of(table, 9), day_of(table, 9), 1)


@pytest.mark.parametrize("symbol", ["0700.HK", "AAPL", "000300.SH", "510300.SH"])
def test_without_a_limit_prices_may_double(symbol: str) -> None:
    assert look(with_row(flat(symbol, close=10.03), 9, high=20.0)) == []


def test_prices_that_went_through_float32_keep_their_limits() -> None:
    table = with_row(flat(close=1688.88), 9, low=1519.99, high=1857.77)
    prices = ["open", "high", "low", "close"]
    assert look(table.assign(**{name: table[name].astype("float32").astype("float64") for name in prices})) == []


def test_the_first_sessions_of_a_series_have_no_limit() -> None:
    table = flat(close=10.0)
    assert look(with_row(table, 4, high=14.4)) == []
    only(look(with_row(table, 5, high=14.4)), Kind.BEYOND_PRICE_LIMIT)


def resumed(rows: int, *, first: str = "2015-01-05") -> tuple[pd.DataFrame, pd.DataFrame]:
    """A share that comes back from `rows` sessions of suspension 30 % higher."""
    table = walk(first=first, sessions=60).assign(open=10.0, high=10.0, low=10.0, close=10.0)
    later = np.arange(60) >= 10 + rows
    table.loc[later, ["open", "high", "low", "close"]] = 13.0
    return holes(table, list(range(10, 10 + rows)), SUSPENDED)


def test_after_a_long_suspension_there_may_be_no_limit() -> None:
    table, said = resumed(20)
    only(look(table, gaps=said), Kind.BEYOND_PRICE_LIMIT)
    table, said = resumed(21)
    found = only(look(table, gaps=said), Kind.BEYOND_PRICE_LIMIT, Severity.NOTE)
    assert "21 sessions without a bar lie before it" in found.text


def test_in_the_years_of_the_share_reform_any_suspension_may_have_ended_without_a_limit() -> None:
    table, said = resumed(5, first="2006-02-06")
    only(look(table, gaps=said), Kind.BEYOND_PRICE_LIMIT, Severity.NOTE)


def test_over_missing_bars_no_limit_is_judged_and_over_an_unknown_gap_it_is_a_note() -> None:
    table, said = resumed(3)
    only(look(table, gaps=said.assign(why=OPEN)), Kind.GAP)
    kinds = [(one.kind, one.severity) for one in look(table, gaps=None)]
    assert kinds == [(Kind.GAP, Severity.NOTE), (Kind.BEYOND_PRICE_LIMIT, Severity.NOTE)]


@pytest.mark.parametrize(
    ("shares", "guess"),
    [
        (2.0, "a 2-for-1 split"),
        (3.0, "a 3-for-1 split"),
        (1.5, "a 3-for-2 split"),
        (10.0, "a 10-for-1 split"),
        (1.3, "a dividend or a split"),
        (0.5, "a 1-for-2 reverse split"),
    ],
)
def test_a_split_without_its_factor_is_named(shares: float, guess: str) -> None:
    table = goes_ex(walk(), 30, shares=shares).assign(adj_factor=1.0)
    found = only(look(table), Kind.BEYOND_PRICE_LIMIT)
    assert found.first == day_of(table, 30)
    assert f"{guess} without its factor would explain it" in found.text


def test_a_price_beyond_the_limit_that_no_split_explains_blames_none() -> None:
    assert "split" not in only(look(with_row(flat(close=10.0), 9, high=11.5)), Kind.BEYOND_PRICE_LIMIT).text
