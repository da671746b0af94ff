"""One table, indexed so that a page of thousands of rows takes milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

Positions = np.ndarray[Any, np.dtype[np.int64]]

FIRST_DAY: Final = 0
LAST_DAY: Final = 99_999_999


class Table:
    """Rows in the order in which the server answers: the newest day first, then by code.

    Attributes:
        frame: what it was made from; a market that holds another object has changed.
        days: `(n,) int64`, YYYYMMDD, descending.
    """

    def __init__(self, frame: pd.DataFrame, code: str, day: str) -> None:
        self.frame = frame
        codes, names = pd.factorize(frame[code], sort=True)
        days = pd.to_numeric(frame[day]).to_numpy(dtype="int64")
        order = np.lexsort((codes, -days))
        self.days = days[order]
        grouped = np.argsort(codes[order], kind="stable")
        ends = np.searchsorted(codes[order][grouped], np.arange(len(names) + 1))
        self._of_code = {str(name): grouped[ends[i] : ends[i + 1]] for i, name in enumerate(names)}
        self._columns = {str(name): _column(frame[name], order) for name in frame.columns}

    def find(self, codes: Sequence[str] | None, first: int = FIRST_DAY, last: int = LAST_DAY) -> Positions:
        """Where the rows of `codes` (None: all) from day `first` to day `last` are, both included, in order."""
        begin, end = np.searchsorted(-self.days, -last, "left"), np.searchsorted(-self.days, -first, "right")
        if codes is None:
            return np.arange(begin, end)
        own = [self._of_code[code] for code in dict.fromkeys(codes) if code in self._of_code]
        pieces = [one[np.searchsorted(one, begin) : np.searchsorted(one, end)] for one in own]
        return np.sort(np.concatenate(pieces)) if pieces else np.arange(0)

    def rows(self, positions: Positions, fields: Sequence[str]) -> list[list[Any]]:
        """The cells of `fields`, row by row; what is missing is None."""
        columns = [_cells(*self._columns[name], positions) for name in fields]
        return [list(row) for row in zip(*columns, strict=True)]


def _column(column: pd.Series[Any], order: Positions) -> tuple[np.ndarray[Any, Any], list[Any] | None]:
    """Numbers as they are; anything else as numbers of its distinct values, None being the last of these."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy()[order], None
    codes, distinct = pd.factorize(column)
    return codes[order], [*distinct, None]


def _cells(values: np.ndarray[Any, Any], distinct: list[Any] | None, positions: Positions) -> list[Any]:
    cells: list[Any] = values[positions].tolist()
    if distinct is not None:
        return [distinct[cell] for cell in cells]
    # What is no number differs from itself.
    return [None if cell != cell else cell for cell in cells]
