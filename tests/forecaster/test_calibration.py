from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binom

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
        low, high = binom.ppf([1e-5, 1 - 1e-5], repetitions, exact) / repetitions
        assert low <= below[k] <= high, level
        if (n + 1) * min(level, 1 - level) >= 1:
            assert (exact >= level - 1e-9) if level > 0.5 else (exact <= level + 1e-9)
