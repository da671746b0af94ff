"""By how many sessions the forecast trails the close.

A network that learnt to repeat its last input looks accurate on a chart of levels, because prices move
little from one session to the next. Its changes give it away: they follow the close's one session late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster.diagnostics.record import Floats, ForecastRecord

MAX_LAG = 10
"""Two trading weeks: far past the delay of any echo, and every k still has 50 pairs in 60 sessions."""

TIE = 1e-12
"""Correlations closer than this are equal: rounding must not prefer a longer lag."""

NOISE = 8 * float(np.finfo(np.float64).eps)
"""Changes whose spread, relative to the price, is below this are rounding and count as no movement."""


@dataclass(frozen=True, slots=True)
class Lag:
    """The delay of one record's forecasts [sessions].

    Attributes:
        best_lag: the k in 0..K at which the forecast's changes correlate most with the close's changes of
            k sessions before; 0 for a perfect forecast, 1 for an echo of yesterday. None if undefined.
        correlation: the correlation at `best_lag` [1].
        echo: the correlation at k = 1 [1].
        level_lag: the k in 0..K at which the forecast is nearest, by RMSE, to the close of k sessions
            before. None where the close never moved, so that every k is as near.
        correlogram: (k, correlation) for every k in 0..K; None where a series of changes has no variance.
    """

    best_lag: int | None
    correlation: float | None
    echo: float | None
    level_lag: int | None
    correlogram: tuple[tuple[int, float | None], ...]


def lag(record: ForecastRecord, max_lag: int = MAX_LAG) -> Lag:
    """The lag of a record, from the cross-correlation of first differences (Box & Jenkins 1970, ch. 11).

    With df, dc the differences of `forecast` and `actual`, `(n - 1,)`, the correlation at k is Pearson's
    of df[k:] and dc[:n - 1 - k]. Among equal maxima the smallest k wins.

    Args:
        record: forecasts with their outcomes.
        max_lag: K, the largest delay looked at [sessions].

    Raises:
        ValueError: `max_lag` is below 1.
    """
    if max_lag < 1:
        raise ValueError(f"max_lag: expected at least 1, received {max_lag}")
    moves, closes = np.diff(record.forecast), np.diff(record.actual)
    noise = NOISE * float(max(record.forecast.max(), record.actual.max()))
    correlogram = tuple(
        (k, _correlation(moves[k:], closes[: max(closes.size - k, 0)], noise)) for k in range(max_lag + 1)
    )
    defined = {k: value for k, value in correlogram if value is not None}
    top = max(defined.values(), default=0.0)
    best_lag = min((k for k, value in defined.items() if value >= top - TIE), default=None)
    return Lag(
        best_lag=best_lag,
        correlation=None if best_lag is None else defined[best_lag],
        echo=defined.get(1),
        level_lag=_level_lag(record, max_lag),
        correlogram=correlogram,
    )


def _correlation(a: Floats, b: Floats, noise: float) -> float | None:
    if a.size < 2 or np.ptp(a) <= noise or np.ptp(b) <= noise:
        return None
    a, b = a - a.mean(), b - b.mean()
    r = float((a / np.linalg.norm(a)) @ (b / np.linalg.norm(b)))
    return min(1.0, max(-1.0, r))


def _level_lag(record: ForecastRecord, max_lag: int) -> int | None:
    if not np.ptp(record.actual):
        return None

    def mean_square(k: int) -> float:
        return float(np.square(record.forecast[k:] - record.actual[: record.n - k]).mean())

    return min(range(min(max_lag, record.n - 1) + 1), key=mean_square)
