from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecaster.diagnostics.significance import diebold_mariano, pesaran_timmermann, significance
from tests.forecaster.diagnostics.records import late, noisy, seeds, sizes


@given(seeds, st.integers(3, 300))
def test_at_horizon_one_the_corrected_test_is_a_paired_t_test(seed: int, n: int) -> None:
    # With g the variance of d with divisor n and s^2 = g n / (n - 1): the Diebold-Mariano statistic is
    # mean / sqrt(g / n), the correction sqrt((n + 1 - 2 + 0) / n) = sqrt((n - 1) / n), and their product
    # mean / sqrt(g / (n - 1)) = mean / (s / sqrt(n)): Student's t with n - 1 degrees of freedom.
    rng = np.random.default_rng(seed)
    model, naive = rng.exponential(1.0, n), rng.exponential(1.1, n)
    found = diebold_mariano(model, naive)
    expected = stats.ttest_1samp(model - naive, 0.0)
    assert found == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_at_horizon_three_as_r_forecast_dm_test() -> None:
    # forecast::dm.test(e1, e2, h = 3, power = 1, varestimator = "acf"), line by line.
    model = [1.0, 2.0, 0.5, 1.5, 3.0, 2.5, 0.25, 1.0, 2.0, 1.75]
    naive = [1.5, 1.0, 1.0, 2.5, 3.5, 2.0, 1.25, 1.0, 3.0, 2.0]
    n, h = 10, 3
    d = [a - b for a, b in zip(model, naive, strict=True)]
    mean = sum(d) / n
    d_cov = [sum((d[t] - mean) * (d[t - k] - mean) for t in range(k, n)) / n for k in range(h)]
    d_var = (d_cov[0] + 2 * d_cov[1] + 2 * d_cov[2]) / n
    k = ((n + 1 - 2 * h + (h / n) * (h - 1)) / n) ** 0.5
    statistic = mean / d_var**0.5 * k
    p_value = 2 * stats.t.cdf(-abs(statistic), df=n - 1)
    found = diebold_mariano(np.array(model), np.array(naive), horizon=3)
    assert found == pytest.approx((statistic, p_value), rel=1e-12)


def test_a_negative_statistic_means_the_model_is_better() -> None:
    naive = np.random.default_rng(7).exponential(1.0, 100)
    found = diebold_mariano(naive * 0.5, naive)
    assert found is not None
    assert found[0] < 0.0


@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_losses_that_differ_by_a_constant_have_no_statistic(offset: float) -> None:
    naive = np.random.default_rng(7).exponential(1.0, 100)
    assert diebold_mariano(naive + offset, naive) is None


def test_a_variance_that_is_not_positive_has_no_statistic() -> None:
    # d = +1 -1 +1 -1 has autocovariances 1 and -3/4: 1 + 2 (-3/4) is below zero.
    assert diebold_mariano(np.array([2.0, 1.0, 2.0, 1.0]), np.array([1.0, 2.0, 1.0, 2.0]), horizon=2) is None


def test_too_few_losses_for_the_horizon_have_no_statistic() -> None:
    assert diebold_mariano(np.array([1.0]), np.array([2.0])) is None


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="horizon >= 1"):
        diebold_mariano(np.ones(5), np.zeros(5), horizon=0)
    with pytest.raises(ValueError, match="one shape"):
        diebold_mariano(np.ones(5), np.zeros(4))
    with pytest.raises(ValueError, match="one shape"):
        pesaran_timmermann(np.ones(5), np.zeros(4))


def changes(up_up: int, up_down: int, down_up: int, down_down: int) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and actual changes with these counts of (predicted, actual) directions."""
    predicted = [1.0] * (up_up + up_down) + [-1.0] * (down_up + down_down)
    actual = [1.0] * up_up + [-1.0] * up_down + [1.0] * down_up + [-1.0] * down_down
    return np.array(predicted), np.array(actual)


def test_direction_by_hand() -> None:
    # 30 up/up, 20 up/down, 15 down/up, 35 down/down of 100. P = 0.65; predicted up 0.50, actual up 0.45;
    # P* = 0.45 * 0.50 + 0.55 * 0.50 = 0.50. var(P) = 0.50 * 0.50 / 100 = 0.0025.
    # var(P*) = (2 * 0.45 - 1)^2 * 0.25 / 100 + (2 * 0.50 - 1)^2 * 0.2475 / 100
    #           + 4 * 0.45 * 0.50 * 0.55 * 0.50 / 100^2 = 0.000025 + 0 + 0.00002475.
    # S = 0.15 / sqrt(0.0025 - 0.00004975) = 0.15 / 0.0495.
    found = pesaran_timmermann(*changes(30, 20, 15, 35))
    assert found is not None
    assert found[0] == pytest.approx(0.15 / 0.0495, rel=1e-12)
    assert found[1] == pytest.approx(stats.norm.sf(0.15 / 0.0495), rel=1e-12)


@given(*[st.integers(1, 60)] * 4)
def test_direction_by_the_paper(up_up: int, up_down: int, down_up: int, down_down: int) -> None:
    n = up_up + up_down + down_up + down_down
    x, y, p = (up_up + down_up) / n, (up_up + up_down) / n, (up_up + down_down) / n
    p_star = x * y + (1 - x) * (1 - y)
    var_p = p_star * (1 - p_star) / n
    var_p_star = (
        (2 * x - 1) ** 2 * y * (1 - y) / n + (2 * y - 1) ** 2 * x * (1 - x) / n + 4 * x * y * (1 - x) * (1 - y) / n**2
    )
    s = (p - p_star) / math.sqrt(var_p - var_p_star)
    found = pesaran_timmermann(*changes(up_up, up_down, down_up, down_down))
    assert found == pytest.approx((s, stats.norm.sf(s)), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("counts", [(30, 20, 0, 0), (0, 0, 30, 20), (30, 0, 20, 0), (0, 30, 0, 20)])
def test_one_direction_only_has_no_direction_test(counts: tuple[int, int, int, int]) -> None:
    assert pesaran_timmermann(*changes(*counts)) is None


@given(seeds, sizes)
def test_a_record_is_tested_on_both_losses_and_its_direction(seed: int, n: int) -> None:
    it = noisy(seed, n)
    found = significance(it)
    model, naive = it.forecast - it.actual, it.previous_close - it.actual
    absolute = stats.ttest_rel(abs(model), abs(naive))
    squared = stats.ttest_rel(model**2, naive**2)
    assert (found.diebold_mariano, found.dm_p_value) == pytest.approx(tuple(absolute), rel=1e-9)
    assert (found.dm_squared, found.dm_squared_p_value) == pytest.approx(tuple(squared), rel=1e-9)
    direction = pesaran_timmermann(it.forecast - it.previous_close, it.actual - it.previous_close)
    assert (found.pt_statistic, found.pt_p_value) == direction


@given(seeds, sizes)
def test_an_exact_echo_has_no_statistic_at_all(seed: int, n: int) -> None:
    found = significance(late(seed, n, 1))
    assert (found.diebold_mariano, found.dm_p_value) == (None, None)
    assert (found.dm_squared, found.dm_squared_p_value) == (None, None)
    assert (found.pt_statistic, found.pt_p_value) == (None, None)
