"""The price store: Delta Lake tables in a local folder or behind an object-store URI.

Raw bars and factors are stored, adjusted prices are derived. Every write is one transaction: a reader, or a
process that dies half-way, sees the version before or the version after. Rows that validation set aside
live in a table beside the bars.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from data.bars import COLUMNS, QUARANTINE_COLUMNS, Bars, empty_bars
from data.errors import EmptyStore, StoreUnavailable, UnknownSymbol, UnknownVersion
from data.symbols import parse_symbol

_BARS: Final = pa.schema(
    [("symbol", pa.string()), ("session", pa.date32())] + [(name, pa.float64()) for name in COLUMNS[2:]]
)
_QUARANTINE: Final = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("raw", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a write did: rows that are new, rows that changed, and the table's version afterwards."""

    inserted: int
    updated: int
    version: int


P = ParamSpec("P")
R = TypeVar("R")


def _maps_errors(method: Callable[Concatenate[PriceStore, P], R]) -> Callable[Concatenate[PriceStore, P], R]:
    """Whatever deltalake or the file system raises becomes an error of ours."""

    @wraps(method)
    def mapped(self: PriceStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except (DeltaError, OSError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0][:300]
            raise StoreUnavailable(self.uri, reason) from error

    return mapped


class PriceStore:
    """Bars by symbol and session. Every method raises `StoreUnavailable` where the table cannot be reached."""

    def __init__(self, uri: str | Path) -> None:
        """Opens nothing yet: the table is made by the first `upsert`.

        Args:
            uri: a folder, or an object-store URI such as s3://bucket/prices.
        """
        self.uri = str(uri)
        self._bars_uri = f"{self.uri.rstrip('/')}/bars"
        self._quarantine_uri = f"{self.uri.rstrip('/')}/quarantine"

    @_maps_errors
    def upsert(self, bars: Bars) -> Upserted:
        """Insert new bars and update changed ones, in one transaction; equal ones cost no new version."""
        table = pa.Table.from_pandas(bars.frame, schema=_BARS, preserve_index=False)
        existing = _open(self._bars_uri)
        if existing is None:
            write_deltalake(self._bars_uri, table)
            return Upserted(inserted=len(bars), updated=0, version=0)
        # `is distinct from` counts two unknown amounts as equal, where `<>` would not.
        changed = " or ".join(f"(old.{name} is distinct from new.{name})" for name in COLUMNS[2:])
        done = (
            existing.merge(
                table,
                predicate="old.symbol = new.symbol and old.session = new.session",
                source_alias="new",
                target_alias="old",
            )
            .when_matched_update_all(changed)
            .when_not_matched_insert_all()
            .execute()
        )
        return Upserted(done["num_target_rows_inserted"], done["num_target_rows_updated"], existing.version())

    @_maps_errors
    def quarantine(self, rows: pd.DataFrame) -> int:
        """Keep rows that validation set aside; returns how many were not there before."""
        if rows.empty:
            return 0
        keyed = rows.assign(id=[_row_id(row) for row in rows.itertuples(index=False, name=None)])
        table = pa.Table.from_pandas(keyed, schema=_QUARANTINE, preserve_index=False)
        existing = _open(self._quarantine_uri)
        if existing is None:
            write_deltalake(self._quarantine_uri, table)
            return len(rows)
        merge = existing.merge(table, predicate="old.id = new.id", source_alias="new", target_alias="old")
        inserted: int = merge.when_not_matched_insert_all().execute()["num_target_rows_inserted"]
        return inserted

    @_maps_errors
    def quarantined(self) -> pd.DataFrame:
        """Every row ever set aside: source, row, reason, raw."""
        table = _open(self._quarantine_uri)
        if table is None:
            return pd.DataFrame(columns=list(QUARANTINE_COLUMNS))
        return _query(table, "select source, row, reason, raw from it order by source, row")

    @_maps_errors
    def version(self) -> int | None:
        """The newest version, None while there is no table."""
        table = _open(self._bars_uri)
        return None if table is None else table.version()

    @_maps_errors
    def read(
        self,
        symbols: Sequence[str] | None = None,
        *,
        start: date | None = None,
        end: date | None = None,
        version: int | None = None,
    ) -> Bars:
        """Bars of `symbols` (None: all) from `start` to `end`, both included, as of a table version.

        Raises:
            EmptyStore, UnknownVersion: there is no table, or not that version of it.
            MalformedSymbol, UnknownSymbol: a symbol that cannot be, or has no bars at all.
        """
        table = self._table(version)
        where = []
        if symbols is not None:
            # Symbols are checked against their pattern before they reach the query's text.
            wanted = [parse_symbol(symbol) for symbol in symbols]
            self._require_known(table, wanted)
            where.append(f"symbol in ({', '.join(repr(symbol) for symbol in wanted)})" if wanted else "false")
        if start is not None:
            where.append(f"session >= date '{start.isoformat()}'")
        if end is not None:
            where.append(f"session <= date '{end.isoformat()}'")
        condition = f" where {' and '.join(where)}" if where else ""
        found = _query(table, f"select {', '.join(COLUMNS)} from it{condition} order by symbol, session")
        if found.empty:
            return empty_bars()
        return Bars(found.astype({"symbol": "str", "session": "datetime64[s]"}))

    @_maps_errors
    def summary(self, version: int | None = None) -> pd.DataFrame:
        """One row a symbol: symbol, sessions, first, last (dates).

        Raises:
            EmptyStore, UnknownVersion: there is no table, or not that version of it.
        """
        sql = (
            "select symbol, count(*) as sessions, min(session) as first, max(session) as last "
            "from it group by symbol order by symbol"
        )
        return _query(self._table(version), sql)

    def _table(self, version: int | None) -> DeltaTable:
        table = _open(self._bars_uri)
        if table is None:
            raise EmptyStore(self.uri)
        if version is None or version == table.version():
            return table
        if not 0 <= version <= table.version():
            raise UnknownVersion(self.uri, version, table.version())
        return DeltaTable(self._bars_uri, version=version)

    def _require_known(self, table: DeltaTable, wanted: Sequence[str]) -> None:
        available = list(_query(table, "select distinct symbol from it order by symbol")["symbol"])
        for symbol in wanted:
            if symbol not in available:
                raise UnknownSymbol(symbol, available)


def _open(uri: str) -> DeltaTable | None:
    try:
        return DeltaTable(uri)
    except TableNotFoundError:
        return None


def _query(table: DeltaTable, sql: str) -> pd.DataFrame:
    """Rows of `sql` over the table, which it calls `it`.

    After a merge, reading with pandas filters fails on string columns; SQL does not.
    """
    try:
        found = QueryBuilder().register("it", table).execute(sql).read_all()
    except Exception as error:  # what a reader meets on the way, such as a missing file, comes as a bare Exception
        raise DeltaError(str(error)) from error
    frame: pd.DataFrame = pa.table(found).to_pandas()
    return frame


def _row_id(row: tuple[Any, ...]) -> str:
    return hashlib.sha256(repr(row).encode()).hexdigest()
