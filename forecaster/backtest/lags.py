"""By how many sessions the forecasts of many symbols trail their closes.

The definitions are those of `forecaster.diagnostics.lag`, for each symbol over its own sessions; here they are pooled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecaster.backtest.panel import Panel
from forecaster.diagnostics.block import Block
from forecaster.diagnostics.lag import MAX_LAG, Lag, block_lag
from forecaster.diagnostics.record import Floats
from forecaster.diagnostics.verdict import MIN_SESSIONS


@dataclass(frozen=True, slots=True)
class LagSpread:
    """The correlations of one lag over symbols: lower quartile, median, upper quartile [1]; None: undefined."""

    lag: int
    lower: float | None
    median: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class PooledLag:
    """The delay of one model over symbols with enough sessions.

    Attributes:
        symbols: how many have a correlation at all; the others' forecasts, or closes, do not vary.
        best_lag: median over them [sessions].
        correlation: median over them of the correlation at their own best lag [1].
        echo: median over them of the correlation at lag 1 [1].
        level_lag: median of the lag at which the forecast is nearest to the close [sessions].
        correlogram: every lag from 0 on.
    """

    symbols: int
    best_lag: int | None
    correlation: float | None
    echo: float | None
    level_lag: int | None
    correlogram: tuple[LagSpread, ...]

    def typical(self) -> Lag:
        """The lag of a symbol in the middle."""
        points = tuple((one.lag, one.median) for one in self.correlogram)
        return Lag(self.best_lag, self.correlation, self.echo, self.level_lag, points)


def pooled_lag(panel: Panel, medians: Sequence[Floats]) -> PooledLag:
    """The pooled lag of a model.

    Args:
        panel: what was forecast.
        medians: `(n,)` for each seed, relative to the last close; each counts like symbols of its own.
    """
    found: list[Lag] = []
    for rows in _equally_long(panel):
        for said in medians:
            actual, previous_close = panel.actual[rows], panel.previous_close[rows]  # (m, n)
            forecast = previous_close * (1.0 + said[rows])
            session = panel.sessions[panel.session[rows]]
            found += block_lag(Block(session, actual, previous_close, forecast[None], (0.5,), None))
    spread = []
    for k in range(MAX_LAG + 1):
        known = [value for one in found for value in [one.correlogram[k][1]] if value is not None]
        spread.append(LagSpread(k, *(np.quantile(known, (0.25, 0.5, 0.75)).tolist() if known else (None,) * 3)))
    correlations = [one.correlation for one in found if one.correlation is not None]
    return PooledLag(
        symbols=len(correlations),
        best_lag=_middle([one.best_lag for one in found]),
        correlation=float(np.median(correlations)) if correlations else None,
        echo=spread[1].median,
        level_lag=_middle([one.level_lag for one in found]),
        correlogram=tuple(spread),
    )


def _equally_long(panel: Panel) -> Iterator[NDArray[np.intp]]:
    """`(m, n)` rows of the symbols with n sessions, in order, for each n that is enough."""
    n = np.bincount(panel.symbol, minlength=len(panel.symbols))
    by_symbol = np.argsort(panel.symbol, kind="stable")  # sessions stay in order
    start = np.cumsum(n) - n
    for length in np.unique(n[n >= MIN_SESSIONS]):
        yield by_symbol[start[n == length][:, None] + np.arange(length)]


def _middle(values: Sequence[int | None]) -> int | None:
    """The median of whole numbers, the smaller of the middle two."""
    known = sorted(value for value in values if value is not None)
    return known[(len(known) - 1) // 2] if known else None
