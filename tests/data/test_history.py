from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from data.adjust import adjusted
from data.bars import empty_bars
from data.history import History, lag, recent_max, recent_mean
from tests.data.tables import checked, closes, market, mixed, several, trusted

NOTHING = math.nan


def history(*rows: pd.DataFrame, universe: tuple[str, ...] | None = None) -> History:
    return History(adjusted(checked(pd.concat(rows))), universe)


def test_each_symbol_is_a_column_of_its_own_bars() -> None:
    past = history(
        closes([20.0, 21.0], symbol="B", first="2024-01-02"), closes([10.0, 12.0, 11.0], symbol="A", factor=[1, 1, 2])
    )
    assert past.symbols == ("A", "B")
    assert len(past) == 5
    assert past.columns.tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_array_equal(past.close, [[10.0, 20.0], [12.0, 21.0], [22.0, NOTHING]])
    np.testing.assert_array_equal(past.factor, [[1.0, 1.0], [1.0, 1.0], [2.0, NOTHING]])
    np.testing.assert_array_equal(past.volume, [[100.0, 100.0], [200.0, 200.0], [150.0, NOTHING]])
    days = [["2024-01-01", "2024-01-02"], ["2024-01-02", "2024-01-03"], ["2024-01-03", "NaT"]]
    assert past.session.astype(str).tolist() == days
    assert past.flat_days().astype(str).tolist() == [days[0][0], days[1][0], days[2][0], days[0][1], days[1][1]]


@several
@given(seed=st.integers(0, 2**31), suspended=st.sampled_from([0.0, 0.5]))
def test_a_rectangle_laid_flat_is_the_tables_column(seed: int, suspended: float) -> None:
    table = adjusted(trusted(market(seed, symbols=4, suspended=suspended)))
    past = History(table)
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(past.flat(getattr(past, name)), table[name])
    assert np.array_equal(past.flat(past.factor), table["adj_factor"])
    assert np.array_equal(past.flat_days(), table["session"].to_numpy().astype("datetime64[D]"))
    for column, symbol in enumerate(past.symbols):
        own = table.loc[table["symbol"] == symbol, "close"].to_numpy()
        assert np.array_equal(past.close[: len(own), column], own)
        assert np.isnan(past.close[len(own) :, column]).all()


@several
@given(seed=st.integers(0, 2**31), newest=st.integers(1, 40))
def test_bars_as_traded_are_laid_out_as_a_table_of_adjusted_ones(seed: int, newest: int) -> None:
    bars = trusted(market(seed, symbols=4, sessions=30, suspended=0.5))
    past, table = History.of_bars(bars), adjusted(bars)
    expected = History(table)
    for name in ("open", "high", "low", "close", "volume", "factor", "session"):
        assert np.array_equal(getattr(past, name), getattr(expected, name), equal_nan=True)
    assert past.bar.tolist() == table.groupby("symbol").cumcount().tolist()
    rows = past.newest(newest)
    assert rows.tolist() == table.groupby("symbol").tail(newest).index.tolist()
    assert np.array_equal(past.flat(past.close, rows), table["close"].to_numpy()[rows])


def test_no_bars_are_an_empty_rectangle() -> None:
    past = History(adjusted(empty_bars()))
    assert len(past) == 0
    assert past.symbols == ()
    assert past.close.shape == (0, 0)
    assert past.flat(past.across(past.close)).shape == (0,)


def test_what_is_made_once_is_kept() -> None:
    past = history(closes([10.0, 12.0]))
    first = past.once("doubled", lambda: past.close * 2)
    assert past.once("doubled", lambda: past.close * 3) is first
    assert first[:, 0].tolist() == [20.0, 24.0]


def test_a_mean_across_is_that_of_the_exchange_and_session() -> None:
    past = history(
        # 2024-01-01 to 03 in New York, the second a day later.
        closes([10.0, 20.0, 30.0], symbol="AAPL"),
        closes([40.0, 60.0], symbol="IBM", first="2024-01-02"),
        # Shanghai, Shenzhen and Beijing are one market.
        closes([1.0, 2.0], symbol="600000.SH"),
        closes([3.0, 4.0], symbol="000001.SZ"),
        closes([5.0], symbol="430047.BJ"),
        # An exchange that is not known is one, too.
        closes([7.0], symbol="BP.L"),
        closes([9.0], symbol="HSBA.L"),
    )
    expected = {
        "AAPL": [10.0, 30.0, 45.0],
        "IBM": [30.0, 45.0, NOTHING],
        "600000.SH": [3.0, 3.0, NOTHING],
        "000001.SZ": [3.0, 3.0, NOTHING],
        "430047.BJ": [3.0, NOTHING, NOTHING],
        "BP.L": [8.0, NOTHING, NOTHING],
        "HSBA.L": [8.0, NOTHING, NOTHING],
    }
    found = past.across(past.close)
    for column, symbol in enumerate(past.symbols):
        np.testing.assert_array_equal(found[:, column], expected[symbol], err_msg=symbol)


def test_a_symbol_outside_the_universe_gets_its_mean_and_does_not_move_it() -> None:
    rows = (closes([10.0, 20.0], symbol="AAPL"), closes([30.0, 50.0], symbol="IBM"), closes([90.0, 1.0], symbol="T"))
    past = history(*rows, closes([5.0], symbol="600000.SH"), universe=("AAPL", "IBM", "MSFT"))
    found = past.across(past.close)
    for symbol in ("AAPL", "IBM", "T"):
        assert found[:, past.symbols.index(symbol)].tolist() == [20.0, 35.0]
    # None of the universe trades in Shanghai.
    assert np.isnan(found[:, past.symbols.index("600000.SH")]).all()


@several
@given(seed=st.integers(0, 2**31), everyone=st.booleans())
def test_means_across_leave_out_what_is_missing(seed: int, everyone: bool) -> None:
    universe = None if everyone else ("AAPL", "IBM", "600000.SH")
    table = adjusted(trusted(mixed(seed, sessions=12, suspended=0.4)))
    past = History(table, universe)
    values = np.where(np.random.default_rng(seed).random(past.close.shape) < 0.3, NOTHING, past.close)
    mainland = table["symbol"].str.endswith((".SH", ".SZ"))
    exchange = np.where(mainland, "China", np.where(table["symbol"].str.endswith(".HK"), "Hong Kong", "New York"))
    counted = past.flat(values)
    if universe is not None:
        counted = np.where(table["symbol"].isin(universe), counted, NOTHING)
    expected = pd.Series(counted).groupby([exchange, table["session"]]).transform("mean")
    np.testing.assert_allclose(past.flat(past.across(values)), expected, rtol=1e-12)


def holed(seed: int, rows: int) -> np.ndarray:
    """`(rows, 3)` numbers: one column complete, one with holes, one empty at its end."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0.0, 2.0, (rows, 3))
    values[rng.random(rows) < 0.3, 1] = NOTHING
    values[rows // 2 :, 2] = NOTHING
    return values


@several
@given(seed=st.integers(0, 2**31), rows=st.integers(1, 20), sessions=st.integers(0, 25))
def test_a_lag_is_a_shift(seed: int, rows: int, sessions: int) -> None:
    values = holed(seed, rows)
    np.testing.assert_array_equal(lag(values, sessions), pd.DataFrame(values).shift(sessions))


@several
@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 80),
    half_life=st.sampled_from([0.5, 3.0, 10.0, math.inf]),
    sessions=st.sampled_from([1, 2, 8, 32]),
    least=st.integers(1, 4),
)
def test_a_recent_mean_weighs_the_bars_of_its_span(
    seed: int, rows: int, half_life: float, sessions: int, least: int
) -> None:
    values = holed(seed, rows)
    found = recent_mean(values, half_life, sessions, least)
    for t in range(rows):
        span = values[max(0, t - sessions + 1) : t + 1]
        weights = 0.5 ** (np.arange(len(span))[::-1, None] / half_life) * ~np.isnan(span)
        enough = (~np.isnan(span)).sum(axis=0) >= least
        means = np.nansum(span * weights, axis=0) / np.where(enough, weights.sum(axis=0), NOTHING)
        np.testing.assert_allclose(found[t], means, rtol=1e-10)


@several
@given(seed=st.integers(0, 2**31), rows=st.integers(1, 80), sessions=st.sampled_from([1, 2, 16, 64]))
def test_a_recent_maximum_is_that_of_the_bars_that_are_there(seed: int, rows: int, sessions: int) -> None:
    values = holed(seed, rows)
    expected = pd.DataFrame(values).rolling(sessions, min_periods=1).max()
    np.testing.assert_array_equal(recent_max(values, sessions), expected)


@several
@given(
    seed=st.integers(0, 2**31),
    half_life=st.sampled_from([3.0, math.inf]),
    sessions=st.sampled_from([1, 4, 64]),
    more=st.integers(1, 9),
)
def test_only_the_bars_of_the_span_decide_to_the_last_bit(
    seed: int, half_life: float, sessions: int, more: int
) -> None:
    values = holed(seed, 150)
    tail = values[-(sessions + more - 1) :]
    for of in (
        partial(recent_mean, half_life=half_life, sessions=sessions, least=1),
        partial(recent_max, sessions=sessions),
    ):
        assert np.array_equal(of(tail)[-more:], of(values)[-more:], equal_nan=True)
        # What came before may be anything, and what comes after, too.
        other = values.copy()
        other[: -(sessions + more - 1)] = 1e30
        other[-1] = -1e30
        assert np.array_equal(of(other)[-more:-1], of(values)[-more:-1], equal_nan=True)


def test_what_is_looked_back_on_stays_as_it_was() -> None:
    values = holed(1, 40)
    before = values.copy()
    lag(values, 3)[:] = 0
    recent_mean(values, 3, 8, 1)[:] = 0
    recent_max(values, 8)[:] = 0
    assert np.array_equal(values, before, equal_nan=True)
