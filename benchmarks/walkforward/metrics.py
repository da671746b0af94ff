"""Pure functions of forecasts and outcomes.

r is what the close did from the origin to the next bar and p what the median says, both relative to the last close.
Where a figure does not exist (a constant forecast has no correlation), it is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecaster.backtest.scores import quarter_name, quarter_numbers
from forecaster.diagnostics.pinball import pinball_loss
from forecaster.diagnostics.ranks import daily_ranks

Array = np.ndarray[Any, np.dtype[np.float64]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]


def mae_ratio(p: Array, r: Array) -> float:
    """Mean absolute error by that of "no change", `(n,)` each."""
    return _ratio(float(np.abs(r - p).mean()), float(np.abs(r).mean()))


def rmse_ratio(p: Array, r: Array) -> float:
    """Root mean squared error by that of "no change", `(n,)` each."""
    return _ratio(float(np.sqrt(((r - p) ** 2).mean())), float(np.sqrt((r**2).mean())))


def r2_out_of_sample(p: Array, r: Array) -> float:
    """1 - sum (r - p)^2 / sum r^2 (Campbell & Thompson 2008, with zero in place of the historical mean)."""
    return 1 - _ratio(float(((r - p) ** 2).sum()), float((r**2).sum()))


def directional_accuracy(p: Array, r: Array) -> float:
    """How often the sign was right. Unchanged closes are left out; a forecast of no change counts one half."""
    moved = r != 0
    if not moved.any():
        return float("nan")
    hits = np.where(p[moved] == 0, 0.5, np.sign(p[moved]) == np.sign(r[moved]))
    return float(hits.mean())


def daily_correlations(p: Array, r: Array, day: Days, *, ranks: bool) -> Array:
    """The correlation across symbols on each day.

    Args:
        p, r: `(n,)`.
        day: `(n,)` the session of each origin.
        ranks: Spearman's with average ranks (RankIC) in place of Pearson's (IC).

    Returns:
        `(days,)`: one entry for each day with at least `ranks.LEAST_SYMBOLS` symbols on which both p and r vary.
    """
    found = daily_ranks(p, r, day)
    return found.rank_ic if ranks else found.ic


def mean_and_error(values: Array) -> tuple[float, float]:
    """The mean of `(n,)` and its standard error; NaN where there are too few."""
    mean = float(values.mean()) if len(values) else float("nan")
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    return mean, error


def information_ratio(values: Array) -> float:
    """Mean by standard deviation of daily correlations `(days,)`: ICIR, per day, not annualised."""
    if len(values) < 2 or not values.std(ddof=1) > 0:
        return float("nan")
    return float(values.mean() / values.std(ddof=1))


def pinball(quantiles: Array, r: Array, levels: Sequence[float]) -> float:
    """Mean pinball loss over rows and levels (Koenker & Bassett 1978).

    Args:
        quantiles: `(n, q)` of r.
        r: `(n,)`.
        levels: `(q,)`.
    """
    return float(pinball_loss(quantiles.T, r, levels).mean())


def coverage(lower: Array, upper: Array, r: Array) -> float:
    """The share of outcomes within the interval, its ends included."""
    return float(((lower <= r) & (r <= upper)).mean())


def quarter(session: Days) -> list[str]:
    """The calendar quarter of each session: 2017Q1."""
    return [quarter_name(number) for number in quarter_numbers(session).tolist()]


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 else float("nan")
