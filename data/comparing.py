"""Rows by their key: which are new, which differ from those that are held, and how a query names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

# Up to so many values of the first key are looked up one by one, which reads less than the range between them.
_FEW: Final = 100


def compared(rows: pa.Table, held: pa.Table, key: Sequence[str]) -> tuple[pa.Table, pa.Table]:
    """The rows whose key `held` has not, and those that differ from the row with their key; each in its order.

    Two unknowns are equal, and so are 0.0 and -0.0.

    Args:
        rows, held: tables of one schema, each key once in either.
        key: the columns that tell rows apart.
    """
    held = held.append_column("_held", pa.array([True] * len(held), pa.bool_()))
    ours = rows.append_column("_row", pa.array(range(len(rows)), pa.int64()))
    joined = ours.join(held, keys=list(key), join_type="left outer", right_suffix="_held").sort_by("_row")
    known = pc.fill_null(joined["_held"], False)
    differs = pa.array([False] * len(joined), pa.bool_())
    for name in rows.column_names:
        if name not in key:
            differs = pc.or_(differs, _distinct(joined[name], joined[f"{name}_held"]))
    return rows.filter(pc.invert(known)), rows.filter(pc.and_(known, differs))


def bounds(rows: pa.Table, key: Sequence[str], prefix: str = "") -> list[str]:
    """Conditions that hold for all keys of `rows`, which are not empty: the range of each of their columns."""
    ends = {name: pc.min_max(rows[name]) for name in key}
    return [
        f"{prefix}{name} >= {literal(both['min'].as_py())} and {prefix}{name} <= {literal(both['max'].as_py())}"
        for name, both in ends.items()
    ]


def among(rows: pa.Table, key: Sequence[str]) -> list[str]:
    """The same, and the values of the first column one by one where they are few."""
    values = pc.unique(rows[key[0]]).to_pylist()
    named = f"{key[0]} in ({', '.join(map(literal, values))})"
    return [*bounds(rows, key), *([named] if len(values) <= _FEW else [])]


def literal(value: Any) -> str:
    """A value as SQL."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"date '{value.isoformat()}'" if hasattr(value, "isoformat") else str(value)


def _distinct(ours: pa.ChunkedArray, held: pa.ChunkedArray) -> pa.Array:
    """Where two columns differ."""
    if pa.types.is_floating(ours.type):
        # In a table from pandas an unknown number is null, in one from the engine it may be NaN.
        ours, held = (pc.if_else(pc.is_nan(one), None, one) for one in (ours, held))
    return pc.fill_null(pc.not_equal(ours, held), pc.not_equal(pc.is_null(ours), pc.is_null(held)))
