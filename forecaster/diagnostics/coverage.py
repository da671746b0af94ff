"""Whether the prediction intervals hold the close as often as they say, and whether their misses come in runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecaster.diagnostics.block import Block, plain
from forecaster.diagnostics.record import Floats, ForecastRecord
from forecaster.forecast import interval_level


@dataclass(frozen=True, slots=True)
class LevelCoverage:
    """One central interval of one record, promised and kept; the fields as in `Coverage`."""

    level: float
    observed: float
    mean_width: float
    kupiec_p_value: float | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """The intervals of one record, promised and kept. The single figures are about the outermost interval.

    Attributes:
        level: nominal share of closes inside [1].
        observed: share of sessions with lower <= actual <= upper [1].
        mean_width: mean of upper - lower [currency].
        kupiec_p_value: p-value of "`observed` differs from `level` by chance only" [1]; None: not tested.
        independence_p_value: p-value of "a miss says nothing about the next session" [1]; None where that cannot
            be told: no miss, or nothing but misses.
        christoffersen_p_value: p-value of both together, conditional coverage [1].
        levels: every central interval, the narrowest first; empty where only the outermost was looked at.
    """

    level: float
    observed: float
    mean_width: float
    kupiec_p_value: float | None
    independence_p_value: float | None
    christoffersen_p_value: float | None
    levels: tuple[LevelCoverage, ...]


def coverage(record: ForecastRecord) -> Coverage:
    """The coverage of a record's intervals."""
    return block_coverage(Block.of(record))[0]


def block_coverage(block: Block) -> list[Coverage]:
    """The coverage of every record in a block."""
    intervals = [_interval(block, lower, upper) for lower, upper in central(block.levels)]
    independence, conditional = christoffersen(_inside(block, 0, -1), intervals[-1][0].level)
    return [
        Coverage(
            level=levels[-1].level,
            observed=levels[-1].observed,
            mean_width=levels[-1].mean_width,
            kupiec_p_value=levels[-1].kupiec_p_value,
            independence_p_value=alone,
            christoffersen_p_value=both,
            levels=levels,
        )
        for levels, alone, both in zip(
            zip(*intervals, strict=True), plain(independence), plain(conditional), strict=True
        )
    ]


def central(levels: tuple[float, ...]) -> list[tuple[int, int]]:
    """Positions of the ends of every interval around the median, the narrowest first."""
    middle = levels.index(0.5)
    count = min(middle, len(levels) - 1 - middle)
    return [(at, len(levels) - 1 - at) for at in reversed(range(count))]


def _interval(block: Block, lower: int, upper: int) -> list[LevelCoverage]:
    level = interval_level((block.levels[lower], block.levels[upper]))
    hits = _inside(block, lower, upper).sum(axis=-1)
    width = (block.quantiles[upper] - block.quantiles[lower]).mean(axis=-1)
    tests = plain(kupiec_block(hits, block.n, level))
    shares = (hits / block.n).tolist()
    return [LevelCoverage(level, *one) for one in zip(shares, width.tolist(), tests, strict=True)]


def _inside(block: Block, lower: int, upper: int) -> NDArray[np.bool_]:
    """`(m, n)`: whether each close was between two quantiles, their own prices included."""
    inside: NDArray[np.bool_] = (block.quantiles[lower] <= block.actual) & (block.actual <= block.quantiles[upper])
    return inside


def kupiec(hits: int, n: int, level: float) -> float:
    """P-value of the unconditional coverage test (Kupiec 1995), a likelihood ratio, chi-squared(1).

    Args:
        hits: sessions whose close was inside the interval, 0..n.
        n: sessions, at least 1.
        level: nominal share inside [1], in (0, 1).
    """
    return float(kupiec_block(np.array(hits), n, level))


def kupiec_block(hits: NDArray[Any], n: int, level: float) -> Floats:
    """`kupiec` of many counts of hits `(...)`."""
    return _chi2_1(_kupiec_ratio(hits, n, level))


def christoffersen(inside: NDArray[np.bool_], level: float) -> tuple[Floats, Floats]:
    """The tests of independence and of conditional coverage (Christoffersen 1998), likelihood ratios.

    The chance of a hit may depend on whether the session before was one (a Markov chain of first order). The first
    test asks whether it does, chi-squared(1). The second asks as well whether it is `level`: its ratio is the sum of
    the first one's and Kupiec's, chi-squared(2).

    Args:
        inside: `(..., n)`, whether each session's close was inside the interval.
        level: nominal share inside [1], in (0, 1).

    Returns:
        `(...)` both p-values; NaN where all sessions but the first, or all but the last, are hits or all are
        misses, so that one state is never left or never reached.
    """
    before, after = inside[..., :-1], inside[..., 1:]
    n = after.shape[-1]
    hits, from_hit = after.sum(axis=-1), before.sum(axis=-1)
    defined = (hits > 0) & (hits < n) & (from_hit > 0) & (from_hit < n)
    again, from_miss = (before & after).sum(axis=-1), n - from_hit
    back = hits - again  # hits after a miss
    free = _log_likelihood(again, from_hit - again, again / np.maximum(from_hit, 1)) + _log_likelihood(
        back, from_miss - back, back / np.maximum(from_miss, 1)
    )
    independence = 2.0 * (free - _log_likelihood(hits, n - hits, hits / max(n, 1)))
    both = np.maximum(independence, 0.0) + _kupiec_ratio(inside.sum(axis=-1), n + 1, level)
    # chi2(2) is an exponential distribution with mean 2.
    return np.where(defined, _chi2_1(independence), np.nan), np.where(defined, np.exp(-both / 2.0), np.nan)


def _kupiec_ratio(hits: NDArray[Any], n: int, level: float) -> Floats:
    free = _log_likelihood(hits, n - hits, hits / n)
    # Rounding can leave -0.0000.
    return np.maximum(2.0 * (free - _log_likelihood(hits, n - hits, level)), 0.0)


def _chi2_1(ratio: Floats) -> Floats:
    # Here, not above: the serving process reads ready figures and need not wait for scipy.
    from scipy.special import erfc

    # chi2(1) is a squared standard normal, so its upper tail is erfc.
    return np.asarray(erfc(np.sqrt(np.maximum(ratio, 0.0) / 2.0)))


def _log_likelihood(hits: NDArray[Any], misses: NDArray[Any], share: Floats | float) -> Floats:
    from scipy.special import xlog1py, xlogy

    # Both are 0 at 0 log 0: what never happened says nothing about its probability.
    return np.asarray(xlogy(hits, share) + xlog1py(misses, -np.asarray(share)))
