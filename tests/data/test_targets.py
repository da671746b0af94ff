"""What windows are to forecast: the units of a change, what the shares of a session did together, when it was known."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import TooFewBars
from data.scaling import Scaling, WindowScaling
from data.windows import BLOCK, LEAST_UNIVERSE, Panel, Target, Unit, Windows, cut, fit_series_scaling, panel
from tests.data.tables import market, several, trusted

NOTHING = math.nan


def panel_of(
    prices: list[list[float]], volatility: list[list[float]], sessions: list[list[str]] | None = None
) -> Panel:
    """A panel of one column, the close, by hand; without sessions the symbols share a calendar from 1 January 2024."""
    counts = [len(own) for own in prices]
    days = [np.datetime64("2024-01-01") + np.arange(count) for count in counts]
    close = np.concatenate(prices)
    return Panel(
        symbols=tuple(f"S{position}" for position in range(len(prices))),
        minmax=np.array([True]),
        series=np.repeat(np.arange(len(prices)), counts),
        session=np.concatenate(days if sessions is None else sessions).astype("datetime64[D]"),
        values=close[:, None],
        close=close,
        factor=np.ones(len(close)),
        volatility=np.concatenate(volatility),
    )


def make(rows: Panel, lookback: int = 2, horizon: int = 1, target: Target = "change") -> Windows:
    return cut(rows, lookback=lookback, horizon=horizon, target=target, scaling=WindowScaling(), unit="volatility")


def two_shares() -> Panel:
    return panel_of(
        [[10.0, 12.0, 11.0, 14.0], [100.0, 90.0, 99.0]],
        [[NOTHING, 0.02, 0.05, 0.04], [0.1, 0.05, 0.01]],
    )


def test_a_change_in_units_of_volatility() -> None:
    found = make(two_shares(), horizon=2)
    assert found.symbols == ["S0", "S0", "S0", "S1", "S1"]
    # From 12 to 11 and 14 at 2 % a day, from 11 to 14 at 5 %; from 90 to 99 at 5 %.
    expected = [
        [(11 / 12 - 1) / 0.02, (14 / 12 - 1) / 0.02],
        [(14 / 11 - 1) / 0.05, NOTHING],
        [NOTHING, NOTHING],
        [0.1 / 0.05, NOTHING],
        [NOTHING, NOTHING],
    ]
    np.testing.assert_allclose(found.y, expected, rtol=1e-6)
    assert found.y.dtype == np.float32
    assert found.offset.tolist() == [12.0, 11.0, 14.0, 90.0, 99.0]
    np.testing.assert_allclose(found.scale, [0.24, 0.55, 0.56, 4.5, 0.99])
    # And back to prices.
    np.testing.assert_allclose(found.prices(found.y)[:2, 0], [11.0, 14.0], rtol=1e-6)


def test_windows_without_a_volatility_are_left_out() -> None:
    rows = two_shares()
    rows.volatility[[1, 5]] = NOTHING
    found = make(rows)
    assert found.symbols == ["S0", "S0", "S1"]
    assert found.last_close.tolist() == [11.0, 14.0, 99.0]
    # Elsewhere the unit does not need it.
    assert len(cut(rows, lookback=2, horizon=1, target="change", scaling=WindowScaling())) == 5
    rows.volatility[:] = NOTHING
    with pytest.raises(TooFewBars):
        make(rows)


def test_a_level_is_in_units_of_the_range_whatever_the_unit() -> None:
    rows = two_shares()
    rows.volatility[:] = NOTHING
    by_range = cut(rows, lookback=2, horizon=1, target="level", scaling=WindowScaling(), unit="range")
    found = make(rows, target="level")
    for name in ("last", "y", "offset", "scale", "common"):
        np.testing.assert_array_equal(getattr(found, name), getattr(by_range, name))
    assert found.offset[0] == 10.0
    assert found.scale[0] == 2.0


def test_a_target_in_volatility_is_a_days_move_of_the_market_at_hand() -> None:
    # A walk of 3 % a session: its moves are about one unit in size, those of the range are not.
    rows = panel(trusted(market(1, symbols=4, sessions=300, factors=False)), ["close"])
    found = make(rows, lookback=30)
    y = found.y[found.known][:, 0]
    assert 0.6 < np.sqrt(np.mean(y**2)) < 1.6


def test_each_outcome_is_its_own_session_suspensions_included() -> None:
    days = [
        ["2024-01-02", "2024-01-03", "2024-03-01", "2024-03-04"],
        ["2024-01-02", "2024-01-03", "2024-01-04"],
    ]
    rows = panel_of([[10.0, 12.0, 11.0, 14.0], [5.0, 6.0, 7.0]], [[0.1] * 4, [0.1] * 3], days)
    found = make(rows, horizon=3)
    assert found.outcomes.astype(str).tolist() == [
        ["2024-03-01", "2024-03-04", "NaT"],
        ["2024-03-04", "NaT", "NaT"],
        ["NaT"] * 3,
        ["2024-01-04", "NaT", "NaT"],
        ["NaT"] * 3,
    ]
    assert found.outcomes.dtype == np.dtype("datetime64[D]")
    assert found.outcome.astype(str).tolist() == ["NaT"] * 5
    assert make(rows).outcomes[:, 0].tolist() == make(rows).outcome.tolist()


@several
@given(seed=st.integers(0, 2**31), lookback=st.integers(2, 5), horizon=st.integers(1, 4))
def test_outcomes_are_the_sessions_that_followed(seed: int, lookback: int, horizon: int) -> None:
    rows = panel(trusted(market(seed, symbols=3, suspended=0.4)), ["close"])
    found = cut(rows, lookback=lookback, horizon=horizon, target="change", scaling=WindowScaling())
    for n in range(len(found)):
        own = rows.session[rows.series == rows.series[found.last[n]]]
        later = own[own > found.origin[n]][:horizon]
        assert found.outcomes[n, : len(later)].tolist() == later.tolist()
        assert np.isnat(found.outcomes[n, len(later) :]).all()
        assert np.isnat(found.outcomes[n]).tolist() == np.isnan(found.y[n]).tolist()


def medians(found: Windows, horizon: int) -> np.ndarray:
    """`(n, horizon)`: the median change of the windows with the same origin, by pandas; 0 where too few are known.

    Of those whose outcome came as early as any: a suspended share's comes when trading resumes.
    """
    expected = np.zeros((len(found), horizon))
    prices = found.prices(found.y)
    for step in range(horizon):
        outcome = pd.Series(found.outcomes[:, step])
        first = outcome.groupby(found.origin).transform("min")
        change = pd.Series(prices[:, step] / found.last_close - 1).where(outcome == first)
        groups = change.groupby(found.origin)
        enough = groups.transform("count") >= 20
        expected[:, step] = np.where(enough, groups.transform("median"), 0.0)
    return expected


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    symbols=st.integers(18, 26),
    suspended=st.sampled_from([0.0, 0.02, 0.2]),
    horizon=st.integers(1, 3),
    unit=st.sampled_from(["volatility", "range"]),
)
def test_what_shares_did_together_is_their_median_change(
    seed: int, symbols: int, suspended: float, horizon: int, unit: Unit
) -> None:
    rows = panel(trusted(market(seed, symbols=symbols, sessions=20, suspended=suspended)), ["close"])
    found = cut(rows, lookback=3, horizon=horizon, target="change", scaling=WindowScaling(), unit=unit)
    expected = medians(found, horizon) * (found.last_close / found.scale)[:, None]
    assert found.common.dtype == np.float32
    # The prices here went through float32.
    np.testing.assert_allclose(found.common, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    index = np.arange(len(found))[::-3]
    targets = found.targets(index)
    assert targets.shape == (len(index), horizon, 2)
    assert targets.dtype == np.float32
    np.testing.assert_array_equal(targets[:, :, 0], found.y[index])
    np.testing.assert_array_equal(targets[:, :, 1], found.y[index] - found.common[index])


@pytest.mark.parametrize(
    ("shares", "unknown", "median"),
    [
        (19, 0, 0.0),  # too few to tell
        (20, 0, 0.105),  # between the tenth and the eleventh
        (21, 0, 0.11),
        (22, 0, 0.115),
        (22, 1, 0.11),  # one of them ends here: the median is that of the others
        (22, 2, 0.105),
        (22, 3, 0.0),
    ],
)
def test_the_median_is_taken_of_twenty_known_changes_at_least(shares: int, unknown: int, median: float) -> None:
    assert LEAST_UNIVERSE == 20
    # Share k moves by k per cent after the second session; the last ones have no third.
    moved = np.random.default_rng(1).permutation(np.arange(1, shares + 1))
    prices = [[50.0, 100.0, 100.0 + move] if move <= shares - unknown else [50.0, 100.0] for move in moved]
    rows = panel_of(prices, [[0.02] * len(own) for own in prices])
    found = make(rows)
    first = found.origin == np.datetime64("2024-01-02")
    assert first.sum() == shares
    np.testing.assert_allclose(found.common[first, 0], median / 0.02, rtol=1e-6)
    # On the last session nothing is known yet.
    assert not found.common[~first].any()
    targets = found.targets(np.flatnonzero(first))
    known = moved <= shares - unknown
    np.testing.assert_allclose(targets[known, 0, 1], (moved[known] / 100 - median) / 0.02, rtol=1e-5, atol=1e-5)
    assert np.isnan(targets[~known]).all()


def test_shares_of_another_exchange_do_something_else_together() -> None:
    # 21 shares of Shanghai move by 1 to 21 per cent, 21 of New York by 31 to 51.
    shanghai, new_york = np.arange(1, 22), np.arange(31, 52)
    prices = [[50.0, 100.0, 100.0 + move] for move in (*shanghai, *new_york)]
    rows = panel_of(prices, [[0.02] * 3] * len(prices))
    names = tuple(f"6000{k:02d}.SH" for k in range(21)) + tuple(f"S{k:02d}" for k in range(21))
    found = make(replace(rows, symbols=names))
    first = found.origin == np.datetime64("2024-01-02")
    np.testing.assert_allclose(found.common[first, 0], np.repeat([0.11, 0.41], 21) / 0.02, rtol=1e-6)


def test_levels_have_nothing_in_common() -> None:
    rows = panel(trusted(market(2, symbols=25, suspended=0.0)), ["close"])
    found = make(rows, target="level")
    assert not found.common.any()


def test_taking_some_takes_what_they_have_in_common() -> None:
    rows = panel(trusted(market(2, symbols=25, suspended=0.0)), ["close"])
    found = make(rows)
    some = np.array([9, 3, 100])
    assert found.common[some].any()
    np.testing.assert_array_equal(found.take(some).common, found.common[some])
    np.testing.assert_array_equal(found.take(some).targets(np.array([2])), found.targets(np.array([100])))


def test_a_panel_of_many_blocks_is_cut_as_one_of_few() -> None:
    # Windows are cut block by block; what belongs together must not depend on where a block ends.
    rng = np.random.default_rng(3)
    sessions, shares = 1200, 31
    prices = [list(np.exp(np.cumsum(rng.normal(0, 0.02, sessions)))) for _ in range(shares)]
    rows = panel_of(prices, [[0.02] * sessions] * shares)
    found = make(rows, lookback=5, horizon=2)
    assert len(found) > 2 * BLOCK
    close = rows.close.reshape(shares, sessions)
    for step in (1, 2):
        change = close[:, 4 + step :] / close[:, 4:-step] - 1
        y = found.y[:, step - 1].reshape(shares, -1)
        common = found.common[:, step - 1].reshape(shares, -1)
        np.testing.assert_allclose(y[:, :-step], change / 0.02, rtol=1e-5, atol=1e-5)
        assert np.isnan(y[:, -step:]).all()
        np.testing.assert_allclose(common[:, :-step], np.tile(np.median(change, axis=0) / 0.02, (shares, 1)), rtol=1e-5)
        assert not common[:, -step:].any()
    by_range = replace(rows, volatility=np.full(len(rows.close), NOTHING))
    found = cut(by_range, lookback=5, horizon=1, target="level", scaling=WindowScaling())
    lowest = np.lib.stride_tricks.sliding_window_view(close, 5, axis=1).min(axis=2)
    np.testing.assert_array_equal(found.offset.reshape(shares, -1), lowest)


@pytest.mark.parametrize("series", [False, True])
@pytest.mark.parametrize("unit", ["volatility", "range"])
def test_windows_take_half_of_the_panels_memory_at_most(unit: Unit, series: bool) -> None:
    length, shares, lookback = 1000, 200, 120
    rng = np.random.default_rng(1)
    close = rng.lognormal(3.0, 0.1, length * shares)
    rows = Panel(
        symbols=tuple(f"S{position}" for position in range(shares)),
        minmax=np.array([True] * 5 + [False] * 3),
        series=np.repeat(np.arange(shares), length),
        session=np.tile(np.datetime64("2020-01-01") + np.arange(length), shares),
        values=rng.normal(size=(length * shares, 8)),
        close=close,
        factor=np.ones(length * shares),
        volatility=rng.uniform(0.01, 0.03, length * shares),
    )
    arrays = (rows.values, rows.close, rows.factor, rows.volatility, rows.series, rows.session)
    scaling: Scaling = fit_series_scaling(rows, rows.session[300]) if series else WindowScaling()
    tracemalloc.start()
    try:
        found = cut(rows, lookback=lookback, horizon=1, target="change", scaling=scaling, unit=unit)
        index = rng.permutation(len(found))
        for start in range(0, 512, 128):
            assert found.inputs(index[start : start + 128]).shape == (128, lookback, 8)
            assert found.targets(index[start : start + 128]).shape == (128, 1, 2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == shares * (length - lookback + 1)
    assert peak < 0.5 * sum(one.nbytes for one in arrays)
