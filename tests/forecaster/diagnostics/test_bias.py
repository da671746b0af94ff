from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings

from forecaster.diagnostics.bias import bias, mean_test, mincer_zarnowitz
from forecaster.diagnostics.record import Floats, ForecastRecord
from tests.forecaster.diagnostics.records import distribution, late, record, scaled, seeds, sizes, walk

# statsmodels is slow to the first answer.
unhurried = settings(deadline=None, max_examples=20)

R = 0.01 * np.array(
    [1.2, -0.7, 0.4, 2.1, -1.5, 0.9, -0.3, 1.8, -2.2, 0.6, 1.1, -0.8, 0.2, -1.9, 0.5, 1.4, -0.1, -1.0, 2.6, -0.4]
)
NOISE = 0.004 * np.array(
    [0.7, 2.2, -1.6, -0.9, 0.8, 1.0, -2.4, -0.7, -1.3, 1.9, -0.5, -1.7, 2.4, 0.3, 1.6, -1.2, 2.5, 0.9, -1.1, 1.0]
)
P = 0.6 * R + NOISE + 0.004


def changes(it: ForecastRecord) -> tuple[Floats, Floats]:
    return it.actual / it.previous_close - 1, it.forecast / it.previous_close - 1


def test_as_r_sandwich() -> None:
    # R 4.2.2, sandwich 3.0-2. m <- lm(r ~ p); v <- NeweyWest(m, lag = 2, prewhite = FALSE, adjust = TRUE);
    # d <- coef(m) - c(0, 1); w <- t(d) %*% solve(v) %*% d / 2; pf(w, 2, 18, lower.tail = FALSE).
    expected = (-0.00451447244298, 1.0864659568, 5.16663832679, 0.0168570403392)
    assert mincer_zarnowitz(R, P) == pytest.approx(expected, rel=1e-11)
    # The same of lm(p - r ~ 1); 2 * pt(-abs(t), 19).
    assert mean_test(P - R) == pytest.approx((0.004, 3.21779791678, 0.00452971999032), rel=1e-11)


@unhurried
@given(seeds, sizes)
def test_statsmodels_gives_the_same(seed: int, n: int) -> None:
    it = distribution(seed, n, known=0.1)
    r, p = changes(it)
    lags = {"maxlags": int(4 * (n / 100) ** (2 / 9)), "use_correction": True}
    found = bias(it)
    alone = sm.OLS(p - r, np.ones(n)).fit(cov_type="HAC", cov_kwds=lags, use_t=True)
    assert (found.mean, found.statistic, found.p_value) == pytest.approx(
        (alone.params[0], alone.tvalues[0], alone.pvalues[0]), rel=1e-8, abs=1e-15
    )
    fitted = sm.OLS(r, sm.add_constant(p)).fit(cov_type="HAC", cov_kwds=lags, use_t=True)
    joint = fitted.wald_test((np.eye(2), np.array([0.0, 1.0])), use_f=True, scalar=True)
    assert (found.intercept, found.slope) == pytest.approx(tuple(fitted.params), rel=1e-8, abs=1e-15)
    assert (found.mincer_zarnowitz, found.mz_p_value) == pytest.approx((joint.statistic, joint.pvalue), rel=1e-7)


@given(seeds, sizes)
def test_a_perfect_forecast_has_nothing_to_test(seed: int, n: int) -> None:
    found = bias(late(seed, n, 0))
    assert (found.mean, found.statistic, found.p_value) == (0.0, None, None)
    assert (found.intercept, found.slope) == pytest.approx((0.0, 1.0), abs=1e-9)
    assert (found.mincer_zarnowitz, found.mz_p_value) == (None, None)


@given(seeds, sizes)
def test_a_forecast_of_no_change_has_a_mean_and_no_slope(seed: int, n: int) -> None:
    it = late(seed, n, 1)
    found = bias(it)
    assert found.mean == pytest.approx(-np.mean(it.actual / it.previous_close - 1), abs=1e-15)
    assert found.p_value is not None
    assert (found.intercept, found.slope, found.mincer_zarnowitz, found.mz_p_value) == (None, None, None, None)


def test_a_constant_change_has_no_slope_whatever_the_rounding() -> None:
    closes = walk(4, 251)
    found = bias(record(closes, closes[:-1] * 1.02))
    assert found.mean == pytest.approx(0.02 - np.mean(closes[1:] / closes[:-1] - 1), abs=1e-12)
    assert (found.slope, found.mincer_zarnowitz) == (None, None)


def test_an_error_that_never_varies_has_no_test() -> None:
    closes = walk(4, 251)
    found = bias(record(closes, closes[1:] + 0.01 * closes[:-1]))
    assert found.mean == pytest.approx(0.01, rel=1e-12)
    assert (found.statistic, found.p_value, found.mincer_zarnowitz, found.mz_p_value) == (None, None, None, None)


def test_too_few_sessions_have_no_test() -> None:
    found = bias(late(5, 1, 1))
    assert (found.statistic, found.p_value, found.slope, found.mz_p_value) == (None, None, None, None)


@given(seeds, sizes)
def test_the_currency_changes_no_bias(seed: int, n: int) -> None:
    it = distribution(seed, n)
    here, there = bias(it), bias(scaled(it, 137.0))
    for name in ("mean", "statistic", "intercept", "slope", "mincer_zarnowitz"):
        assert getattr(there, name) == pytest.approx(getattr(here, name), rel=1e-6, abs=1e-12), name
