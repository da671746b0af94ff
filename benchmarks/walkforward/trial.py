"""What is forecast, and when models are fitted: prices, folds, outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from data.bars import Bars, validate
from data.providers.files import FilesProvider
from forecaster.backtest.folds import Plan, Span, outcomes_of, sessions_of, spans
from forecaster.backtest.prices import fingerprints
from forecaster.backtest.task import Task
from forecaster.baselines.protocol import LEVELS, Forecaster


@dataclass(frozen=True, slots=True)
class Trial:
    """A walk through the test span.

    Attributes:
        bars: all prices.
        folds: in order.
        prices: for each fold the fingerprint of the bars that it may see.
        outcomes: as `forecaster.backtest.folds.outcomes_of` makes them.
    """

    bars: Bars
    folds: tuple[Span, ...]
    prices: tuple[str, ...]
    outcomes: pd.DataFrame

    @property
    def sessions(self) -> int:
        """How many sessions have origins."""
        return int(self.outcomes["origin"].nunique())

    def tasks(self, forecaster: Forecaster, seed: int, levels: Sequence[float] = LEVELS) -> list[Task]:
        """What a forecaster has to do."""
        return [
            Task(forecaster, span, seed, tuple(levels), prices, len(self.bars))
            for span, prices in zip(self.folds, self.prices, strict=True)
        ]


def read_bars(path: Path) -> tuple[Bars, int]:
    """The bars of a file or folder as the files provider reads it, and how many rows were set aside.

    Raises:
        DataError: the file cannot be read, or lacks columns.
    """
    batches = list(FilesProvider(path).batches(None, None, None))
    checked = validate(pd.concat([batch.table for batch in batches], ignore_index=True), source=str(path))
    return checked.bars, len(checked.quarantine)


def some_symbols(bars: Bars, count: int) -> Bars:
    """At most `count` of the symbols, evenly spread over their sorted names."""
    names = np.array(bars.symbols)
    chosen = names[np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int))]
    return Bars(bars.frame[bars.frame["symbol"].isin(chosen)].reset_index(drop=True))


def make_trial(
    bars: Bars, *, refit: int, sessions: int | None = None, first: date | None = None, last: date | None = None
) -> Trial:
    """The folds of the test span and what came of them.

    Args:
        bars: all prices.
        refit: sessions between two refits.
        sessions: how many sessions of origins at most: from `first` on, or the newest ones.
        first, last: the span of the origins, both included.

    Raises:
        SpanError: no origin lies in the span, or none of the bars lies before it.
    """
    folds = spans(sessions_of(bars), Plan(every=refit, sessions=sessions, first=first, last=last))
    return Trial(bars, folds, tuple(fingerprints(bars, folds)), outcomes_of(bars, folds))
