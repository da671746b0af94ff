"""Calibration that follows what came: against a plain loop, against the future, and against the bound of the papers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecaster.calibration import Calibration, followed

Floats = NDArray[np.float64]
Float32 = NDArray[np.float32]
Days = NDArray[np.datetime64]
Flags = NDArray[np.bool_]

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
FIRST = np.datetime64("2020-01-06")
STEP = np.array([0.05, 0.03, 0.0, 0.03, 0.05])


@dataclass(frozen=True)
class Asked:
    """Windows, as `followed` takes them."""

    output: Float32
    actual: Float32
    origin: Days
    outcomes: Days
    counted: Flags

    def __len__(self) -> int:
        return len(self.origin)

    def take(self, kept: Flags) -> Asked:
        return Asked(**{name: getattr(self, name)[kept] for name in self.__dataclass_fields__})

    def followed(self, start: Calibration) -> tuple[Floats, Calibration]:
        return followed(start, self.output, self.actual, LEVELS, self.origin, self.outcomes, self.counted)


def asked(seed: int, *, symbols: int = 4, sessions: int = 15, horizon: int = 1, traded: float = 0.7) -> Asked:
    """Windows of symbols that trade on a part of the days: some wait many sessions for their outcome, or for ever."""
    random = np.random.default_rng(seed)
    pieces = []
    for _ in range(symbols):
        days = FIRST + np.flatnonzero(random.random(sessions) < traded)
        ahead = np.arange(len(days))[:, None] + np.arange(1, horizon + 1)
        outcomes = np.append(days, [np.datetime64("NaT", "D")] * horizon)[np.minimum(ahead, len(days))]
        actual = np.where(np.isnat(outcomes), np.nan, random.normal(0.3, 1, outcomes.shape)).astype("f")
        pieces.append((days, outcomes, actual, np.full(len(days), random.random() < 0.7)))
    origin, outcomes, actual, counted = (np.concatenate(one) for one in zip(*pieces, strict=True))
    output = np.sort(random.normal(0, 1, (len(origin), horizon, len(LEVELS))), axis=-1).astype("f")
    return Asked(output, actual, origin, outcomes, counted)


def start(horizon: int = 1, through: np.datetime64 = FIRST) -> Calibration:
    shift = np.tile([-0.2, 0.1, 0.0, -0.1, 0.3], (horizon, 1))
    return Calibration(shift, 50, np.tile(STEP, (horizon, 1)), through)


def by_hand(windows: Asked, begin: Calibration) -> tuple[Floats, Floats]:
    """The rule, day by day and window by window: quantiles before they are put in order, and the last shift."""
    assert begin.step is not None
    assert begin.through is not None
    shift = begin.shift.tolist()
    horizon = len(shift)
    used: dict[int, list[list[float]]] = {}
    days = sorted({*windows.origin.tolist(), *windows.outcomes[~np.isnat(windows.outcomes)].tolist()})
    for day in days:
        for step in range(horizon):
            known = [
                row
                for row in range(len(windows))
                if windows.counted[row] and windows.outcomes[row, step].item() == day and day > begin.through.item()
            ]
            for place, level in enumerate(LEVELS):
                sides = [
                    float(windows.actual[row, step]) <= float(windows.output[row, step, place]) + used[row][step][place]
                    for row in known
                ]
                if sides:
                    shift[step][place] += begin.step[step, place] * (level - sum(sides) / len(sides))
        for row in range(len(windows)):
            if windows.origin[row].item() == day:
                used[row] = [list(one) for one in shift]
    quantiles = windows.output + np.array([used[row] for row in range(len(windows))])
    return quantiles, np.array(shift)


def in_order(quantiles: Floats) -> Floats:
    """Each quantile at least as far out as those between it and the median."""
    middle = len(LEVELS) // 2
    found = quantiles.copy()
    for place in range(len(LEVELS)):
        between = quantiles[..., middle : place + 1] if place >= middle else quantiles[..., place : middle + 1]
        found[..., place] = between.max(axis=-1) if place >= middle else between.min(axis=-1)
    return found


seeds = st.integers(0, 2**31 - 1)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 3), st.integers(0, 8), st.booleans())
def test_it_is_the_rule_day_by_day(seed: int, horizon: int, through: int, whole: bool) -> None:
    windows = asked(seed, horizon=horizon, traded=1.0 if whole else 0.6)
    begin = start(horizon, FIRST + through)
    quantiles, end = windows.followed(begin)
    expected, shift = by_hand(windows, begin)
    np.testing.assert_allclose(quantiles, in_order(expected), rtol=0, atol=1e-12)
    np.testing.assert_allclose(end.shift, shift, rtol=0, atol=1e-12)


def test_two_sessions_by_hand() -> None:
    # Three shares asked on Monday and on Tuesday; the outcomes of Tuesday: 1, -1 and 9, of Wednesday: 0, 0 and 0.
    levels, step = (0.1, 0.5, 0.9), np.array([[0.5, 0.0, 1.0]])
    monday = np.datetime64("2020-01-06")
    origin = np.repeat(monday + np.arange(2), 3)
    actual = np.array([[1.0], [-1.0], [9.0], [0.0], [0.0], [0.0]], dtype="f")
    output = np.tile(np.array([-2.0, 0.0, 2.0], dtype="f"), (6, 1, 1))
    begin = Calibration(np.zeros((1, 3)), 9, step, monday)
    found, end = followed(begin, output, actual, levels, origin, origin[:, None] + 1, np.ones(6, dtype=bool))
    assert found[:3].tolist() == [[[-2.0, 0.0, 2.0]]] * 3
    # Tuesday: none of three is below the lower quantile, 0.5 (0.1 - 0); two are below the upper, 1 (0.9 - 2/3).
    assert found[3:] == pytest.approx(np.tile([-1.95, 0.0, 2.0 + 0.9 - 2 / 3], (3, 1, 1)))
    # Wednesday: again none below the lower one, and all below the upper.
    assert end.shift == pytest.approx(np.array([[0.1, 0.0, 0.9 - 2 / 3 - 0.1]]))
    assert (end.through, end.windows) == (np.datetime64("2020-01-08"), 9)
    assert end.step is step
    assert begin.shift.tolist() == [[0.0, 0.0, 0.0]]


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 3), st.integers(0, 14), st.floats(-100, 100))
def test_nothing_that_comes_later_moves_a_quantile(seed: int, horizon: int, until: int, wild: float) -> None:
    windows, day = asked(seed, horizon=horizon), FIRST + until
    begin = start(horizon)
    quantiles, _ = windows.followed(begin)
    early, late = windows.origin <= day, windows.outcomes > day
    other = replace(windows, actual=np.where(late, np.float32(wild), windows.actual))
    assert np.array_equal(other.followed(begin)[0][early], quantiles[early])
    # On that day the later outcomes are not known, and the later windows not asked for.
    nothing = np.datetime64("NaT", "D")
    then = replace(
        windows,
        actual=np.where(late, np.float32(np.nan), windows.actual),
        outcomes=np.where(late, nothing, windows.outcomes),
    ).take(early)
    assert np.array_equal(then.followed(begin)[0], quantiles[early])


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 2))
def test_what_does_not_count_moves_nothing(seed: int, horizon: int) -> None:
    windows, begin = asked(seed, horizon=horizon), start(horizon)
    quantiles, end = windows.followed(begin)
    random = np.random.default_rng(seed)
    noise = random.normal(0, 9, windows.actual.shape).astype("f")
    other = replace(windows, actual=np.where(windows.counted[:, None], windows.actual, noise + windows.actual))
    found, after = other.followed(begin)
    assert np.array_equal(found, quantiles)
    assert np.array_equal(after.shift, end.shift)
    none = replace(windows, counted=np.zeros(len(windows), dtype=bool))
    assert np.array_equal(none.followed(begin)[0], begin.apply(windows.output))
    assert np.array_equal(none.followed(begin)[1].shift, begin.shift)


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 3))
def test_the_median_stays_and_quantiles_ascend(seed: int, horizon: int) -> None:
    windows, begin = asked(seed, horizon=horizon), start(horizon)
    quantiles, end = windows.followed(replace(begin, step=100 * np.tile(STEP, (horizon, 1))))
    assert np.array_equal(quantiles[..., 2], windows.output[..., 2].astype(np.float64))
    assert (end.shift[:, 2] == 0).all()
    assert (np.diff(quantiles, axis=-1) >= 0).all()


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(2, 14), st.booleans())
def test_following_in_two_parts_is_following_in_one(seed: int, until: int, level_head: bool) -> None:
    windows, begin = asked(seed, traded=1.0), start()
    if level_head:
        windows = replace(windows, output=windows.output[..., 2:3])
    quantiles, end = windows.followed(begin)
    known = windows.outcomes[:, 0] <= FIRST + until
    first, handed_over = windows.take(known).followed(begin)
    second, after = windows.take(~known).followed(handed_over)
    assert handed_over.through == FIRST + until
    assert np.array_equal(first, quantiles[known])
    assert np.array_equal(second, quantiles[~known])
    assert np.array_equal(after.shift, end.shift)
    # What was handed over is not counted twice where windows are given once more.
    again, twice = windows.followed(handed_over)
    assert np.array_equal(again[~known], quantiles[~known])
    assert np.array_equal(twice.shift, end.shift)


def test_a_share_that_was_suspended_when_the_state_was_handed_over_is_judged_by_that_state() -> None:
    begin = start(through=FIRST + 7)
    output = np.zeros((1, 1, 5), dtype="f")
    origin, outcomes = np.array([FIRST + 2]), np.array([[FIRST + 30]])
    quantiles, end = followed(begin, output, np.array([[-0.15]], dtype="f"), LEVELS, origin, outcomes, np.array([True]))
    assert quantiles.tolist() == [[[-0.2, 0.0, 0.0, 0.0, 0.3]]]
    # Of -0.2, 0.1, 0, -0.1 and 0.3 all but the first are above -0.15.
    moved = STEP * (np.array(LEVELS) - np.array([0, 1, 1, 1, 1]))
    assert end.shift == pytest.approx(begin.shift + moved)


def test_without_a_step_or_without_windows_nothing_follows() -> None:
    windows, still = asked(3), Calibration(start().shift, 50)
    quantiles, end = windows.followed(still)
    assert np.array_equal(quantiles, still.apply(windows.output))
    assert end is still
    nothing = windows.take(np.zeros(len(windows), dtype=bool))
    assert nothing.followed(start())[0].shape == (0, 1, 5)


def one_share(place: int, n: int, step: float, choose: Any) -> Flags:
    """Which of n outcomes came out below one quantile, each chosen after that quantile is known, within 1 of it.

    The network's quantiles are far apart, so that none is ever stopped by another.
    """
    output = np.array([-40.0, -20.0, 0.0, 20.0, 40.0], dtype="f")
    begin = Calibration(np.zeros((1, 5)), 0, np.tile(step * (STEP > 0), (1, 1)), FIRST)
    below: list[bool] = []
    # Only the state is handed on: that this is following in one go is tested above.
    for session in range(n):
        actual = np.array([[output[place] + choose(begin.shift[0, place], below)]], dtype="f")
        origin = np.array([FIRST + session])
        quantiles, begin = followed(
            begin, output[None, None], actual, LEVELS, origin, origin[:, None] + 1, np.array([True])
        )
        below.append(bool(actual[0, 0] <= quantiles[0, 0, place]))
    return np.array(below)


@pytest.mark.parametrize("place", [0, 3])
@pytest.mark.parametrize(
    "choose",
    [
        lambda shift, below: 1.0,
        lambda shift, below: -1.0,
        # Always to the side that has had too many already.
        lambda shift, below: -1.0 if sum(below) > 0.5 * len(below) else 1.0,
        lambda shift, below: 1.0 if shift < 0.4 else -1.0,
        lambda shift, below: np.sin(len(below) / 9),
        lambda shift, below: len(below) / 100 - 1,
    ],
    ids=["high", "low", "worse", "lures", "waves", "drift"],
)
def test_the_error_is_bounded_whatever_comes(place: int, choose: Any) -> None:
    # Gibbs & Candès (2021), proposition 4.1, for the quantile itself (Angelopoulos, Candès & Tibshirani 2023): where
    # no outcome is further than b from the network's quantile, the error of n sessions is at most (b / step + 1) / n.
    step = 0.1
    below = one_share(place, 200, step, choose)
    sizes = np.arange(1, 201)
    error = np.abs(np.cumsum(below) / sizes - LEVELS[place])
    assert (error <= (1 / step + 1) / sizes + 1e-9).all()


def test_the_bound_is_reached() -> None:
    # Outcomes above all the time: ten units of coverage are missed, 0.3 a session, before the quantile is there.
    below = one_share(1, 34, 0.1, lambda shift, below: 1.0)
    assert below.tolist() == [False] * 34
    assert abs(below.mean() - 0.3) * 34 == pytest.approx(1 / 0.1, rel=0.03)


@pytest.mark.parametrize("trend", [-1.0, 1.0])
def test_where_the_median_stops_a_quantile_it_errs_to_the_outside(trend: float) -> None:
    n, b = 400, 4.0
    random = np.random.default_rng(8)
    origin = FIRST + np.arange(n)
    actual = np.clip(random.normal(trend * np.linspace(0, 3, n), 0.3), -b, b).astype("f")[:, None]
    output = np.tile(np.array([-1.0, -0.5, 0.0, 0.5, 1.0], dtype="f"), (n, 1, 1))
    begin = Calibration(np.zeros((1, 5)), 0, np.array([STEP]), FIRST)
    quantiles, _ = followed(begin, output, actual, LEVELS, origin, origin[:, None] + 1, np.ones(n, dtype=bool))
    below = (actual <= quantiles[:, 0]).mean(axis=0)
    for place, level in enumerate(LEVELS):
        if level == 0.5:
            continue
        # The largest distance between an outcome and one of the network's quantiles is b + 1.
        allowed = ((b + 1) / STEP[place] + 1) / n
        assert (below[place] <= level + allowed) if level < 0.5 else (below[place] >= level - allowed)
    # With the trend against it the quantile on the other side is where the median is, and never passed.
    assert below[1 if trend > 0 else 3] == pytest.approx(0.0 if trend > 0 else 1.0, abs=0.2)
