"""How wrong the forecasts were, alone and against repeating the last close."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from forecaster.diagnostics.block import Block, columns
from forecaster.diagnostics.pinball import pinball_loss
from forecaster.diagnostics.record import Floats, ForecastRecord


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of one record. None: undefined, or what it is measured with is unknown.

    Attributes:
        mae: mean absolute error [currency].
        rmse: root mean squared error [currency].
        mape: mean absolute error as a fraction of the close [1].
        bias: mean of forecast - actual [currency]; positive: the forecasts are too high.
        mase: `mae` / in-sample mean |c(t) - c(t-1)| [1] (Hyndman & Koehler 2006).
        rmsse: `rmse` / in-sample root mean (c(t) - c(t-1))^2 [1] (Hyndman & Koehler 2006).
        skill_vs_naive: 1 - MAE / MAE of the last close [1] (Murphy 1988); None where the last close was
            never wrong.
        theil_u2: RMSE / RMSE of the last close [1] (Theil 1966); None where the last close was never wrong.
        r2_out_of_sample: 1 - sum (r - p)^2 / sum r^2 [1], with r and p the actual and the predicted change relative
            to the last close (Campbell & Thompson 2008, with no change in place of the historical mean).
        directional_accuracy: share of sessions whose direction was right [1], Z of Pesaran & Timmermann
            (1992). A close that did not change, or a forecast of no change, counts as a miss.
        pinball: mean pinball loss over sessions and levels [currency], see `pinball.pinball_loss`.
        pinball_skill: 1 - `pinball` / that of the naive quantiles [1]; None where those are unknown.
    """

    mae: float
    rmse: float
    mape: float
    bias: float
    mase: float | None
    rmsse: float | None
    skill_vs_naive: float | None
    theil_u2: float | None
    r2_out_of_sample: float | None
    directional_accuracy: float
    pinball: float | None
    pinball_skill: float | None


def errors(record: ForecastRecord, in_sample_mae: float | None, in_sample_mse: float | None = None) -> Errors:
    """The errors of a record.

    Args:
        record: forecasts with their outcomes.
        in_sample_mae: mean |c(t) - c(t-1)| of the span that the model was trained on [currency], on the
            record's price scale; None if unknown.
        in_sample_mse: mean (c(t) - c(t-1))^2 of that span [currency squared]; None if unknown.

    Raises:
        ValueError: a yardstick is negative or not finite.
    """
    return block_errors(Block.of(record), *yardsticks(in_sample_mae, in_sample_mse))[0]


def yardsticks(in_sample_mae: float | None, in_sample_mse: float | None) -> tuple[Floats, Floats]:
    """Those of one record as a block of one takes them, `(1,)`; NaN if unknown.

    Raises:
        ValueError: one is negative or not finite.
    """
    for name, scale in (("in_sample_mae", in_sample_mae), ("in_sample_mse", in_sample_mse)):
        if scale is not None and not 0.0 <= scale < math.inf:
            raise ValueError(f"{name}: expected a finite number >= 0 or None, received {scale}")
    mae, mse = (np.array([np.nan if scale is None else scale]) for scale in (in_sample_mae, in_sample_mse))
    return mae, mse


def block_errors(block: Block, in_sample_mae: Floats, in_sample_mse: Floats) -> list[Errors]:
    """The errors of every record in a block.

    Args:
        block: m records.
        in_sample_mae: `(m,)`, see `errors`; NaN if unknown.
        in_sample_mse: `(m,)`, see `errors`; NaN if unknown.
    """
    error = block.forecast - block.actual  # (m, n)
    naive_error = block.previous_close - block.actual
    absolute = np.abs(error)
    mae, mse = absolute.mean(axis=-1), np.square(error).mean(axis=-1)
    naive_mse = np.square(naive_error).mean(axis=-1)
    # Signs are multiplied, not changes: the product of two tiny changes can underflow to zero.
    hit = np.sign(block.forecast - block.previous_close) * np.sign(-naive_error) > 0.0
    return [
        Errors(*one)  # type: ignore[arg-type]  # what cannot be undefined is a number
        for one in columns(
            mae,
            np.sqrt(mse),
            (absolute / block.actual).mean(axis=-1),
            error.mean(axis=-1),
            ratio(mae, in_sample_mae),
            np.sqrt(ratio(mse, in_sample_mse)),
            1.0 - ratio(mae, np.abs(naive_error).mean(axis=-1)),
            np.sqrt(ratio(mse, naive_mse)),
            1.0 - ratio(_relative(error, block), _relative(naive_error, block)),
            hit.mean(axis=-1),
            *_pinball(block),
        )
    ]


def ratio(a: Floats, b: Floats) -> Floats:
    """`(m,)` a / b; NaN where b is zero or NaN."""
    return np.asarray(np.divide(a, b, out=np.full(a.shape, np.nan), where=b > 0.0))


def _relative(error: Floats, block: Block) -> Floats:
    """`(m,)`: the sum of squared errors, each relative to its last close."""
    return np.asarray(np.square(error / block.previous_close).sum(axis=-1))


def _pinball(block: Block) -> tuple[Floats, Floats]:
    loss = pinball_loss(block.quantiles, block.actual, block.levels).mean(axis=-1)
    if block.naive_quantiles is None:
        return loss, np.full(loss.shape, np.nan)
    return loss, 1.0 - ratio(loss, pinball_loss(block.naive_quantiles, block.actual, block.levels).mean(axis=-1))
