"""What every forecaster gets and gives.

A table of forecasts has one row for each origin: symbol and origin (the session whose bar is the newest one that the
forecast knows), and one column for each quantile level, named by it ("0.05"). Quantiles are backward-adjusted closes
[currency] of the symbol's next bar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from data.bars import Bars
from forecaster.diagnostics.table import column
from forecaster.spec import DEFAULT_QUANTILES

LEVELS: Final = DEFAULT_QUANTILES
KEYS: Final = ("symbol", "origin")
HINT: Final = "pip install 'stock-forecaster[train]'"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fold:
    """The origins between two refits, with what may be known for them.

    Attributes:
        number, of: which fold of the backtest this is, from 1.
        refit: the newest session that anything is fitted on.
        known: bars up to and including `refit`: what may be fitted on.
        seen: bars up to and including the last origin. A forecast may use those up to its own origin, and no others.
        origins: symbol and origin of each forecast, by symbol and then by origin.
    """

    number: int
    of: int
    refit: np.datetime64
    known: Bars
    seen: Bars
    origins: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Made:
    """Forecasts of one fold: rows for some or all of its origins, and counts of what a reader should know."""

    table: pd.DataFrame
    notes: Mapping[str, int] = field(default_factory=dict)


class Forecaster(Protocol):
    """Something that forecasts; fitted anew for each fold."""

    @property
    def name(self) -> str:
        """What it is called in tables: unique in a backtest."""
        ...

    @property
    def seeded(self) -> bool:
        """Whether its forecasts depend on a seed."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """JSON-ready values that its forecasts depend on, beside the prices and the folds."""
        ...

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        """Forecasts of a fold.

        Args:
            fold: the origins, and what may be known.
            levels: probabilities, ascending, 0.5 among them.
            seed: for a `seeded` forecaster; the others ignore it.
            say: called with a line on how far it is.
        """
        ...


class Unavailable(Exception):
    """A forecaster cannot run here: `name` is missing, and `hint` says what to do."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f"{name} is not there: {hint}")
        self.name = name
        self.hint = hint


def check_made(table: pd.DataFrame, origins: pd.DataFrame, levels: Sequence[float], label: str) -> None:
    """Whether forecasts are forecasts.

    Raises:
        ValueError: some were not asked for, came twice, have no value, or have quantiles out of order.
    """
    keys = pd.MultiIndex.from_frame(table[list(KEYS)])
    asked = pd.MultiIndex.from_frame(origins[list(KEYS)])
    if not keys.is_unique or not keys.isin(asked).all():
        raise ValueError(f"{label}: expected each of the fold's origins at most once, and no others")
    values = table[[column(level) for level in levels]].to_numpy(dtype="float64")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError(f"{label}: expected every quantile to be a price")
    if (np.diff(values, axis=1) < 0).any():
        raise ValueError(f"{label}: expected quantiles in ascending order")
