"""Whether the difference to repeating the last close could be chance, and whether the direction could."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from forecaster.diagnostics.record import Floats, ForecastRecord

ROUNDING = 8 * float(np.finfo(np.float64).eps)
"""A loss difference whose spread, relative to the losses, is below this does not vary."""

_NONE = (None, None)


@dataclass(frozen=True, slots=True)
class Significance:
    """Tests of one record against the last close. None: the statistic is undefined.

    Attributes:
        diebold_mariano: statistic on absolute loss [1]; negative: the model is better.
        dm_p_value: its two-sided p-value [1].
        dm_squared: the same statistic on squared loss [1].
        dm_squared_p_value: its two-sided p-value [1].
        pt_statistic: Pesaran-Timmermann statistic [1]; positive: more hits than without any relation.
        pt_p_value: its one-sided p-value [1].
    """

    diebold_mariano: float | None
    dm_p_value: float | None
    dm_squared: float | None
    dm_squared_p_value: float | None
    pt_statistic: float | None
    pt_p_value: float | None


def significance(record: ForecastRecord) -> Significance:
    """The tests of a record's forecasts against the last close, at a horizon of one session."""
    error = record.forecast - record.actual
    naive_error = record.previous_close - record.actual
    absolute = diebold_mariano(np.abs(error), np.abs(naive_error))
    squared = diebold_mariano(np.square(error), np.square(naive_error))
    direction = pesaran_timmermann(record.forecast - record.previous_close, record.actual - record.previous_close)
    return Significance(*(absolute or _NONE), *(squared or _NONE), *(direction or _NONE))


def diebold_mariano(loss_model: Floats, loss_naive: Floats, horizon: int = 1) -> tuple[float, float] | None:
    """Whether two forecasts are equally accurate (Diebold & Mariano 1995).

    With the small-sample correction of Harvey, Leybourne & Newbold (1997): d = loss_model - loss_naive,
    autocovariances up to `horizon` - 1 with divisor n, Student's t with n - 1 degrees of freedom.

    Args:
        loss_model: `(n,)` losses of the model, any unit.
        loss_naive: `(n,)` losses of the naive forecast, same unit.
        horizon: sessions forecast ahead.

    Returns:
        The statistic (negative: the model is better) and its two-sided p-value. None where the variance of
        the mean of d is not positive (identical forecasts), or n <= `horizon`.

    Raises:
        ValueError: `horizon` is below 1, or the losses differ in shape.
    """
    if horizon < 1 or loss_model.shape != loss_naive.shape:
        raise ValueError(
            "Diebold-Mariano: expected horizon >= 1 and losses of one shape, "
            f"received {horizon}, {loss_model.shape} and {loss_naive.shape}"
        )
    d = loss_model - loss_naive
    n = d.size
    if n <= horizon or np.ptp(d) <= ROUNDING * float(np.maximum(loss_model, loss_naive).max()):
        return None
    mean = float(d.mean())
    centred = d - mean
    autocovariance = [float(centred[k:] @ centred[: n - k]) / n for k in range(horizon)]
    variance = (autocovariance[0] + 2.0 * sum(autocovariance[1:])) / n
    if variance <= 0.0:
        return None
    correction = math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    statistic = correction * mean / math.sqrt(variance)

    # Here, not above: the serving process reads ready figures and need not wait for scipy.
    from scipy.special import stdtr

    return statistic, 2.0 * float(stdtr(n - 1, -abs(statistic)))


def pesaran_timmermann(predicted_change: Floats, actual_change: Floats) -> tuple[float, float] | None:
    """Whether the predicted direction tells anything about the actual one (Pesaran & Timmermann 1992).

    X = 1 where the actual change is > 0, Y = 1 where the predicted one is, Z = 1 where their product is.
    S = (P - P*) / sqrt(var(P) - var(P*)), with P the mean of Z and P* what independence would give.

    Args:
        predicted_change: `(n,)` forecast minus last close, any unit.
        actual_change: `(n,)` close minus last close.

    Returns:
        S, asymptotically standard normal, and its upper p-value. None where one side has one direction only.

    Raises:
        ValueError: the changes differ in shape.
    """
    if predicted_change.shape != actual_change.shape:
        raise ValueError(
            "Pesaran-Timmermann: expected changes of one shape, "
            f"received {predicted_change.shape} and {actual_change.shape}"
        )
    n = actual_change.size
    up, predicted_up = int((actual_change > 0).sum()), int((predicted_change > 0).sum())
    if not 0 < up < n or not 0 < predicted_up < n:
        return None
    x, y = up / n, predicted_up / n
    p = float((np.sign(predicted_change) * np.sign(actual_change) > 0).mean())
    p_star = x * y + (1 - x) * (1 - y)
    # The paper's var(P) - var(P*), multiplied out: the difference of two nearly equal terms would cancel.
    variance = 4 * x * (1 - x) * y * (1 - y) * (n - 1) / n**2
    statistic = (p - p_star) / math.sqrt(variance)
    return statistic, math.erfc(statistic / math.sqrt(2)) / 2
