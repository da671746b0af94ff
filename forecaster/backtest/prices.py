"""Where a task gets its bars: from the store, by version, so that no frames travel to the processes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import numpy as np
import pandas as pd

from data.bars import Bars
from data.store import PriceStore
from forecaster.backtest.folds import Span


class Prices(Protocol):
    """Bars that a task can ask for in whatever process it runs."""

    def read(self, begins: np.datetime64 | None, last: np.datetime64) -> Bars:
        """The bars from `begins` (None: the first) to `last`, both included."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPrices:
    """The bars of a version of the store.

    Attributes:
        uri: of the store.
        version: of its bars.
        symbols: whose; None for all.
    """

    uri: str
    version: int
    symbols: tuple[str, ...] | None

    def read(self, begins: np.datetime64 | None, last: np.datetime64) -> Bars:
        """See `Prices.read`."""
        start, end = (None if day is None else date.fromisoformat(str(day)) for day in (begins, last))
        return PriceStore(self.uri).read(self.symbols, start=start, end=end, version=self.version)


def fingerprints(bars: Bars, folds: Sequence[Span]) -> list[str]:
    """For each fold that of the bars which it may see."""
    hashes = pd.util.hash_pandas_object(bars.frame, index=False).to_numpy()
    session = bars.frame["session"].to_numpy().astype("datetime64[D]")
    return [hashlib.sha256(hashes[_seen(session, span)].tobytes()).hexdigest()[:16] for span in folds]


def _seen(session: np.ndarray[Any, Any], span: Span) -> np.ndarray[Any, np.dtype[np.bool_]]:
    seen = session <= span.last
    return np.asarray(seen if span.begins is None else seen & (session >= span.begins))
