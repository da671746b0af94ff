"""Last close: tomorrow is as today, spread as the symbol's own returns were lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from forecaster.baselines.protocol import Fold, Made, Say
from forecaster.baselines.series import Array, Index, around_zero, joined, rows, series_of

WINDOW: Final = 500
LEAST: Final = 60


class Naive:
    """The median is the last close, the other quantiles are those of the symbol's own returns up to the origin."""

    name = "naive"
    seeded = False

    def settings(self) -> Mapping[str, Any]:
        """See `Forecaster.settings`."""
        return {"window": WINDOW, "least": LEAST}

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        """See `Forecaster.fit_predict`. Origins with fewer than `LEAST` returns before them get none."""
        pieces = []
        for one in series_of(fold):
            at = one.at[one.at >= LEAST]
            if len(at):
                spread = recent_spread(one.returns, at, levels)
                pieces.append(rows(one, at, one.close[at, None] * np.exp(spread), levels))
        return Made(joined(pieces, levels))


def recent_spread(returns: Array, at: Index, levels: Sequence[float]) -> Array:
    """Quantiles of the last `WINDOW` returns before each place, with a median of 0.

    Args:
        returns: `(n - 1,)`; entry i - 1 is the return into bar i.
        at: `(m,)` places of bars, each with a return before it.
        levels: `(q,)`.

    Returns:
        `(m, q)` log returns.
    """
    past = [returns[max(0, place - WINDOW) : place] for place in at]
    return around_zero(np.stack([np.quantile(own, levels) for own in past]), levels)
