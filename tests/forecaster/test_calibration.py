from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binom, norm

from forecaster.calibration import Calibration, calibrate
from forecaster.spec import DEFAULT_QUANTILES

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def shuffled(n: int) -> np.ndarray:
    """The errors 1 to n in some order, `(n, 1)`: an order statistic is its own rank."""
    return np.random.default_rng(n).permutation(np.arange(1.0, n + 1)).astype("f")[:, None]


@pytest.mark.parametrize(
    ("n", "ranks"),
    [
        # (n + 1) p = 9.5, 9 and 7.5, rounded up, at most n; below the median the mirror images.
        (9, [1, 1, 2, None, 8, 9, 9]),
        # (n + 1) p = 95, 90 and 75 exactly.
        (99, [5, 10, 25, None, 75, 90, 95]),
        # 20 p = 19, 18 and 15.
        (19, [1, 2, 5, None, 15, 18, 19]),
        (1, [1, 1, 1, None, 1, 1, 1]),
    ],
)
def test_the_rank_of_the_error_that_each_level_takes(n: int, ranks: list[int | None]) -> None:
    found = calibrate(np.zeros((n, 1, 1), dtype="f"), shuffled(n), LEVELS)
    assert found.shift.tolist() == [[0 if rank is None else rank for rank in ranks]]
    assert found.windows == n


def test_ranks_are_exact_where_a_product_is_whole_but_for_rounding() -> None:
    # In floating point 0.07 * 100 is 7.000000000000001 and 0.29 * 100 is 28.999999999999996.
    levels = (0.07, 0.29, 0.45, 0.5, 0.55, 0.71, 0.93)
    found = calibrate(np.zeros((99, 1, 1), dtype="f"), shuffled(99), levels)
    assert found.shift.tolist() == [[7, 29, 45, 0, 55, 71, 93]]


def test_each_quantile_is_moved_by_its_own_errors() -> None:
    # 3 windows: the outer levels take the outermost error.
    output = np.array([[[-1.0, 0.0, 1.0]], [[-2.0, 0.0, 2.0]], [[-3.0, 0.0, 3.0]]], dtype="f")
    actual = np.array([[0.5], [-4.0], [1.0]], dtype="f")
    # actual - lower: 1.5, -2, 4; actual - upper: -0.5, -6, -2.
    found = calibrate(output, actual, (0.1, 0.5, 0.9))
    assert found.shift.tolist() == [[-2.0, 0.0, -0.5]]


def test_each_step_of_the_horizon_has_its_own_correction() -> None:
    actual = np.concatenate([shuffled(99), 10 * shuffled(99)], axis=1)
    found = calibrate(np.zeros((99, 2, 1), dtype="f"), actual, (0.1, 0.5, 0.9))
    assert found.shift.tolist() == [[10, 0, 90], [100, 0, 900]]


def test_a_single_number_becomes_quantiles_around_it() -> None:
    shift = np.array([[-3.0, 0.0, 4.0]])
    found = Calibration(shift, 99).apply(np.array([[[10.0]], [[20.0]]], dtype="f"))
    assert found.tolist() == [[[7.0, 10.0, 14.0]], [[17.0, 20.0, 24.0]]]
    assert found.dtype == np.float64


def test_corrections_stop_at_the_median_and_at_the_next_quantile() -> None:
    output = np.array([[[-2.0, -1.0, 0.0, 1.0, 2.0]]], dtype="f")
    shift = np.array([[3.0, 2.5, 0.0, -4.0, 1.0]])
    # Moved: 1, 1.5, 0, -3, 3. From the median outwards none may pass it.
    assert Calibration(shift, 9).apply(output).tolist() == [[[0.0, 0.0, 0.0, 0.0, 3.0]]]
    shift = np.array([[1.5, 0.0, 0.0, 2.0, -0.5]])
    # Moved: -0.5, -1, 0, 3, 1.5: each outer quantile is pushed out to its inner neighbour.
    assert Calibration(shift, 9).apply(output).tolist() == [[[-1.0, -1.0, 0.0, 3.0, 3.0]]]


outputs = hnp.arrays(np.float32, (7, 2, 9), elements=st.floats(-1e6, 1e6, width=32))
shifts = hnp.arrays(np.float64, (2, 9), elements=st.floats(-1e6, 1e6))


@given(outputs, shifts)
def test_quantiles_ascend_and_the_median_stays(output: np.ndarray, shift: np.ndarray) -> None:
    shift[:, 4] = 0.0
    before = output.copy()
    found = Calibration(shift, 1).apply(output)
    assert (np.diff(found, axis=-1) >= 0).all()
    assert (found[..., 4] == output[..., 4]).all()
    assert (output == before).all()


@given(st.integers(1, 200), st.integers(0, 2**31 - 1))
def test_the_median_is_never_corrected(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    output = np.sort(random.normal(0, 1, (n, 2, 9)).astype("f"), axis=-1)
    found = calibrate(output, random.normal(5, 1, (n, 2)).astype("f"), DEFAULT_QUANTILES)
    assert (found.shift[:, 4] == 0).all()


@given(st.integers(2, 200), st.integers(0, 2**31 - 1))
def test_only_the_windows_given_count_and_in_no_order(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    output = np.sort(random.normal(0, 1, (n, 1, 9)).astype("f"), axis=-1)
    actual = random.normal(0, 1, (n, 1)).astype("f")
    before = output.copy(), actual.copy()
    found = calibrate(output, actual, DEFAULT_QUANTILES)
    order = random.permutation(n)
    assert (calibrate(output[order], actual[order], DEFAULT_QUANTILES).shift == found.shift).all()
    assert (output == before[0]).all()
    assert (actual == before[1]).all()
    # Every correction is an error of a window that was given.
    errors = actual[..., None].astype(np.float64) - output
    assert all(found.shift[0, k] in errors[:, 0, k] for k in range(9) if k != 4)


@pytest.mark.parametrize("n", [9, 39, 99])
def test_coverage_on_exchangeable_data_is_what_is_promised_in_a_finite_sample(n: int) -> None:
    # 20,000 independent repetitions, one a step of the horizon: n windows to calibrate on and one to be held.
    repetitions, random = 20_000, np.random.default_rng(n)
    actual = random.standard_t(3, (n + 1, repetitions)).astype("f")
    output = np.array([-1.0, -0.5, -0.1, 0.0, 0.3, 0.2, 5.0], dtype="f")  # badly wrong, and the same for all
    output = np.broadcast_to(output, (n + 1, repetitions, 7))
    found = calibrate(output[:n], actual[:n], LEVELS)
    bounds = output[n] + found.shift  # (repetitions, q)
    below = (actual[n][:, None] <= bounds).mean(axis=0)
    for k, level in enumerate(LEVELS):
        if level == 0.5:
            continue
        # The rank-th smallest of n holds an exchangeable newcomer below it with probability rank / (n + 1).
        upper = min(n, math.ceil(round((n + 1) * max(level, 1 - level), 9)))
        exact = (upper if level > 0.5 else n + 1 - upper) / (n + 1)
        low, high = np.asarray(binom.ppf([1e-5, 1 - 1e-5], repetitions, exact)) / repetitions
        assert low <= below[k] <= high, level
        if (n + 1) * min(level, 1 - level) >= 1:
            assert (exact >= level - 1e-9) if level > 0.5 else (exact <= level + 1e-9)


MONDAY = np.datetime64("2020-01-06")


def sessions(count: int, windows: int) -> np.ndarray:
    """`(count * windows,)`: so many sessions, with so many windows each."""
    return np.repeat(MONDAY + np.arange(count), windows)


@pytest.mark.parametrize("n", [19, 39])
def test_a_level_head_covers_what_is_promised_on_new_data(n: int) -> None:
    # As above, for a single number that is off, with sessions given: its correction is never taken back.
    repetitions, random = 20_000, np.random.default_rng(n)
    actual = random.gumbel(0, 1, (n + 1, repetitions)).astype("f")
    output = np.full((n + 1, repetitions, 1), 3.0, dtype="f")
    origin = sessions(n, 1)
    found = calibrate(output[:n], actual[:n], LEVELS, origin, origin + 1)
    below = (actual[n][:, None] <= output[n] + found.shift).mean(axis=0)
    # 20 p and 40 p are whole, so that each level is exact: 1, 2, 5, 15, 18 and 19 of 20, and twice as many of 40.
    for k, level in enumerate(LEVELS):
        if level != 0.5:
            low, high = np.asarray(binom.ppf([1e-5, 1 - 1e-5], repetitions, level)) / repetitions
            assert low <= below[k] <= high, level


def test_the_part_of_the_correction_that_the_sessions_speak_for_by_hand() -> None:
    # Three sessions with two windows each. Actual values beside quantiles at -1, 0 and 1:
    actual = np.array([[0.5], [2.0], [3.0], [-4.0], [-3.0], [0.2]], dtype="f")
    output = np.tile(np.array([-1.0, 0.0, 1.0], dtype="f"), (6, 1, 1))
    found = calibrate(output, actual, (0.1, 0.5, 0.9), sessions(3, 2))
    # Below the upper one are 1/2, 1/2 and 2/2: missed by -.4, -.4 and .1. Their mean is -.7/3 with a square of 49/900,
    # its squared standard error (1/36 + 1/36 + 4/36) / 2 / 3 = 1/36, so that 1 - 1/t^2 = 1 - 25/49.
    # Below the lower one are 0, 1/2 and 1/2: missed by -.1, .4 and .4, a mean of .7/3 with the same standard error.
    # Six windows and one more: the ceil(6.3)-th error is held back to the largest, 3 - 1, and the smallest is -4 + 1.
    assert found.shift == pytest.approx(np.array([[-3 * 24 / 49, 0, 2 * 24 / 49]]))
    # With two more windows below the upper one in the first session 3/4, 1/2 and 1 are: missed by -.15, -.4 and .1, a
    # mean of -.15 and 0.0225, and (0 + .0625 + .0625) / 2 / 3 = 0.0208: 1 - 25/27. Below the lower one 0, 1/2 and 1/2.
    more = np.concatenate([np.zeros((2, 1), dtype="f"), actual])
    origin = np.concatenate([sessions(1, 2), sessions(3, 2)])
    found = calibrate(np.tile(output[:1], (8, 1, 1)), more, (0.1, 0.5, 0.9), origin)
    assert found.shift == pytest.approx(np.array([[-3 * 24 / 49, 0, 2 * 2 / 27]]))


def test_what_sessions_contradict_is_not_corrected() -> None:
    # Below the upper quantile are none, all and all: missed by -.9, .1 and .1, where t^2 is (.7 / 3)^2 / (1 / 9) < 1.
    actual = np.array([[2.0], [3.0], [0.0], [0.0], [0.0], [0.0]], dtype="f")
    output = np.tile(np.array([-1.0, 0.0, 1.0], dtype="f"), (6, 1, 1))
    found = calibrate(output, actual, (0.1, 0.5, 0.9), sessions(3, 2))
    assert found.shift[0, 2] == 0
    # All three sessions agree that nothing is below the lower one. Outcomes may narrow it; a slice does not.
    assert found.shift[0, 0] == 0
    found = calibrate(output, actual - 1.5, (0.1, 0.5, 0.9), sessions(3, 2))
    # Now two of three sessions are below it altogether, missed by .9, .9 and -.1: 1 - (1 / 9) / (1.7 / 3)^2 of -0.5.
    assert found.shift[0, 0] == pytest.approx(-0.5 * (1 - 1 / 1.7**2))
    # One session says nothing about how sessions differ.
    assert (calibrate(output[:2], actual[:2], (0.1, 0.5, 0.9), sessions(1, 2)).shift == 0).all()


def part_kept(output: np.ndarray, actual: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """`(horizon, q - 1)`: the correction as a part of that for independent errors, for all levels but the median."""
    kept, full = (calibrate(output, actual, LEVELS, one).shift for one in (origin, None))
    return np.delete(kept / np.where(full == 0, 1, full), LEVELS.index(0.5), axis=1)


def test_a_network_that_is_wrong_is_corrected_and_one_that_is_right_is_left_alone() -> None:
    # 200 networks at once, a step of the horizon each; 100 sessions with 20 shares that move together.
    count, shares, networks = 100, 20, 200
    random = np.random.default_rng(5)
    origin = sessions(count, shares)
    session = np.repeat(random.normal(0, 0.8, (count, networks)), shares, axis=0)
    actual = (session + random.normal(0, 0.6, (count * shares, networks))).astype("f")
    exact = np.broadcast_to(np.asarray(norm.ppf(LEVELS), dtype="f"), (*actual.shape, len(LEVELS)))
    wrong = part_kept(0.5 * exact, actual, origin)
    assert wrong.mean() > 0.9
    # What is expected of a standard normal t: the mean of 1 - 1/t^2 where t is above 1, by quadrature. Where it is
    # below -1 the network is too wide, which a slice does not correct.
    t = np.linspace(1, 12, 200_001)
    expected = np.trapezoid((1 - 1 / t**2) * norm.pdf(t), t)
    right = part_kept(exact, actual, origin)
    assert (right == 0).mean() == pytest.approx(norm.cdf(1), abs=0.06)
    assert right.mean() == pytest.approx(expected, abs=0.04)
    # As if all 2,000 errors told something of their own, most of what is no error would be taken for one.
    assert part_kept(exact, actual, MONDAY + np.arange(len(actual))).mean() > 3 * right.mean()


@given(st.integers(2, 12), st.integers(2, 9), st.integers(0, 2**31 - 1))
def test_windows_of_one_session_that_say_the_same_count_once(count: int, copies: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    output = np.sort(random.normal(0, 1, (count, 2, 7)).astype("f"), axis=-1)
    actual = random.normal(1, 1, (count, 2)).astype("f")
    once = part_kept(output, actual, sessions(count, 1))
    again = part_kept(np.repeat(output, copies, axis=0), np.repeat(actual, copies, axis=0), sessions(count, copies))
    # With more copies the rank of an error moves, and with it whether a small correction is one to the outside.
    both = (once > 0) & (again > 0)
    np.testing.assert_allclose(again[both], once[both], atol=1e-9)


def test_a_step_is_the_distance_in_which_a_five_hundredth_of_the_outcomes_lies() -> None:
    # Errors spread evenly over 0 to 1, and over 0 to 10: one unit of coverage is as wide as their range.
    even = np.linspace(0, 1, 1001)
    actual = np.stack([even, 10 * even], axis=1).astype("f")
    origin = sessions(1001, 1)
    found = calibrate(np.zeros((1001, 2, 1), dtype="f"), actual, LEVELS, origin, origin + 3)
    expected = np.array([0 if level == 0.5 else 1 / 500 for level in LEVELS])
    assert found.step == pytest.approx(np.stack([expected, 10 * expected]), rel=1e-5)
    assert found.through == origin[-1] + 3
    # Exponential errors: between the neighbours 0.9 and 0.975 of 0.95 lie -ln 0.025 + ln 0.1, between 0.025 and 0.1 of
    # 0.05 -ln 0.9 + ln 0.975.
    exponential = -np.log1p(-(np.arange(4000) + 0.5) / 4000)[:, None].astype("f")
    origin = sessions(4000, 1)
    found = calibrate(np.zeros((4000, 1, 1), dtype="f"), exponential, LEVELS, origin, origin + 1)
    assert found.step is not None
    assert found.step[0, -1] == pytest.approx(np.log(4) / 0.075 / 500, rel=1e-2)
    assert found.step[0, 0] == pytest.approx(np.log(0.975 / 0.9) / 0.075 / 500, rel=1e-2)


def test_without_the_sessions_of_outcomes_nothing_can_follow() -> None:
    found = calibrate(np.zeros((9, 1, 1), dtype="f"), shuffled(9), LEVELS, sessions(9, 1))
    assert (found.step, found.through) == (None, None)
