"""Last close: tomorrow is as today, spread as the symbol's own returns were lately (`diagnostics.naive`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forecaster.baselines.protocol import Fold, Made, Say
from forecaster.baselines.series import Array, Index, Series, joined, rows, series_of
from forecaster.diagnostics.naive import LEAST, WINDOW, naive_quantiles


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
                pieces.append(rows(one, at, self.quantiles(one, at, levels), levels))
        return Made(joined(pieces, levels))

    def quantiles(self, one: Series, at: Index, levels: Sequence[float]) -> Array:
        """`(m, q)` closes [currency] that are said at some places `(m,)` of a symbol's bars, `LEAST` or more each."""
        return naive_quantiles(one.close, at, levels)
