"""Raw columns -> symbols, days and numbers, whatever dtype a source delivers them in.

Text costs a hundred times what a number does. So only what is no number, or cannot be read as one, is looked at as
text, and a symbol or a day that a million rows share is read once.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.types import infer_dtype

from data.symbols import SYMBOL_PATTERN

Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]
Positions: TypeAlias = np.ndarray[Any, np.dtype[np.integer[Any]]]

# How sources write that they have no number, trimmed and in lower case.
_BLANKS: Final = ("", "nan", "none", "null", "na", "n/a", "-")

# A whole date, year first. What follows must not be a digit: half a date (2024, 2024-01) or a count of seconds
# would be a guess, and words such as "today" would read the clock.
# A whole-numbered 20240102.0 comes from spreadsheets and from gaps in integer columns.
_DAY: Final = r"^([0-9]{4}(?:-[0-9]{1,2}-[0-9]{1,2}|/[0-9]{1,2}/[0-9]{1,2}|[0-9]{4}))(?:\.0$|[^0-9.]|$)"
# The two forms that nearly every source writes, with nothing around them.
_WHOLE: Final = r"(?:[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})"
# The days whose year has the four digits of `_DAY`.
_FIRST_DAY: Final = np.datetime64("0000-01-01", "D")
_LAST_DAY: Final = np.datetime64("9999-12-31", "D")


def parse_symbols(raw: pd.Series[Any]) -> tuple[Positions, pd.Index[str]]:
    """The symbol of each row, trimmed.

    Returns:
        `(n,)` positions in the second item, -1 where the cell is no well-formed symbol; and the symbols, sorted.
    """
    codes, texts = _distinct_texts(raw)
    if texts.str.match(SYMBOL_PATTERN, na=False).all():
        # No two of them are alike once trimmed, since there is nothing to trim.
        order = pc.array_sort_indices(pa.array(texts, pa.string())).to_numpy()
        rank = np.empty(len(order) + 1, dtype="int64")
        rank[order], rank[-1] = np.arange(len(order)), -1
        return rank[codes], pd.Index(texts.iloc[order], dtype="str")
    symbols = texts.str.strip()
    good = symbols.str.match(SYMBOL_PATTERN, na=False).to_numpy(dtype=bool)
    known = pd.Index(np.unique(symbols[good].to_numpy(dtype=object)), dtype="str")
    return np.append(known.get_indexer(symbols.to_numpy(dtype=object)), -1)[codes], known


def parse_sessions(raw: pd.Series[Any]) -> pd.Series[pd.Timestamp]:
    """Trading days `datetime64[s]`, NaT where a cell is no whole date.

    Args:
        raw: days as text, integers such as 20240102, or moments. The date counts as it is written, whatever time or
            zone follows it: that is how the exchange dates its session.
    """
    if isinstance(raw.dtype, pd.DatetimeTZDtype) or (isinstance(raw.dtype, np.dtype) and raw.dtype.kind == "M"):
        moments = raw.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
        moments[(moments < _FIRST_DAY) | (moments > _LAST_DAY)] = np.datetime64("NaT")
        return pd.Series(moments.astype("datetime64[s]"), index=raw.index, name=raw.name, copy=False)
    codes, texts = _distinct_texts(raw)
    if not texts.str.fullmatch(_WHOLE, na=False).all():
        texts = texts.str.strip().str.extract(_DAY, expand=False)
    days = pd.to_datetime(texts, format="ISO8601", errors="coerce").to_numpy(dtype="datetime64[s]")
    each = np.append(days, np.datetime64("NaT", "s"))[codes]
    return pd.Series(each, index=raw.index, name=raw.name, copy=False)


def parse_numbers(raw: pd.Series[Any]) -> tuple[pd.Series[float], Flags]:
    """Numbers `float64`, NaN where a cell is none; and `(n,)`, whether the source left the cell blank."""
    # Moments, spans and truth values would turn into numbers; as text they do not.
    column: pd.Series[Any] = raw.astype("string") if raw.dtype.kind in "mMbc" else raw
    if column.dtype != np.float64:
        column = pd.to_numeric(column, errors="coerce").astype("float64")
    blank = raw.isna().to_numpy(dtype=bool, copy=True)
    unread = np.isnan(column.to_numpy()) & ~blank
    if unread.any():
        words = raw[unread].astype("string").str.strip().str.lower()
        blank[unread] = words.isin(_BLANKS).to_numpy(dtype=bool)
    return column, blank


def readable(raw: pd.DataFrame) -> pd.DataFrame:
    """`raw` with what is no text, number or day (a list, bytes) as its text, so that no cell stops the parsing."""
    mixed = [name for name in raw.columns if raw[name].dtype == object and not _is_text(raw[name])]
    return raw.assign(**{name: raw[name].map(_readable_cell).astype(object) for name in mixed})


def _readable_cell(cell: object) -> object:
    if isinstance(cell, bytes):
        return cell.decode(errors="backslashreplace")
    plain = isinstance(cell, (str, int, float, Decimal, date, np.number)) and not isinstance(cell, (bool, complex))
    return cell if plain or cell is None or cell is pd.NA or cell is pd.NaT else repr(cell)


def _distinct_texts(raw: pd.Series[Any]) -> tuple[Positions, pd.Series[str]]:
    """Each row's position among the distinct cells, -1 where it is missing, and those cells as text `string`."""
    if isinstance(raw.dtype, pd.CategoricalDtype) and _is_text(raw.cat.categories):
        return raw.cat.codes.to_numpy(), pd.Series(raw.cat.categories).astype("string")
    # Other objects may be equal and yet written differently: one moment in two zones, 1 and True.
    if (isinstance(raw.dtype, np.dtype) and raw.dtype.kind in "iuf") or (raw.dtype == object and _is_text(raw)):
        codes, distinct = pd.factorize(raw.to_numpy())
        return codes, pd.Series(distinct).astype("string")
    codes, texts = pd.factorize(raw.astype("string"))
    return codes, pd.Series(texts, dtype="string")


def _is_text(cells: pd.Series[Any] | pd.Index[Any]) -> bool:
    return infer_dtype(cells, skipna=False) == "string"
