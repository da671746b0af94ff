from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from forecaster.diagnostics.long_run import automatic_lags, hac_ols, newey_west

Floats = NDArray[np.float64]
LAGS = [None, 0, 1, 7, 400]


def series(seed: int, n: int) -> Floats:
    """Three series `(3, n)` with autocorrelation, of the size of daily returns."""
    noise = np.random.default_rng(seed).normal(0.001, 0.02, (3, n))
    noise[:, 1:] += 0.6 * noise[:, :-1]
    return noise


@pytest.mark.parametrize(("n", "lags"), [(1, 0), (2, 1), (50, 3), (100, 4), (250, 4), (500, 5), (1000, 6), (2500, 8)])
def test_automatic_lags_by_hand(n: int, lags: int) -> None:
    # 4 x 0.5^(2/9) = 3.4; 4 x 2.5^(2/9) = 4.9; 4 x 5^(2/9) = 5.7; 4 x 10^(2/9) = 6.7; 4 x 25^(2/9) = 8.2
    assert automatic_lags(n) == lags


def test_the_variance_of_a_mean_by_hand() -> None:
    # Around 2.5: -1.5, -0.5, 0.5, 1.5. Sum of squares 5, of neighbours' products 0.75 - 0.25 + 0.75 = 1.25, which
    # counts twice with weight 1 - 1/2; divided by 4 x 3.
    assert newey_west(np.array([1.0, 2.0, 3.0, 4.0]), lags=1) == pytest.approx(6.25 / 12)


@pytest.mark.parametrize("lags", LAGS)
@pytest.mark.parametrize("n", [3, 60, 250])
def test_the_variance_of_a_mean_is_that_of_statsmodels(n: int, lags: int | None) -> None:
    x = series(1, n)
    settings = {"maxlags": automatic_lags(n) if lags is None else lags, "use_correction": True}
    expected = [sm.OLS(one, np.ones(n)).fit(cov_type="HAC", cov_kwds=settings).cov_params()[0, 0] for one in x]
    assert newey_west(x, lags) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("lags", LAGS)
@pytest.mark.parametrize("n", [4, 60, 250])
def test_regressions_are_those_of_statsmodels(n: int, lags: int | None) -> None:
    x = series(2, n)
    y = 0.3 + 1.7 * x + series(3, n)
    settings = {"maxlags": automatic_lags(n) if lags is None else lags, "use_correction": True}
    fits = [sm.OLS(b, sm.add_constant(a)).fit(cov_type="HAC", cov_kwds=settings) for a, b in zip(x, y, strict=True)]
    coefficients, covariance = hac_ols(y, x, lags)
    assert coefficients == pytest.approx(np.array([one.params for one in fits]), rel=1e-10)
    assert covariance == pytest.approx(np.array([one.cov_params() for one in fits]), rel=1e-9)


def test_a_block_is_its_series_one_by_one() -> None:
    x, y = series(4, 80).reshape(3, 1, 80), series(5, 80).reshape(3, 1, 80)
    assert newey_west(x)[1, 0] == newey_west(x[1, 0])
    blocks, single = hac_ols(y, x), hac_ols(y[1, 0], x[1, 0])
    assert blocks[0].shape == (3, 1, 2)
    assert blocks[1].shape == (3, 1, 2, 2)
    assert blocks[0][1, 0].tolist() == pytest.approx(single[0].tolist(), rel=1e-12)
    assert blocks[1][1, 0] == pytest.approx(single[1], rel=1e-12)


@pytest.mark.parametrize("x", [[], [1.0], [0.1] * 30, [1.0, np.nan, 2.0], [1.0, np.inf, 2.0]])
def test_a_variance_that_cannot_be_estimated_is_nan(x: list[float]) -> None:
    assert np.isnan(newey_west(np.array(x)))


def test_undefined_series_leave_their_neighbours() -> None:
    x = series(6, 50)
    x[1] = 0.7
    found = newey_west(x)
    assert np.isnan(found).tolist() == [False, True, False]
    coefficients, covariance = hac_ols(series(7, 50), x)
    assert np.isnan(coefficients).any(axis=-1).tolist() == [False, True, False]
    assert np.isnan(covariance).any(axis=(-1, -2)).tolist() == [False, True, False]


def test_a_fit_without_residual_has_coefficients_and_no_covariance() -> None:
    x = series(8, 50)[0]
    coefficients, covariance = hac_ols(0.25 + 2.0 * x, x)
    assert coefficients.tolist() == pytest.approx([0.25, 2.0])
    assert np.isnan(covariance).all()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_short_for_a_regression(n: int) -> None:
    coefficients, covariance = hac_ols(np.arange(n) * 1.0, np.arange(n) * 2.0)
    assert np.isnan(coefficients).all()
    assert np.isnan(covariance).all()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="lags >= 0, received -1"):
        newey_west(np.arange(5.0), lags=-1)
    with pytest.raises(ValueError, match="one shape"):
        hac_ols(np.arange(5.0), np.arange(4.0))
