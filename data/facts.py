"""What a source says beside prices, kept in small tables next to the bars.

==========  ==================================  ====================================================================
table       columns                             what a row says
==========  ==================================  ====================================================================
calendar    exchange, day, is_open              whether an exchange trades on a day, by the source's own calendar
listings    symbol, name, status, listed,       when a share was listed and, where it was, delisted
            delisted
gaps        symbol, session, why                a session without a bar: `suspended`, or `absent` (the source was
                                                asked and has nothing)
coverage    symbol, first, through, bars        from `first` to `through` the store has what the source had: so many
                                                bars, and nothing where there is none
universes   universe, symbol                    the members of an index as they were told last
==========  ==================================  ====================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from data.delta import KeyedTable
from data.lock import WriterLock

_CALENDAR: Final = pa.schema([("exchange", pa.string()), ("day", pa.date32()), ("is_open", pa.bool_())])
_LISTINGS: Final = pa.schema(
    [
        ("symbol", pa.string()),
        ("name", pa.string()),
        ("status", pa.string()),
        ("listed", pa.date32()),
        ("delisted", pa.date32()),
    ]
)
_GAPS: Final = pa.schema([("symbol", pa.string()), ("session", pa.date32()), ("why", pa.string())])
_COVERAGE: Final = pa.schema(
    [("symbol", pa.string()), ("first", pa.date32()), ("through", pa.date32()), ("bars", pa.int64())]
)
_DTYPES: Final[dict[Any, Any]] = {
    pa.string(): "str",
    pa.date32(): "datetime64[s]",
    pa.bool_(): "bool",
    pa.int64(): "int64",
}

_UNIVERSES: Final = pa.schema([("universe", pa.string()), ("symbol", pa.string())])

SUSPENDED: Final = "suspended"
ABSENT: Final = "absent"
OPEN: Final = "open"  # not looked into yet; never kept


class SourceFacts:
    """The tables beside the bars of one store. Dates are `datetime64[s]`, NaT where there is none.

    Every method raises `StoreUnavailable` where the tables cannot be reached, those that write also `StoreFull`, and
    `StoreBusy` while another writer is at it.
    """

    def __init__(self, uri: str, lock: WriterLock | None = None) -> None:
        """Opens nothing yet.

        Args:
            uri: the store's folder, or an object-store URI.
            lock: the store's, where the caller has one.
        """
        self._lock = lock or WriterLock(uri)
        self.tables = {
            "calendar": KeyedTable(f"{uri}/calendar", _CALENDAR, ("exchange", "day")),
            "listings": KeyedTable(f"{uri}/listings", _LISTINGS, ("symbol",)),
            "gaps": KeyedTable(f"{uri}/gaps", _GAPS, ("symbol", "session")),
            "coverage": KeyedTable(f"{uri}/coverage", _COVERAGE, ("symbol", "first")),
            "universes": KeyedTable(f"{uri}/universes", _UNIVERSES, ("universe", "symbol")),
        }

    def calendar(self) -> pd.DataFrame:
        """Exchange, day, is_open."""
        return self._read("calendar", _CALENDAR)

    def listings(self) -> pd.DataFrame:
        """Symbol, name, status, listed, delisted."""
        return self._read("listings", _LISTINGS)

    def gaps(self) -> pd.DataFrame:
        """Symbol, session, why."""
        return self._read("gaps", _GAPS)

    def coverage(self) -> pd.DataFrame:
        """Symbol, first, through, bars; the spans of a symbol do not touch each other."""
        return self._read("coverage", _COVERAGE)

    def universe(self, name: str) -> tuple[str, ...]:
        """The members of an index as they were told last, sorted; none where they were not."""
        known = self._read("universes", _UNIVERSES)
        return tuple(known.loc[known["universe"] == name, "symbol"])

    def keep_calendar(self, rows: pd.DataFrame) -> None:
        """Add days, and correct those that are known already."""
        self._keep("calendar", _CALENDAR, rows)

    def keep_listings(self, rows: pd.DataFrame) -> None:
        """Add listings, and correct those that are known already."""
        self._keep("listings", _LISTINGS, rows)

    def keep_gaps(self, rows: pd.DataFrame) -> None:
        """Add gaps, and correct those that are known already."""
        self._keep("gaps", _GAPS, rows)

    def replace_coverage(self, rows: pd.DataFrame) -> None:
        """Make these all the spans there are; the same ones again, in whatever order, write nothing."""
        ordered = _typed(rows[_COVERAGE.names], _COVERAGE).sort_values(["symbol", "first"], ignore_index=True)
        with self._lock.held():
            if not ordered.equals(self.coverage()):
                self.tables["coverage"].replace(_arrow(ordered, _COVERAGE))

    def replace_universe(self, name: str, symbols: Sequence[str]) -> None:
        """Make `symbols` all the members of an index; the same ones again, in whatever order, write nothing."""
        members = sorted(set(symbols))
        with self._lock.held():
            if tuple(members) != self.universe(name):
                known = self._read("universes", _UNIVERSES)
                told = pd.DataFrame({"universe": name, "symbol": members})
                every = pd.concat([known[known["universe"] != name], told], ignore_index=True)
                self.tables["universes"].replace(_arrow(every, _UNIVERSES))

    def _read(self, name: str, schema: pa.Schema) -> pd.DataFrame:
        found = self.tables[name].select(f"select {', '.join(schema.names)} from it order by 1, 2")
        if found is None:
            found = pd.DataFrame({column: [] for column in schema.names})
        return _typed(found, schema)

    def _keep(self, name: str, schema: pa.Schema, rows: pd.DataFrame) -> None:
        if len(rows):
            with self._lock.held():
                self.tables[name].upsert(_arrow(rows, schema))


def _typed(rows: pd.DataFrame, schema: pa.Schema) -> pd.DataFrame:
    return rows.astype({field.name: _DTYPES[field.type] for field in schema})


def _arrow(rows: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False)
