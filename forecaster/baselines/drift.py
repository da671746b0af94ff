"""Random walk with drift: the last close moved by the mean of the symbol's own returns so far.

The historical mean is what Campbell & Thompson (2008) measure forecasts of returns against, there for a market and here
for each share. It is updated with every bar; nothing else is fitted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecaster.baselines.naive import Naive
from forecaster.baselines.series import Array, Index, Series


class Drift(Naive):
    """The median is the last close times exp(mean log return up to the origin); the spread around it is naive's."""

    name = "drift"

    def quantiles(self, one: Series, at: Index, levels: Sequence[float]) -> Array:
        """See `Naive.quantiles`."""
        # The mean of the returns between the first bar and this one.
        mean = np.log(one.close[at] / one.close[0]) / at
        moved: Array = np.exp(mean)[:, None] * super().quantiles(one, at, levels)
        return moved
