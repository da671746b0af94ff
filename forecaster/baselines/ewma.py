"""Exponentially weighted volatility (RiskMetrics 1996), with the quantiles that standardised returns had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from forecaster.baselines.protocol import Fold, Made, Say
from forecaster.baselines.series import Array, joined, rows, series_of
from forecaster.diagnostics.naive import around_zero

DECAY: Final = 0.94
# The first returns make the first variance; what is standardised comes after them.
START: Final = 20
LEAST: Final = 60


class Ewma:
    """The median is the last close; the rest is the symbol's volatility times quantiles pooled over all symbols."""

    name = "ewma"
    seeded = False

    def settings(self) -> Mapping[str, Any]:
        """See `Forecaster.settings`."""
        return {"decay": DECAY, "start": START, "least": LEAST}

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        """See `Forecaster.fit_predict`. Origins with fewer than `LEAST` returns before them get none."""
        several = [(one, ewma_variance(one.returns)) for one in series_of(fold) if len(one.close) > LEAST]
        standardised = [_standardised(one.returns[: max(0, one.fitted - 1)], variance) for one, variance in several]
        if not sum(map(len, standardised)):
            return Made(joined([], levels))
        shape = np.quantile(np.concatenate(standardised), levels)  # (q,)
        pieces = []
        for one, variance in several:
            at = one.at[one.at >= LEAST]
            spread = np.sqrt(variance[at])[:, None] * shape
            pieces.append(rows(one, at, one.close[at, None] * np.exp(around_zero(spread, levels)), levels))
        return Made(joined(pieces, levels))


def ewma_variance(returns: Array) -> Array:
    """The variance expected of each next return.

    Args:
        returns: `(n,)`.

    Returns:
        `(n + 1,)`: entry i rests on the first i returns, v(i+1) = 0.94 v(i) + 0.06 r(i)^2. Up to `START` it is their
        plain mean square, which the recursion starts from.
    """
    from scipy.signal import lfilter  # here: who does not forecast with it need not wait for scipy

    squared = returns**2
    variance = np.zeros(len(returns) + 1)
    first = min(START, len(returns))
    variance[1 : first + 1] = np.cumsum(squared[:first]) / np.arange(1, first + 1)
    if len(returns) > START:
        later, _ = lfilter([1 - DECAY], [1, -DECAY], squared[START:], zi=[DECAY * variance[START]])
        variance[START + 1 :] = later
    return variance


def _standardised(returns: Array, variance: Array) -> Array:
    """Returns after the first `START`, by the volatility that was expected of them."""
    own, expected = returns[START:], variance[START : len(returns)]
    moving = expected > 0
    return np.asarray(own[moving] / np.sqrt(expected[moving]))
