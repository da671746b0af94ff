"""Whether the prediction interval holds the close as often as it says."""

from __future__ import annotations

import math
from dataclasses import dataclass

from forecaster.diagnostics.record import ForecastRecord


@dataclass(frozen=True, slots=True)
class Coverage:
    """The interval of one record, promised and kept.

    Attributes:
        level: nominal share of closes inside [1].
        observed: share of sessions with lower <= actual <= upper [1].
        mean_width: mean of upper - lower [currency].
        kupiec_p_value: p-value of "`observed` differs from `level` by chance only" [1]; None: not tested.
    """

    level: float
    observed: float
    mean_width: float
    kupiec_p_value: float | None


def coverage(record: ForecastRecord) -> Coverage:
    """The coverage of a record's intervals."""
    inside = (record.lower <= record.actual) & (record.actual <= record.upper)
    hits = int(inside.sum())
    return Coverage(
        level=float(record.level),
        observed=hits / record.n,
        mean_width=float((record.upper - record.lower).mean()),
        kupiec_p_value=kupiec(hits, record.n, record.level),
    )


def kupiec(hits: int, n: int, level: float) -> float:
    """P-value of the unconditional coverage test (Kupiec 1995), a likelihood ratio, chi-squared(1).

    Args:
        hits: sessions whose close was inside the interval, 0..n.
        n: sessions, at least 1.
        level: nominal share inside [1], in (0, 1).
    """
    ratio = 2.0 * (_log_likelihood(hits, n, hits / n) - _log_likelihood(hits, n, level))
    # chi2(1) is a squared standard normal, so its upper tail is erfc; rounding can leave -0.0000.
    return math.erfc(math.sqrt(max(ratio, 0.0) / 2.0))


def _log_likelihood(hits: int, n: int, share: float) -> float:
    # 0 * log(0) is 0 here: what never happened says nothing about its probability.
    inside = hits * math.log(share) if hits else 0.0
    outside = (n - hits) * math.log1p(-share) if hits < n else 0.0
    return inside + outside
