"""Last close: tomorrow is as today, spread as the symbol's own returns were lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from .forecasts import Block, Made, Say, around_zero, joined, rows, series_of

WINDOW: Final = 500
LEAST: Final = 60


class Naive:
    """The median is the last close, the other quantiles are those of the symbol's own returns up to the origin."""

    name = "naive"
    seeded = False

    def settings(self) -> Mapping[str, Any]:
        """See `Forecaster.settings`."""
        return {"window": WINDOW, "least": LEAST}

    def fit_predict(self, block: Block, levels: Sequence[float], seed: int, say: Say) -> Made:
        """See `Forecaster.fit_predict`. Origins with fewer than `LEAST` returns before them get none."""
        pieces = []
        for one in series_of(block):
            at = one.at[one.at >= LEAST]
            if not len(at):
                continue
            past = [one.returns[max(0, place - WINDOW) : place] for place in at]
            spread = np.stack([np.quantile(returns, levels) for returns in past])  # (m, q)
            quantiles = one.close[at, None] * np.exp(around_zero(spread, levels))
            pieces.append(rows(one, at, quantiles, levels))
        return Made(joined(pieces, levels))
