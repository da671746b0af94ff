"""Whether forecasts put the shares of a day in the right order: IC, RankIC and ICIR.

IC is the correlation across the shares of one day between the forecast change p and the change r that came; RankIC is
the same of their ranks, equal values sharing the mean of theirs (Spearman 1904). Both are then averaged over days.
Shares of one day move together, so that a day counts once, however many shares it has, and the days' values resemble
their neighbours', so that their mean's standard error is Newey & West's. ICIR is the mean by the standard deviation
over days, per day and not annualised (Grinold & Kahn 2000).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecaster.diagnostics.long_run import ROUNDING, Floats, newey_west

LEAST_SYMBOLS: Final = 5
"""A cross-section of fewer is no cross-section."""

LEAST_DAYS: Final = 60
"""About a quarter of trading; with fewer, one news item that moved a sector can turn the mean round."""


@dataclass(frozen=True, slots=True)
class DailyRanks:
    """The correlations of each day that has any.

    Attributes:
        day: `(days,)`, ascending.
        symbols: `(days,)`, shares counted.
        ic: `(days,)` Pearson's correlation [1].
        rank_ic: `(days,)` Spearman's [1].
    """

    day: NDArray[Any]
    symbols: NDArray[np.int64]
    ic: Floats
    rank_ic: Floats


@dataclass(frozen=True, slots=True)
class CrossSection:
    """Mean daily correlations and how sure they are. None: the figure is undefined, as the days are all alike.

    Attributes:
        days: how many days count.
        symbols: median number of shares on them.
        ic, rank_ic: the means [1].
        ic_error, rank_ic_error: their Newey-West standard errors [1].
        ic_statistic, rank_ic_statistic: mean by error [1].
        ic_p_value, rank_ic_p_value: two-sided, Student's t with days - 1 degrees of freedom [1].
        icir, rank_icir: mean by standard deviation over days [1].
    """

    days: int
    symbols: float
    ic: float
    ic_error: float | None
    ic_statistic: float | None
    ic_p_value: float | None
    icir: float | None
    rank_ic: float
    rank_ic_error: float | None
    rank_ic_statistic: float | None
    rank_ic_p_value: float | None
    rank_icir: float | None


def cross_section(p: Floats, r: Floats, day: NDArray[Any]) -> CrossSection | None:
    """The mean daily correlations of forecasts and outcomes, in one row a share and day.

    Args:
        p: `(n,)` forecast changes, relative to the last close [1].
        r: `(n,)` the changes that came [1].
        day: `(n,)` the session on which each forecast was made: forecasts of one day are compared with each other.

    Returns:
        None below `LEAST_DAYS` days that count (see `daily_ranks`).
    """
    found = daily_ranks(p, r, day)
    if len(found.day) < LEAST_DAYS:
        return None
    ic, rank_ic = _figures(found.ic), _figures(found.rank_ic)
    return CrossSection(len(found.day), float(np.median(found.symbols)), *ic, *rank_ic)


def daily_ranks(p: Floats, r: Floats, day: NDArray[Any]) -> DailyRanks:
    """The correlations of every day with at least `LEAST_SYMBOLS` shares on which both p and r vary.

    Args:
        p, r, day: as `cross_section` takes them; rows in which p or r is not finite do not count.

    Raises:
        ValueError: they differ in shape.
    """
    if not p.shape == r.shape == day.shape or p.ndim != 1:
        raise ValueError(
            f"cross-section: expected p, r and day of one shape (n,), received {p.shape}, {r.shape}, {day.shape}"
        )
    finite = np.isfinite(p) & np.isfinite(r)
    days = np.unique(day[finite])
    # Few days fit into 16 bits, which NumPy sorts by radix, many times as fast.
    number = np.searchsorted(days, day[finite]).astype(np.uint16 if len(days) < 2**16 else np.int64)
    order = np.argsort(number, kind="stable")
    number, p, r = number[order], p[finite][order], r[finite][order]
    counts = np.bincount(number, minlength=len(days))
    starts = np.cumsum(counts) - counts
    if not len(days):
        return DailyRanks(days, counts, np.empty(0), np.empty(0))
    counted = (counts >= LEAST_SYMBOLS) & _varies(p, starts) & _varies(r, starts)
    with np.errstate(invalid="ignore", divide="ignore"):  # of days that do not count
        ic = _correlations(p, r, number, starts, counts)
        rank_ic = _correlations(_ranks(p, starts), _ranks(r, starts), number, starts, counts)
    return DailyRanks(days[counted], counts[counted], ic[counted], rank_ic[counted])


def _figures(daily: Floats) -> tuple[float, float | None, float | None, float | None, float | None]:
    """Mean, its standard error, t, p-value and mean by standard deviation of `(days,)`."""
    mean, variance = float(daily.mean()), float(newey_west(daily))
    if not variance > 0.0:
        return mean, None, None, None, None
    # Here, not above: who reads ready figures need not wait for scipy.
    from scipy.special import stdtr

    error = math.sqrt(variance)
    p_value = 2.0 * float(stdtr(len(daily) - 1, -abs(mean / error)))
    return mean, error, mean / error, p_value, mean / float(daily.std(ddof=1))


def _correlations(a: Floats, b: Floats, number: NDArray[Any], starts: NDArray[Any], counts: NDArray[Any]) -> Floats:
    """`(days,)`: Pearson's correlation of the rows of each day."""
    a = a - (np.add.reduceat(a, starts) / counts)[number]
    b = b - (np.add.reduceat(b, starts) / counts)[number]
    squares = np.add.reduceat(a * a, starts) * np.add.reduceat(b * b, starts)
    correlation: Floats = np.clip(np.add.reduceat(a * b, starts) / np.sqrt(squares), -1.0, 1.0)
    return correlation


def _ranks(values: Floats, starts: NDArray[Any]) -> Floats:
    """`(n,)`: the rank of each value among those of its day, up to a constant of the day; equal ones share theirs."""
    # A day at a time fits into the cache: one sort of all rows takes several times as long.
    order = np.concatenate([np.argsort(own) for own in np.split(values, starts[1:])])
    order += np.repeat(starts, np.diff(np.append(starts, len(values))))
    ordered = values[order]
    new = np.append(True, ordered[1:] != ordered[:-1])
    new[starts] = True
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(values)) - 1
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((first + last) / 2.0, last - first + 1)
    return ranks


def _varies(values: Floats, starts: NDArray[Any]) -> NDArray[np.bool_]:
    """`(days,)`: whether the values of a day differ by more than rounding.

    A change is a price by a price less 1, and rounded as 1 is, however small it is itself.
    """
    high, low = np.maximum.reduceat(values, starts), np.minimum.reduceat(values, starts)
    varies: NDArray[np.bool_] = high - low > ROUNDING * np.maximum(1.0, np.maximum(np.abs(high), np.abs(low)))
    return varies
