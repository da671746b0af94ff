"""Whether the forecasts are off on average, and whether their size means what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from forecaster.diagnostics.block import Block, columns
from forecaster.diagnostics.long_run import hac_ols, newey_west
from forecaster.diagnostics.record import Floats, ForecastRecord

NOISE: Final = 8 * float(np.finfo(np.float64).eps)
"""A spread of changes, relative to the last close, below this is rounding."""

CONSTANT: Final = 1e-6
"""Predicted changes whose spread is below this part of the largest are one constant: no slope can be fitted."""


@dataclass(frozen=True, slots=True)
class Bias:
    """The bias of one record. None: undefined, where forecasts or their errors do not vary.

    Both tests allow for autocorrelated errors (Newey & West 1987, see `long_run`).

    Attributes:
        mean: mean of forecast - actual, each relative to the last close [1]; positive: too high.
        statistic: `mean` / its standard error [1].
        p_value: its two-sided p-value, Student's t with n - 1 degrees of freedom [1].
        intercept: alpha of r = alpha + beta p + u [1], r the actual and p the predicted change relative to the
            last close (Mincer & Zarnowitz 1969); 0 for a forecast without bias.
        slope: beta [1]; 1 for a forecast without bias, less where its moves are too large.
        mincer_zarnowitz: Wald statistic of alpha = 0 and beta = 1, divided by 2 [1].
        mz_p_value: its p-value, F with 2 and n - 2 degrees of freedom [1].
    """

    mean: float | None
    statistic: float | None
    p_value: float | None
    intercept: float | None
    slope: float | None
    mincer_zarnowitz: float | None
    mz_p_value: float | None


def bias(record: ForecastRecord) -> Bias:
    """The bias of a record."""
    return block_bias(Block.of(record))[0]


def block_bias(block: Block) -> list[Bias]:
    """The bias of every record in a block."""
    r = block.actual / block.previous_close - 1.0  # (m, n)
    p = block.forecast / block.previous_close - 1.0
    return [Bias(*one) for one in columns(*mean_test(p - r), *mincer_zarnowitz(r, p))]


def mean_test(error: Floats) -> tuple[Floats, Floats, Floats]:
    """Whether the mean of autocorrelated errors is zero.

    Args:
        error: `(..., n)`, relative to a price [1].

    Returns:
        `(...)` mean, its statistic and two-sided p-value; both NaN where the errors do not vary.
    """
    mean = error.mean(axis=-1)
    variance = np.where(np.ptp(error, axis=-1) > NOISE, newey_west(error), np.nan)
    statistic = mean / np.sqrt(variance)

    # Here, not above: the serving process reads ready figures and need not wait for scipy.
    from scipy.special import stdtr

    return mean, statistic, 2.0 * stdtr(error.shape[-1] - 1, -np.abs(statistic))


def mincer_zarnowitz(r: Floats, p: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The regression of outcomes on forecasts, and the joint test of intercept 0 and slope 1.

    Args:
        r: `(..., n)` actual changes, relative to a price [1].
        p: `(..., n)` predicted changes, alike.

    Returns:
        `(...)` intercept, slope, the statistic and its p-value. All NaN where p does not vary; the last two also
        where the fit leaves no residual.
    """
    n = r.shape[-1]
    fitted, covariance = hac_ols(r, p)
    a, b = fitted[..., 0], fitted[..., 1]
    residual = r - a[..., None] - b[..., None] * p
    varies = np.ptp(p, axis=-1) > np.maximum(NOISE, CONSTANT * np.abs(p).max(axis=-1))
    tested = varies & (np.ptp(residual, axis=-1) > NOISE)
    aa, ab, bb = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    determinant = aa * bb - ab * ab
    tested &= determinant > 0.0
    off = b - 1.0
    wald = np.divide(a * a * bb - 2.0 * a * off * ab + off * off * aa, determinant, out=_nan(a), where=tested)
    statistic = wald / 2.0
    # F with 2 numerator degrees of freedom has this upper tail in closed form.
    p_value = (1.0 + wald / max(n - 2, 1)) ** (-(n - 2) / 2.0)
    return np.where(varies, a, np.nan), np.where(varies, b, np.nan), statistic, p_value


def _nan(like: Floats) -> Floats:
    return np.full(like.shape, np.nan)
