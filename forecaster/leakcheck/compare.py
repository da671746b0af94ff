"""Two tables of the same stage, from two futures: equal to the last bit, or where not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from forecaster.leakcheck.tables import Array, Mask, Stage, Table

# A column that changes in so large a part of its rows was computed over the whole history.
EVERYWHERE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that was known, and came out otherwise.

    Attributes:
        stage, name: what.
        symbol, session: the newest row that differs.
        before, after: its value as the bars are, and with the other future; None where there is no such row.
        changed, compared: how many rows differ, and of how many.
        reach: how many bars of the same symbol lie between the oldest row that differs and the symbol's newest.
    """

    stage: Stage
    name: str
    symbol: str
    session: str
    before: Any
    after: Any
    changed: int
    compared: int
    reach: int

    @property
    def everywhere(self) -> bool:
        """Whether most of the rows differ."""
        return self.changed > EVERYWHERE * self.compared


def differences(one: Table, other: Table) -> list[Difference]:
    """What differs, a `Difference` a column, or one for the rows themselves."""
    if not _same_rows(one, other):
        if one.finer is not None and other.finer is not None:
            found = differences(one.finer(), other.finer())
            if found:
                return found
        return [_row_difference(one, other)]
    return [
        _difference(one, name, values, other.columns[name], unequal)
        for name, values in one.columns.items()
        if (unequal := _unequal(values, other.columns[name])).any()
    ]


def _same_rows(one: Table, other: Table) -> bool:
    return bool(len(one) == len(other) and (one.symbol == other.symbol).all() and (one.session == other.session).all())


def _unequal(one: Array, other: Array) -> Mask:
    """`(n,)`: rows in which any bit differs. One NaN is as good as another."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return np.ones(len(one), dtype=bool)
    if not one.size:
        return np.zeros(len(one), dtype=bool)
    unequal = _bits(one) != _bits(other)
    if one.dtype.kind == "f" and unequal.any():
        unequal &= ~(np.isnan(one) & np.isnan(other))
    found: Mask = unequal.reshape(len(one), -1).any(axis=1)
    return found


def _bits(values: Array) -> Array:
    # A view by another type keeps -0.0 apart from 0.0, and is compared as fast.
    return values.view(f"i{values.dtype.itemsize}") if values.dtype.kind in "fM" else values


def _difference(table: Table, name: str, values: Array, other: Array, unequal: Mask) -> Difference:
    rows = np.flatnonzero(unequal)
    row = rows[np.argmax(table.session[rows])]
    before, after = _first_unequal(values[row], other[row]) if values.shape == other.shape else (None, None)
    newer = pd.Series(table.symbol).groupby(table.symbol).cumcount(ascending=False).to_numpy()
    return Difference(
        table.stage,
        name,
        str(table.symbol[row]),
        str(table.session[row]),
        before,
        after,
        len(rows),
        len(table),
        int(newer[rows].max()),
    )


def _first_unequal(one: Array, other: Array) -> tuple[Any, Any]:
    flat, flat_too = np.atleast_1d(one).ravel(), np.atleast_1d(other).ravel()
    place = int(np.argmax(_unequal(flat, flat_too)))
    return flat[place], flat_too[place]


def _row_difference(one: Table, other: Table) -> Difference:
    rows, rows_too = (set(zip(table.symbol.tolist(), table.session.tolist(), strict=True)) for table in (one, other))
    alone = rows ^ rows_too
    # The same rows in another order would be a fault of the stage's own; then any of them stands for it.
    symbol, session = max(alone or rows, key=lambda row: (row[1], row[0]))
    known, known_too = ((symbol, session) in some for some in (rows, rows_too))
    newer = sum(1 for name, day in rows | rows_too if name == symbol and day > session)
    return Difference(
        one.stage,
        one.rows,
        str(symbol),
        str(session),
        "there" if known else None,
        "there" if known_too else None,
        max(1, len(alone)),
        len(rows | rows_too),
        newer,
    )
