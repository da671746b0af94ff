"""By how many sessions the forecast trails the close.

A network that learnt to repeat its last input looks accurate on a chart of levels, because prices move
little from one session to the next. Its changes give it away: they follow the close's one session late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecaster.diagnostics.block import Block, plain
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
    return block_lag(Block.of(record), max_lag)[0]


def block_lag(block: Block, max_lag: int = MAX_LAG) -> list[Lag]:
    """The lag of every record in a block, see `lag`."""
    correlations = correlogram(block.forecast, block.actual, max_lag)  # (m, K + 1)
    defined = ~np.isnan(correlations)
    known = np.where(defined, correlations, -np.inf)
    best = (known >= known.max(axis=-1, keepdims=True) - TIE).argmax(axis=-1)
    moved = np.asarray(np.ptp(block.actual, axis=-1) > 0.0)
    return [
        _lag(plain(own), k if any_defined else None, level_lag if level_known else None)
        for own, k, any_defined, level_lag, level_known in zip(
            correlations,
            best.tolist(),
            np.asarray(defined.any(axis=-1)).tolist(),
            _level_lag(block.forecast, block.actual, max_lag).tolist(),
            moved.tolist(),
            strict=True,
        )
    ]


def correlogram(forecast: Floats, actual: Floats, max_lag: int = MAX_LAG) -> Floats:
    """The cross-correlation of the forecast's and the close's changes, see `lag`.

    Args:
        forecast: `(..., n)` [currency].
        actual: `(..., n)` [currency].
        max_lag: K, the largest delay looked at [sessions].

    Returns:
        `(..., K + 1)` [1]; NaN where a series of changes has no variance, or fewer than two changes are left.
    """
    moves, closes = np.diff(forecast, axis=-1), np.diff(actual, axis=-1)  # (..., n - 1)
    noise = NOISE * np.maximum(forecast.max(axis=-1), actual.max(axis=-1))
    found = np.full((*forecast.shape[:-1], max_lag + 1), np.nan)
    n = moves.shape[-1]
    for k in range(min(max_lag, n - 2) + 1):
        found[..., k] = _correlation(moves[..., k:], closes[..., : n - k], noise)
    return found


def _correlation(a: Floats, b: Floats, noise: Floats) -> Floats:
    varies = (np.ptp(a, axis=-1) > noise) & (np.ptp(b, axis=-1) > noise)
    a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    # Roots before the product: that of two tiny sums of squares can underflow.
    spread = np.sqrt(_dot(a, a)) * np.sqrt(_dot(b, b))
    r = np.divide(_dot(a, b), spread, out=np.full(varies.shape, np.nan), where=varies)
    return np.asarray(np.clip(r, -1.0, 1.0))


def _level_lag(forecast: Floats, actual: Floats, max_lag: int) -> NDArray[np.int64]:
    """`(...)`: the k at which the forecast is nearest to the close of k sessions before."""
    n = actual.shape[-1]
    distance = []
    for k in range(min(max_lag, n - 1) + 1):
        apart = forecast[..., k:] - actual[..., : n - k]
        distance.append(_dot(apart, apart) / (n - k))
    return np.asarray(np.argmin(distance, axis=0), dtype=np.int64)


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.einsum("...t,...t->...", a, b))


def _lag(correlations: list[float | None], best: int | None, level: int | None) -> Lag:
    return Lag(
        best_lag=best,
        correlation=None if best is None else correlations[best],
        echo=correlations[1],
        level_lag=level,
        correlogram=tuple(enumerate(correlations)),
    )
