from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.adjust import adjusted
from data.bars import empty_bars
from data.errors import TooFewBars, UnknownFeature, UnscaledSymbol
from data.features import FEATURES
from data.scaling import Scaling, WindowScaling
from data.windows import Panel, Target, Windows, cut, fit_series_scaling, panel
from tests.data.loops import Market, by_loop, volatility
from tests.data.tables import checked, closes, market, mixed, several, trusted

NOTHING = math.nan


def two_symbols() -> Panel:
    """A has five sessions, B four that begin with A's second."""
    rows = [
        closes([10.0, 12.0, 11.0, 14.0, 13.0], symbol="A"),
        closes([100.0, 90.0, 95.0, 110.0], symbol="B", first="2024-01-02"),
    ]
    return panel(checked(pd.concat(rows)), ["close"])


def make(rows: Panel, lookback: int = 3, horizon: int = 1, target: Target = "change") -> Windows:
    return cut(rows, lookback=lookback, horizon=horizon, target=target, scaling=WindowScaling())


def test_a_panel_lays_the_symbols_one_after_the_other() -> None:
    rows = two_symbols()
    assert rows.symbols == ("A", "B")
    assert rows.series.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert rows.close.tolist() == [10.0, 12.0, 11.0, 14.0, 13.0, 100.0, 90.0, 95.0, 110.0]
    assert rows.session.dtype == np.dtype("datetime64[D]")
    assert rows.session[5] == np.datetime64("2024-01-02")


def test_rows_before_a_feature_has_its_past_are_left_out_of_each_symbol() -> None:
    bars = checked(pd.concat([closes([10.0, 12.0, 11.0], symbol="A"), closes([20.0, 21.0], symbol="B")]))
    rows = panel(bars, ["close", "log_return"])
    assert rows.close.tolist() == [12.0, 11.0, 21.0]
    assert rows.values[:, 1].tolist() == pytest.approx([math.log(1.2), math.log(11 / 12), math.log(1.05)])


def test_a_panels_close_is_adjusted_and_the_factor_leads_back() -> None:
    rows = panel(checked(closes([20.0, 10.0], factor=[1.0, 2.0])), ["close"])
    assert rows.close.tolist() == [20.0, 20.0]
    assert (rows.close / rows.factor).tolist() == [20.0, 10.0]


def test_a_panel_says_which_columns_are_scaled_and_how_lively_a_share_was() -> None:
    bars = trusted(market(6, symbols=3, sessions=40))
    rows = panel(bars, ["close", "move", "at_limit", "volume"])
    assert rows.minmax.tolist() == [True, False, False, True]
    assert panel(bars, ["close"]).minmax.tolist() == [True]
    expected = np.concatenate([volatility(own) for own in Market.of(adjusted(bars), None).rows.values()])
    np.testing.assert_allclose(panel(bars, ["close"]).volatility, expected, rtol=1e-9)
    # Rows before a move, which needs a volatility, are left out.
    np.testing.assert_allclose(rows.volatility, expected[~np.isnan(expected)], rtol=1e-9)


def test_the_universe_of_a_panel_is_the_one_that_is_asked_for() -> None:
    names = ["excess_move", "dispersion"]
    universe = ("AAPL", "MSFT", "600000.SH")
    bars = trusted(mixed(4, sessions=40))
    rows = panel(bars, names, universe)
    table = adjusted(bars)
    expected = np.column_stack([by_loop(name, table, universe) for name in names])
    kept = ~np.isnan(expected).any(axis=1)
    np.testing.assert_allclose(rows.values, expected[kept], rtol=1e-9, atol=1e-10)
    # Hong Kong has no universe here, and so no rows.
    assert "0700.HK" not in {rows.symbols[position] for position in rows.series}


def test_a_symbol_without_usable_rows_takes_none_of_the_others() -> None:
    bars = checked(pd.concat([closes([10.0], symbol="A"), closes([20.0, 22.0, 21.0], symbol="B")]))
    rows = panel(bars, ["log_return"])
    found = make(rows, lookback=2)
    assert found.symbols == ["B"]
    assert found.last_close.tolist() == [21.0]


def test_some_rows_of_a_panel_keep_their_symbols() -> None:
    rows = two_symbols()
    found = rows.only(rows.series == 1)
    assert found.symbols == ("A", "B")
    assert found.close.tolist() == [100.0, 90.0, 95.0, 110.0]
    assert found.values[:, 0].tolist() == [100.0, 90.0, 95.0, 110.0]
    assert found.factor.tolist() == [1.0] * 4
    assert found.session[0] == np.datetime64("2024-01-02")
    assert found.minmax.tolist() == [True]
    assert len(found.volatility) == 4
    assert make(found).symbols == ["B", "B"]


@several
@given(seed=st.integers(0, 2**31), newest=st.integers(1, 90), extreme=st.booleans())
def test_the_newest_rows_of_each_symbol_are_the_last_ones_of_the_panel(seed: int, newest: int, extreme: bool) -> None:
    bars = trusted(market(seed, symbols=4, sessions=80, suspended=0.3))
    if extreme:  # a product of these is infinite, so that its row is left out
        bars.frame.loc[bars.frame.index[-3], ["open", "high", "low", "close", "adj_factor"]] = 1e300
    names = ["log_return", "month", "volume_surge", "universe_size"]
    with np.errstate(all="ignore"):
        rows, found = panel(bars, names), panel(bars, names, newest=newest)
    for position, symbol in enumerate(rows.symbols):
        assert found.symbols[position] == symbol
        own, last = (one.only(one.series == position) for one in (rows, found))
        for part in ("session", "values", "close", "factor", "volatility"):
            expected = getattr(own, part)[-newest:]
            np.testing.assert_array_equal(getattr(last, part)[-newest:], expected)


def test_no_bars_are_an_empty_panel_and_no_windows() -> None:
    rows = panel(empty_bars(), ["close", "open"])
    assert rows.values.shape == (0, 2)
    with pytest.raises(TooFewBars) as caught:
        make(rows, lookback=5)
    assert (caught.value.needed, caught.value.found) == (5, 0)


def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(UnknownFeature):
        panel(checked(closes([1.0, 2.0])), ["close", "closing"])


def test_raw_windows_are_a_view_of_the_panel() -> None:
    rows = panel(trusted(market(1, symbols=3, sessions=200)), list(FEATURES))
    found = make(rows, lookback=60)
    assert np.shares_memory(found.raw, rows.values)
    assert found.raw.shape == (len(rows.close) - 59, 60, len(FEATURES))
    # Taking some of the windows copies no price either.
    assert np.shares_memory(found.take(found.known).raw, rows.values)


def test_each_window_ends_at_its_origin() -> None:
    found = make(two_symbols())
    assert found.symbols == ["A", "A", "A", "B", "B"]
    days = ["2024-01-03", "2024-01-04", "2024-01-05", "2024-01-04", "2024-01-05"]
    assert found.origin.astype(str).tolist() == days
    assert found.last_close.tolist() == [11.0, 14.0, 13.0, 95.0, 110.0]


@several
@given(seed=st.integers(0, 2**31), symbols=st.integers(1, 4), lookback=st.integers(2, 8), horizon=st.integers(1, 3))
def test_no_window_and_no_target_straddles_two_symbols(seed: int, symbols: int, lookback: int, horizon: int) -> None:
    rows = panel(trusted(market(seed, symbols=symbols, suspended=0.3)), ["close", "log_return"])
    expected = []
    for position, symbol in enumerate(rows.symbols):
        own = [row for row in range(len(rows.close)) if rows.series[row] == position]
        for end in range(lookback, len(own) + 1):
            window, future = own[end - lookback : end], own[end : end + horizon]
            expected.append((symbol, window, [rows.close[row] for row in future]))
    if not expected:
        with pytest.raises(TooFewBars):
            make(rows, lookback, horizon)
        return
    found = make(rows, lookback, horizon, "level")
    assert found.symbols == [symbol for symbol, _, _ in expected]
    assert found.origin.tolist() == [rows.session[window[-1]] for _, window, _ in expected]
    prices = found.prices(found.y)
    for n, (_, window, future) in enumerate(expected):
        assert np.array_equal(found.raw[found.last[n] - lookback + 1], rows.values[window])
        assert prices[n, : len(future)].tolist() == pytest.approx(future, rel=1e-6)
        assert np.isnan(prices[n, len(future) :]).all()
        assert found.known[n] == (len(future) == horizon)


def test_the_change_is_in_units_of_the_windows_range() -> None:
    found = make(two_symbols())
    # (next - last) / (highest - lowest of the window's three closes)
    assert found.y[:, 0].tolist() == pytest.approx([3 / 2, -1 / 3, NOTHING, 15 / 10, NOTHING], nan_ok=True)
    assert found.offset.tolist() == [11.0, 14.0, 13.0, 95.0, 110.0]
    assert found.scale.tolist() == [2.0, 3.0, 3.0, 10.0, 20.0]


def test_the_level_is_measured_from_the_windows_lowest_close() -> None:
    found = make(two_symbols(), target="level")
    assert found.y[:, 0].tolist() == pytest.approx([4 / 2, 2 / 3, NOTHING, 20 / 10, NOTHING], nan_ok=True)
    assert found.offset.tolist() == [10.0, 11.0, 11.0, 90.0, 90.0]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        # A's windows of two end at 12, 11, 14 and 13, their low ends are 10, 11, 11 and 13, their ranges 2, 1, 3 and 1.
        ("change", [[-0.5, 1.0, 0.5], [3.0, 2.0, NOTHING], [-1 / 3, NOTHING, NOTHING], [NOTHING] * 3]),
        ("level", [[0.5, 2.0, 1.5], [3.0, 2.0, NOTHING], [2 / 3, NOTHING, NOTHING], [NOTHING] * 3]),
    ],
)
def test_three_sessions_ahead(target: Target, expected: list[list[float]]) -> None:
    found = make(two_symbols(), lookback=2, horizon=3, target=target)
    assert found.symbols == ["A"] * 4 + ["B"] * 3
    assert found.y.shape == (7, 3)
    np.testing.assert_allclose(found.y[:4], expected, rtol=1e-6)
    # B's windows end at 90, 95 and 110, with two, one and no session after them.
    assert found.known.tolist() == [True, False, False, False, False, False, False]


def test_the_newest_windows_are_there_without_their_targets() -> None:
    found = make(two_symbols(), lookback=2, horizon=2)
    newest = found.take(np.flatnonzero(found.origin == np.datetime64("2024-01-05")))
    assert newest.symbols == ["A", "B"]
    assert np.isnan(newest.y).all()
    assert np.isfinite(newest.x).all()
    # The day before knows one session ahead, not two, and so is not known as a whole.
    before = found.take(np.flatnonzero(found.origin == np.datetime64("2024-01-04")))
    assert np.isnan(before.y).tolist() == [[False, True], [False, True]]
    assert not before.known.any()


def test_the_outcome_is_the_session_of_the_last_target() -> None:
    found = make(two_symbols(), lookback=2, horizon=2)
    days = ["2024-01-04", "2024-01-05", "NaT", "NaT", "2024-01-05", "NaT", "NaT"]
    assert found.outcome.astype(str).tolist() == days


def test_a_suspended_symbols_outcome_is_when_it_trades_again() -> None:
    rows = closes([10.0, 11.0, 12.0, 13.0]).assign(session=["2024-01-02", "2024-01-03", "2024-03-01", "2024-03-04"])
    found = make(panel(checked(rows), ["close"]), lookback=2)
    assert found.outcome.astype(str).tolist() == ["2024-03-01", "2024-03-04", "NaT"]


@several
@given(
    seed=st.integers(0, 2**31),
    target=st.sampled_from(["change", "level"]),
    series=st.booleans(),
    horizon=st.integers(1, 4),
)
def test_the_inverse_gives_the_prices_back(seed: int, target: Target, series: bool, horizon: int) -> None:
    rows = panel(trusted(market(seed, sessions=40)), ["close"])
    scaling: Scaling = fit_series_scaling(rows, rows.session.max()) if series else WindowScaling()
    found = cut(rows, lookback=5, horizon=horizon, target=target, scaling=scaling)
    found = found.take(found.known)
    prices = found.prices(found.y)
    assert prices.dtype == np.float64
    for n in range(len(found)):
        future = rows.close[found.last[n] + 1 : found.last[n] + 1 + horizon]
        # y is float32: its rounding, in units of the range.
        np.testing.assert_allclose(prices[n], future, atol=1e-6 * found.scale[n] * max(1, np.abs(found.y[n]).max()))
    # Any trailing shape, such as quantiles.
    quantiles = np.repeat(found.y[:, :, None], 3, axis=2)
    assert np.array_equal(found.prices(quantiles)[:, :, 1], prices)
    if target == "change":
        # Zero means "same as at the origin", exactly.
        assert np.array_equal(found.prices(np.zeros(len(found), dtype=np.float32)), found.last_close)


def test_inputs_in_batches_are_all_inputs() -> None:
    rows = panel(trusted(market(4, symbols=3, sessions=60)), list(FEATURES))
    found = make(rows, lookback=7)
    whole = found.x
    assert whole.shape == (len(found), 7, len(FEATURES))
    assert whole.dtype == np.float32
    batches = [found.inputs(index) for index in np.array_split(np.arange(len(found)), 5)]
    assert np.array_equal(np.concatenate(batches), whole)
    some = np.array([3, 0, len(found) - 1, 3])
    assert np.array_equal(found.inputs(some), whole[some])
    assert np.array_equal(found.take(some).x, whole[some])
    mask = found.known
    assert np.array_equal(found.take(mask).x, whole[mask])


def test_taking_some_keeps_what_belongs_together() -> None:
    found = make(two_symbols())
    some = found.take(np.array([4, 1]))
    assert len(some) == 2
    assert some.symbols == ["B", "A"]
    assert some.last_close.tolist() == [110.0, 14.0]
    assert some.scale.tolist() == [20.0, 3.0]
    assert some.known.tolist() == [False, True]


def test_too_few_bars_say_how_many_are_needed() -> None:
    # Nine rows in all, but no symbol has six.
    with pytest.raises(TooFewBars) as caught:
        make(two_symbols(), lookback=6)
    assert caught.value.needed == 6
    assert caught.value.symbol == "A, B"
    assert len(make(two_symbols(), lookback=5)) == 1


def test_an_unscaled_symbol_is_refused() -> None:
    rows = two_symbols()
    scaling = fit_series_scaling(rows, np.datetime64("2024-01-01"))
    with pytest.raises(UnscaledSymbol) as caught:
        cut(rows, lookback=3, horizon=1, target="change", scaling=scaling)
    assert caught.value.symbol == "B"
