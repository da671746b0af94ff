"""Whether the difference to repeating the last close could be chance, and whether the direction could."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from forecaster.diagnostics.block import Block, columns
from forecaster.diagnostics.pinball import pinball_loss
from forecaster.diagnostics.record import Floats, ForecastRecord

ROUNDING = 8 * float(np.finfo(np.float64).eps)
"""A loss difference whose spread, relative to the losses, is below this does not vary."""


@dataclass(frozen=True, slots=True)
class Significance:
    """Tests of one record against the last close. None: the statistic is undefined.

    Attributes:
        diebold_mariano: statistic on absolute loss [1]; negative: the model is better.
        dm_p_value: its two-sided p-value [1].
        dm_squared: the same statistic on squared loss [1].
        dm_squared_p_value: its two-sided p-value [1].
        dm_pinball: the same statistic on the pinball loss of all quantiles, against the naive quantiles [1]; None
            where those are unknown.
        dm_pinball_p_value: its two-sided p-value [1].
        pt_statistic: Pesaran-Timmermann statistic [1]; positive: more hits than without any relation.
        pt_p_value: its one-sided p-value [1].
    """

    diebold_mariano: float | None
    dm_p_value: float | None
    dm_squared: float | None
    dm_squared_p_value: float | None
    dm_pinball: float | None
    dm_pinball_p_value: float | None
    pt_statistic: float | None
    pt_p_value: float | None


def significance(record: ForecastRecord) -> Significance:
    """The tests of a record's forecasts against the last close, at a horizon of one session."""
    return block_significance(Block.of(record))[0]


def block_significance(block: Block) -> list[Significance]:
    """The tests of every record in a block, see `significance`."""
    error, naive_error = block.forecast - block.actual, block.previous_close - block.actual  # (m, n)
    absolute = diebold_mariano_block(np.abs(error), np.abs(naive_error))
    squared = diebold_mariano_block(np.square(error), np.square(naive_error))
    distribution = absolute[0] * np.nan, absolute[0] * np.nan
    if block.naive_quantiles is not None:
        distribution = diebold_mariano_block(
            pinball_loss(block.quantiles, block.actual, block.levels),
            pinball_loss(block.naive_quantiles, block.actual, block.levels),
        )
    direction = pesaran_timmermann_block(block.forecast - block.previous_close, -naive_error)
    return [Significance(*one) for one in columns(*absolute, *squared, *distribution, *direction)]


def diebold_mariano(loss_model: Floats, loss_naive: Floats, horizon: int = 1) -> tuple[float, float] | None:
    """`diebold_mariano_block` of one pair of series `(n,)`; None where the statistic is not defined."""
    return _single(*diebold_mariano_block(loss_model, loss_naive, horizon))


def diebold_mariano_block(loss_model: Floats, loss_naive: Floats, horizon: int = 1) -> tuple[Floats, Floats]:
    """Whether two forecasts are equally accurate (Diebold & Mariano 1995).

    With the small-sample correction of Harvey, Leybourne & Newbold (1997): d = loss_model - loss_naive,
    autocovariances up to `horizon` - 1 with divisor n, Student's t with n - 1 degrees of freedom.

    Args:
        loss_model: `(..., n)` losses of the model, any unit.
        loss_naive: `(..., n)` losses of the naive forecast, same unit.
        horizon: sessions forecast ahead.

    Returns:
        `(...)` the statistic (negative: the model is better) and its two-sided p-value. NaN where the variance of
        the mean of d is not positive (identical forecasts), where a loss is NaN, or n <= `horizon`.

    Raises:
        ValueError: `horizon` is below 1, or the losses differ in shape.
    """
    if horizon < 1 or loss_model.shape != loss_naive.shape:
        raise ValueError(
            "Diebold-Mariano: expected horizon >= 1 and losses of one shape, "
            f"received {horizon}, {loss_model.shape} and {loss_naive.shape}"
        )
    n = loss_model.shape[-1]
    undefined = np.full(loss_model.shape[:-1], np.nan)
    if n <= horizon:
        return undefined, undefined
    d = loss_model - loss_naive
    mean = d.mean(axis=-1)
    centred = d - mean[..., None]
    variance = np.einsum("...t,...t->...", centred, centred) / n
    for k in range(1, horizon):
        variance = variance + 2.0 * np.einsum("...t,...t->...", centred[..., k:], centred[..., : n - k]) / n
    largest = np.maximum(loss_model.max(axis=-1), loss_naive.max(axis=-1))
    defined = (np.ptp(d, axis=-1) > ROUNDING * largest) & (variance > 0.0)
    correction = math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    error = np.sqrt(np.where(defined, variance, np.nan) / n)
    statistic = correction * mean / error

    # Here, not above: the serving process reads ready figures and need not wait for scipy.
    from scipy.special import stdtr

    return statistic, 2.0 * stdtr(n - 1, -np.abs(statistic))


def pesaran_timmermann(predicted_change: Floats, actual_change: Floats) -> tuple[float, float] | None:
    """`pesaran_timmermann_block` of one pair of series `(n,)`; None where the statistic is not defined."""
    return _single(*pesaran_timmermann_block(predicted_change, actual_change))


def pesaran_timmermann_block(predicted_change: Floats, actual_change: Floats) -> tuple[Floats, Floats]:
    """Whether the predicted direction tells anything about the actual one (Pesaran & Timmermann 1992).

    X = 1 where the actual change is > 0, Y = 1 where the predicted one is, Z = 1 where their product is.
    S = (P - P*) / sqrt(var(P) - var(P*)), with P the mean of Z and P* what independence would give.

    Args:
        predicted_change: `(..., n)` forecast minus last close, any unit.
        actual_change: `(..., n)` close minus last close.

    Returns:
        `(...)` S, asymptotically standard normal, and its upper p-value. NaN where one side has one direction only.

    Raises:
        ValueError: the changes differ in shape.
    """
    if predicted_change.shape != actual_change.shape:
        raise ValueError(
            "Pesaran-Timmermann: expected changes of one shape, "
            f"received {predicted_change.shape} and {actual_change.shape}"
        )
    n = actual_change.shape[-1]
    if n == 0:
        undefined = np.full(actual_change.shape[:-1], np.nan)
        return undefined, undefined
    x, y = (actual_change > 0).mean(axis=-1), (predicted_change > 0).mean(axis=-1)
    p = (np.sign(predicted_change) * np.sign(actual_change) > 0).mean(axis=-1)
    p_star = x * y + (1 - x) * (1 - y)
    # The paper's var(P) - var(P*), multiplied out: the difference of two nearly equal terms would cancel.
    variance = 4 * x * (1 - x) * y * (1 - y) * (n - 1) / n**2
    statistic = (p - p_star) / np.sqrt(np.where(variance > 0.0, variance, np.nan))

    from scipy.special import ndtr

    return statistic, ndtr(-statistic)


def _single(statistic: Floats, p_value: Floats) -> tuple[float, float] | None:
    return None if np.isnan(statistic) else (float(statistic), float(p_value))
