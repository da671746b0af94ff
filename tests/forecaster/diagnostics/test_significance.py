from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecaster.diagnostics.significance import (
    diebold_mariano,
    diebold_mariano_block,
    pesaran_timmermann,
    pesaran_timmermann_block,
    significance,
)
from tests.forecaster.diagnostics.records import LEVELS, distribution, late, noisy, seeds, sizes


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


E1 = np.array(
    [1.2, -0.7, 0.4, 2.1, -1.5, 0.9, -0.3, 1.8, -2.2, 0.6, 1.1, -0.8, 0.2, -1.9, 0.5, 1.4, -0.1, -1.0, 2.6, -0.4]
)
E2 = np.array(
    [1.0, -1.1, 0.9, 2.5, -1.2, 1.6, 0.3, 2.4, -1.7, -0.5, 1.9, -1.3, -0.7, -2.4, 1.0, 0.8, -0.9, -1.6, 2.2, 0.7]
)


@pytest.mark.parametrize(
    ("horizon", "power", "statistic", "p_value"),
    [
        (1, 1, -2.496717004493, 0.021891361088),
        (1, 2, -1.745978366515, 0.096964267476),
        (4, 1, -6.362090102804, 0.000004198182),
        (4, 2, -3.014034934236, 0.007136364375),
    ],
)
def test_as_r_forecast_dm_test_says(horizon: int, power: int, statistic: float, p_value: float) -> None:
    # R 4.2.2, forecast 8.20: dm.test(e1, e2, h = horizon, power = power).
    found = diebold_mariano(np.abs(E1) ** power, np.abs(E2) ** power, horizon)
    assert found == pytest.approx((statistic, p_value), rel=1e-9, abs=1e-12)


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


def test_direction_as_r_says() -> None:
    # The formula of rugarch::DACTest(e2, e1, test = "PT"), in R 4.2.2.
    assert pesaran_timmermann(E2, E1) == pytest.approx((2.734450161285, 0.00312422769139), rel=1e-9)


@given(*[st.integers(1, 60)] * 4)
def test_direction_is_a_test_of_independence(up_up: int, up_down: int, down_up: int, down_down: int) -> None:
    # Its square is Pearson's chi-squared of the two by two table, but for the divisor n - 1.
    n = up_up + up_down + down_up + down_down
    found = pesaran_timmermann(*changes(up_up, up_down, down_up, down_down))
    expected = stats.chi2_contingency([[up_up, up_down], [down_up, down_down]], correction=False).statistic
    assert found is not None
    assert found[0] ** 2 == pytest.approx(expected * n / (n - 1), rel=1e-9, abs=1e-12)


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


@given(seeds, sizes)
def test_the_distribution_is_tested_against_the_naive_one(seed: int, n: int) -> None:
    it = distribution(seed, n)
    found = significance(it)
    assert it.naive_quantiles is not None
    losses = [
        np.mean(
            [np.maximum(a * (it.actual - q), (a - 1) * (it.actual - q)) for a, q in zip(LEVELS, own.T, strict=True)],
            axis=0,
        )
        for own in (it.quantiles, it.naive_quantiles)
    ]
    expected = stats.ttest_rel(*losses)
    assert (found.dm_pinball, found.dm_pinball_p_value) == pytest.approx(tuple(expected), rel=1e-9)


def test_without_a_naive_distribution_there_is_no_test_against_it() -> None:
    found = significance(noisy(1, 60))
    assert (found.dm_pinball, found.dm_pinball_p_value) == (None, None)
    assert found.dm_p_value is not None


def test_series_side_by_side_have_the_statistics_of_each_alone() -> None:
    random = np.random.default_rng(3)
    model, naive = random.exponential(1.0, (3, 2, 90)), random.exponential(1.1, (3, 2, 90))
    naive[1, 0] = model[1, 0] + 0.1  # no variance: undefined, and no other's affair
    for block, single, a, b in (
        (diebold_mariano_block, diebold_mariano, model, naive),
        (pesaran_timmermann_block, pesaran_timmermann, model - 1, naive - 1),
    ):
        statistic, p_value = block(a, b)
        assert statistic.shape == p_value.shape == (3, 2)
        for at in np.ndindex(3, 2):
            alone = single(a[at], b[at])
            expected = (np.nan, np.nan) if alone is None else alone
            assert (statistic[at], p_value[at]) == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert np.isnan(diebold_mariano_block(model, naive)[0]).tolist() == [[False] * 2, [True, False], [False] * 2]


def test_a_loss_that_is_not_known_makes_the_statistic_unknown() -> None:
    losses = np.random.default_rng(3).exponential(1.0, (2, 90))
    unknown = losses.copy()
    unknown[0, 7] = np.nan
    statistic, p_value = diebold_mariano_block(losses * 1.1, unknown)
    assert (np.isnan(statistic).tolist(), np.isnan(p_value).tolist()) == ([True, False], [True, False])
