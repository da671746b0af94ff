"""Random walk with drift: the last close moved by the mean of the symbol's own returns so far.

The historical mean is what Campbell & Thompson (2008) measure forecasts of returns against, there for a market and here
for each share. It is updated with every bar; nothing else is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.baselines.protocol import Fold, Made, Say
from forecaster.baselines.series import joined, rows, series_of
from forecaster.diagnostics.naive import LEAST, WINDOW, naive_quantiles


class Drift:
    """The median is the last close times exp(mean log return up to the origin); the spread around it is naive's."""

    name = "drift"
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
                # The mean of the returns between the first bar and this one.
                mean = np.log(one.close[at] / one.close[0]) / at
                quantiles = np.exp(mean)[:, None] * naive_quantiles(one.close, at, levels)
                pieces.append(rows(one, at, quantiles, levels))
        return Made(joined(pieces, levels))
