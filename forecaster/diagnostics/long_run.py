"""Standard errors that stay honest where one session's value resembles the session's before.

The long-run variance of Newey & West (1987): autocovariances weighted by Bartlett's kernel, w(k) = 1 - k / (L + 1),
up to lag L = floor(4 (n / 100)^(2/9)) (Newey & West 1994). Both functions multiply by n / (n - coefficients), so
that without lags the variance of a mean is the usual s^2 / n; statsmodels calls that `use_correction`. Both work
on blocks: the last axis is time, those before it are series of equal length.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDING: Final = 8 * float(np.finfo(np.float64).eps)
"""Values whose spread, relative to their size, is below this do not vary."""


def automatic_lags(n: int) -> int:
    """The lags that Newey & West (1994) propose for `n` sessions, fewer than `n`."""
    return max(min(int(4.0 * (n / 100.0) ** (2.0 / 9.0)), n - 1), 0)


def newey_west(x: Floats, lags: int | None = None) -> Floats:
    """The variance of the mean of autocorrelated values.

    Args:
        x: `(..., n)`, any unit.
        lags: autocovariances counted, from 0; None takes `automatic_lags`.

    Returns:
        `(...)`, the unit of `x` squared. NaN where it cannot be estimated: n < 2, a value that is not finite, or
        values that do not vary.

    Raises:
        ValueError: `lags` is below zero.
    """
    n = x.shape[-1]
    counted = _lags(lags, n)
    if n < 2:
        return np.full(x.shape[:-1], np.nan)
    with np.errstate(invalid="ignore"):  # infinite - infinite: NaN, as promised
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = _weighted(centred, centred, counted) / (n * (n - 1.0))
        return np.where(_varies(x, np.abs(x).max(axis=-1)), variance, np.nan)


def hac_ols(y: Floats, x: Floats, lags: int | None = None) -> tuple[Floats, Floats]:
    """The regression y = a + b x + u by least squares, u autocorrelated and of changing variance.

    Args:
        y: `(..., n)`, any unit.
        x: `(..., n)`, any unit.
        lags: autocovariances counted, from 0; None takes `automatic_lags`.

    Returns:
        `(..., 2)` intercept and slope, and their `(..., 2, 2)` covariance. NaN in both where n < 3, a value is not
        finite, or x does not vary; in the covariance also where the fit leaves no residual.

    Raises:
        ValueError: `lags` is below zero, or y and x differ in shape.
    """
    if y.shape != x.shape:
        raise ValueError(f"regression: expected y and x of one shape, received {y.shape} and {x.shape}")
    n = x.shape[-1]
    counted = _lags(lags, n)
    if n < 3:
        return np.full((*x.shape[:-1], 2), np.nan), np.full((*x.shape[:-1], 2, 2), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        x_mean, y_mean = x.mean(axis=-1), y.mean(axis=-1)
        # Around its mean x is orthogonal to the intercept: nothing to invert, and nothing cancels.
        z = x - x_mean[..., None]
        squares = np.einsum("...t,...t->...", z, z)
        squares = np.where(_varies(x, np.abs(x).max(axis=-1)), squares, np.nan)
        slope = np.einsum("...t,...t->...", z, y - y_mean[..., None]) / squares
        fitted = slope[..., None] * z
        residual = y - y_mean[..., None] - fitted
        left = np.abs(residual).max(axis=-1) > ROUNDING * np.abs(y).max(axis=-1)
        level, tilt = np.where(left[..., None], residual, np.nan), z * residual
        scale = n / (n - 2.0)
        mean_variance = scale * _weighted(level, level, counted) / n**2
        slope_variance = scale * _weighted(tilt, tilt, counted) / squares**2
        shared = scale * (_weighted(level, tilt, counted) + _weighted(tilt, level, counted)) / (2.0 * n * squares)
        intercept_variance = mean_variance - 2.0 * x_mean * shared + x_mean**2 * slope_variance
        covariance = np.empty((*x.shape[:-1], 2, 2))
        covariance[..., 0, 0] = intercept_variance
        covariance[..., 1, 1] = np.where(left, slope_variance, np.nan)
        covariance[..., 0, 1] = covariance[..., 1, 0] = shared - x_mean * slope_variance
        return np.stack([y_mean - slope * x_mean, slope], axis=-1), covariance


def _lags(lags: int | None, n: int) -> int:
    if lags is not None and lags < 0:
        raise ValueError(f"autocovariances: expected lags >= 0, received {lags}")
    return automatic_lags(n) if lags is None else lags


def _weighted(a: Floats, b: Floats, lags: int) -> Floats:
    """`(...)`: the sum over k of w(k) (sum over t of a(t) b(t - k)), both signs of k averaged where a is not b."""
    n = a.shape[-1]
    total: Floats = np.einsum("...t,...t->...", a, b)
    for k in range(1, min(lags, n - 1) + 1):
        total = total + 2.0 * (1.0 - k / (lags + 1.0)) * np.einsum("...t,...t->...", a[..., k:], b[..., :-k])
    return total


def _varies(x: Floats, size: Floats) -> NDArray[np.bool_]:
    """`(...)`: whether values of so large a size differ by more than rounding."""
    varies: NDArray[np.bool_] = np.ptp(x, axis=-1) > ROUNDING * size
    return varies
