"""What a stage of the pipeline knows: values of symbols on sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]
Names = np.ndarray[Any, np.dtype[np.str_]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Stage(StrEnum):
    """The stages, in the order in which each rests on those before it."""

    CALENDAR = "calendar"
    PRICES = "adjusted prices"
    FEATURES = "features"
    SCALING = "scaling"
    WINDOWS = "windows"
    TRAINING = "training set"
    CALIBRATION = "calibration"
    FORECASTS = "forecasts"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one stage, in an order that follows from the symbols and sessions alone.

    Attributes:
        stage: which.
        rows: what a row is, such as "window".
        symbol: `(n,)`.
        session: `(n,) datetime64[D]`.
        columns: by name `(n, ...)` values.
        finer: where the rows themselves differ, a table that may tell which column is to blame.
    """

    stage: Stage
    rows: str
    symbol: Names
    session: Days
    columns: Mapping[str, Array]
    finer: Callable[[], Table] | None = None

    def __len__(self) -> int:
        """How many rows."""
        return len(self.symbol)

    @property
    def values(self) -> int:
        """How many values."""
        return sum(column.size for column in self.columns.values())


def names_of(symbols: object) -> Names:
    """Names `(n,)` as an array that compares fast."""
    return np.asarray(symbols, dtype=np.str_)
