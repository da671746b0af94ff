"""How wrong the forecasts were, alone and against repeating the last close."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from forecaster.diagnostics.record import ForecastRecord


@dataclass(frozen=True, slots=True)
class Errors:
    """Point errors of one record.

    Attributes:
        mae: mean absolute error [currency].
        rmse: root mean squared error [currency].
        mape: mean absolute error as a fraction of the close [1].
        bias: mean of forecast - actual [currency]; positive: the forecasts are too high.
        mase: `mae` / in-sample mean |c(t) - c(t-1)| [1] (Hyndman & Koehler 2006); None where that is
            unknown or zero.
        skill_vs_naive: 1 - MAE / MAE of the last close [1] (Murphy 1988); None where the last close was
            never wrong.
        theil_u2: RMSE / RMSE of the last close [1] (Theil 1966); None where the last close was never wrong.
        directional_accuracy: share of sessions whose direction was right [1], Z of Pesaran & Timmermann
            (1992). A close that did not change, or a forecast of no change, counts as a miss.
    """

    mae: float
    rmse: float
    mape: float
    bias: float
    mase: float | None
    skill_vs_naive: float | None
    theil_u2: float | None
    directional_accuracy: float


def errors(record: ForecastRecord, in_sample_mae: float | None) -> Errors:
    """The errors of a record.

    Args:
        record: forecasts with their outcomes.
        in_sample_mae: mean |c(t) - c(t-1)| of the span that the model was trained on [currency], on the
            record's price scale; None if unknown.

    Raises:
        ValueError: `in_sample_mae` is negative or not finite.
    """
    if in_sample_mae is not None and not 0.0 <= in_sample_mae < math.inf:
        raise ValueError(f"in_sample_mae: expected a finite number >= 0 or None, received {in_sample_mae}")
    error = record.forecast - record.actual
    naive_error = record.previous_close - record.actual
    mae = float(np.abs(error).mean())
    rmse = math.sqrt(np.square(error).mean())
    naive_mae = float(np.abs(naive_error).mean())
    naive_rmse = math.sqrt(np.square(naive_error).mean())
    # Signs are multiplied, not changes: the product of two tiny changes can underflow to zero.
    hit = np.sign(record.forecast - record.previous_close) * np.sign(-naive_error) > 0.0
    return Errors(
        mae=mae,
        rmse=rmse,
        mape=float((np.abs(error) / record.actual).mean()),
        bias=float(error.mean()),
        mase=mae / in_sample_mae if in_sample_mae else None,
        skill_vs_naive=1.0 - mae / naive_mae if naive_mae else None,
        theil_u2=rmse / naive_rmse if naive_rmse else None,
        directional_accuracy=float(hit.mean()),
    )
