"""A user's own prices: CSV or Parquet, one file or a folder of them.

Columns are found by the names that common sources give them, in any case and with blanks or underscores;
a mapping says otherwise. A table without a symbol column takes its symbol from the file's name.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd
from pyarrow import ArrowException
from pyarrow.parquet import ParquetFile

from data.adjust import factor_from_adjusted_close
from data.bars import COLUMNS, PRICES
from data.errors import MissingColumns, UnknownSymbol, UnreadableSource
from data.parsing import parse_sessions, readable
from data.providers.base import Batch

SUFFIXES: Final = (".csv", ".csv.gz", ".parquet", ".pq")

# What the field calls a column, normalised: lower case, letters and digits only.
_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "symbol": ("symbol", "ticker", "tscode", "code", "secid"),
    "session": ("session", "date", "tradedate", "day", "timestamp", "datetime"),
    "open": ("open", "openprice"),
    "high": ("high", "highprice"),
    "low": ("low", "lowprice"),
    "close": ("close", "closeprice", "last"),
    "volume": ("volume", "vol"),
    "amount": ("amount", "turnovervalue", "value"),
    "adj_factor": ("adjfactor", "factor"),
    "adj_close": ("adjclose", "adjustedclose"),
}
_NUMBERS: Final = ("volume", "amount", "adj_factor", *PRICES)


class FilesProvider:
    """Tables on disk."""

    name = "files"

    def __init__(self, path: Path, mapping: Mapping[str, str] | None = None) -> None:
        """Find the files; nothing is read yet.

        Args:
            path: a CSV or Parquet file, or a folder that holds some (sub-folders are not searched).
            mapping: our column name -> the file's column name, where the usual names do not find it.

        Raises:
            UnreadableSource: the path is absent, of another kind, or a folder without such files.
            MissingColumns: the mapping names a column that bars do not have.
        """
        self._mapping = dict(mapping or {})
        unknown = [name for name in self._mapping if name not in _ALIASES]
        if unknown:
            known = ", ".join(_ALIASES)
            raise UnreadableSource(str(path), f"the mapping names {', '.join(unknown)}; expected one of {known}")
        self._files = _find(path)

    def batches(self, symbols: Sequence[str] | None, start: date | None, end: date | None) -> Iterator[Batch]:
        """One batch a file. See `Provider.batches`.

        Raises:
            UnreadableSource: a file is not what its name says.
            MissingColumns: a file lacks a required column.
            UnknownSymbol: after the last file, for the first of `symbols` that no file held.
        """
        seen: set[str] = set()
        for file in self._files:
            table, notes = self._table(file)
            seen.update(table["symbol"].dropna().astype(str).str.strip())
            if symbols is not None:
                table = table[table["symbol"].astype("string").str.strip().isin(symbols)]
            yield Batch(file.name, _within(table, start, end), notes)
        for symbol in symbols or ():
            if symbol not in seen:
                raise UnknownSymbol(symbol, sorted(seen))

    def size(self, symbols: Sequence[str] | None) -> int | None:
        """One batch a file."""
        return len(self._files)

    def _table(self, file: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
        table = _read(file)
        names = self._columns(file, table)
        renamed = table[list(names.values())].set_axis(list(names), axis="columns")
        notes: list[str] = []
        if "symbol" not in renamed:
            renamed["symbol"] = _stem(file)
        missing = [name for name in COLUMNS if name not in renamed and name not in ("amount", "adj_factor")]
        if missing:
            raise MissingColumns(str(file), missing, [str(name) for name in table.columns])
        if "adj_factor" not in renamed and "adj_close" in renamed:
            renamed["adj_factor"] = _factors(renamed)
            notes.append("factors come from adj_close: after a new dividend, load the whole history again")
        elif "adj_factor" not in renamed:
            renamed["adj_factor"] = 1.0
            notes.append("no adj_factor or adj_close column: prices are taken as already adjusted (factor 1)")
        if _normal(names.get("symbol", "")) == "tscode" and _normal(names["volume"]) == "vol":
            notes.append("columns as in Tushare: volume is read in lots of 100 shares, amount in thousands")
            renamed["volume"] = _times(renamed["volume"], 100)
            if "amount" in renamed:
                renamed["amount"] = _times(renamed["amount"], 1000)
        return renamed.drop(columns="adj_close", errors="ignore"), tuple(notes)

    def _columns(self, file: Path, table: pd.DataFrame) -> dict[str, str]:
        found = {_normal(str(name)): str(name) for name in reversed(list(table.columns))}
        names: dict[str, str] = {}
        for ours, aliases in _ALIASES.items():
            if ours in self._mapping:
                if self._mapping[ours] not in table.columns:
                    raise MissingColumns(str(file), [self._mapping[ours]], [str(name) for name in table.columns])
                names[ours] = self._mapping[ours]
            else:
                match = next((found[alias] for alias in aliases if alias in found), None)
                if match is not None:
                    names[ours] = match
        return names


def _find(path: Path) -> list[Path]:
    if not path.exists():
        raise UnreadableSource(str(path), "there is no such file or folder")
    if path.is_file():
        if not path.name.lower().endswith(SUFFIXES):
            raise UnreadableSource(str(path), f"expected a name ending in {', '.join(SUFFIXES)}")
        return [path]
    files = sorted(one for one in path.iterdir() if one.is_file() and one.name.lower().endswith(SUFFIXES))
    if not files:
        raise UnreadableSource(str(path), f"the folder holds no file ending in {', '.join(SUFFIXES)}")
    return files


def _read(file: Path) -> pd.DataFrame:
    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            # Without pandas' own notes: a column that was an index is a column again, and rows count from 0.
            return readable(_distinct(ParquetFile(file).read().to_pandas(ignore_metadata=True)))
        # As text: a number that cannot be read must reach the quarantine as it was written.
        return pd.read_csv(file, dtype="str", keep_default_na=False, skip_blank_lines=True)
    # A gzip file that was cut off or damaged ends in the last two, which are no OSError.
    except (OSError, ValueError, ArrowException, EOFError, zlib.error) as error:
        raise UnreadableSource(str(file), f"{type(error).__name__}: {error}") from error


def _distinct(table: pd.DataFrame) -> pd.DataFrame:
    if not table.columns.is_unique:
        raise ValueError(f"column names occur twice: {', '.join(map(str, table.columns))}")
    return table


def _factors(table: pd.DataFrame) -> pd.Series[float]:
    """Factors from adjusted closes, per symbol in session order, on the rows as they stand."""
    numbers = pd.DataFrame(
        {
            "symbol": table["symbol"],
            "session": parse_sessions(table["session"]),
            "adjusted": pd.to_numeric(table["adj_close"], errors="coerce"),
            "close": pd.to_numeric(table["close"], errors="coerce"),
        }
    ).sort_values("session")
    factors = [
        factor_from_adjusted_close(own["adjusted"], own["close"]) for _, own in numbers.groupby("symbol", sort=False)
    ]
    return pd.concat(factors).reindex(table.index) if factors else pd.Series(dtype="float64")


def _times(column: pd.Series[Any], unit: float) -> pd.Series[Any]:
    """Numbers in our unit; what is no number stays as it was written, for the quarantine."""
    numbers = pd.to_numeric(column, errors="coerce")
    return (numbers * unit).astype("object").where(numbers.notna(), column)


def _within(table: pd.DataFrame, start: date | None, end: date | None) -> pd.DataFrame:
    if start is None and end is None:
        return table
    # Rows without a readable day stay: validation sets them aside with a reason.
    day = parse_sessions(table["session"])
    keep = pd.Series(True, index=table.index)
    if start is not None:
        keep &= ~(day < pd.Timestamp(start))
    if end is not None:
        keep &= ~(day > pd.Timestamp(end))
    return table[keep]


def _stem(file: Path) -> str:
    return re.sub(r"(\.csv|\.gz|\.parquet|\.pq)+$", "", file.name, flags=re.IGNORECASE).upper()


def _normal(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
