"""The price store: Delta Lake tables in a local folder or behind an object-store URI.

Raw bars and factors are stored, adjusted prices are derived. Rows that validation set aside and what the source said
beside prices (`data.facts`) lie in tables next to the bars.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from data.bars import COLUMNS, QUARANTINE_COLUMNS, Bars, empty_bars
from data.delta import KeyedTable, Upserted
from data.errors import EmptyStore, UnknownSymbol, UnknownVersion
from data.facts import SourceFacts
from data.lock import WriterLock
from data.sessions import Calendars
from data.symbols import parse_symbol

# Of the bars: the first release's lay in one piece, since the second one they lie by year.
SCHEMA: Final = 2
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

# So many days hold a session on any exchange, pauses for holidays included, with room for a suspension.
_DAYS_A_SESSION: Final = 2.0
_DAYS_OF_PAUSE: Final = 40


class PriceStore:
    """Bars by symbol and session.

    Every method raises `StoreUnavailable` where the tables cannot be reached, those that write also `StoreFull`, and
    `StoreBusy` while another process writes.

    Attributes:
        uri: where the tables are.
        facts: what the source said beside prices.
    """

    def __init__(self, uri: str | Path) -> None:
        """Opens nothing yet: the tables are made by the first write.

        Args:
            uri: a folder, or an object-store URI such as s3://bucket/prices.
        """
        self.uri = str(uri)
        root = self.uri.rstrip("/")
        self._bars = KeyedTable(f"{root}/bars", _BARS, ("symbol", "session"), year_of="session", schema_version=SCHEMA)
        self._quarantine = KeyedTable(f"{root}/quarantine", _QUARANTINE, ("id",))
        self._lock = WriterLock(root)
        self.facts = SourceFacts(root, self._lock)

    @property
    def absolute_uri(self) -> str:
        """Where the tables are, for processes with another working directory."""
        return self.uri if "://" in self.uri else str(Path(self.uri).absolute())

    @property
    def tables(self) -> dict[str, KeyedTable]:
        """Every table of the store by its name, the bars first."""
        return {"bars": self._bars, "quarantine": self._quarantine, **self.facts.tables}

    @contextmanager
    def writing(self, wait: float = 0) -> Iterator[None]:
        """Within, this object is the only writer. Single writes take the right by themselves.

        Two `PriceStore` of one process exclude each other as two processes do. Threads that share one share
        the right, and take turns at each write.

        Args:
            wait: seconds to wait for another writer.

        Raises:
            StoreBusy: another writer is still at it after that.
        """
        with self._lock.held(wait), self._bars.kept_open():
            yield

    def upsert(self, bars: Bars) -> Upserted:
        """Insert new bars and update changed ones, in one transaction; equal ones cost no new version."""
        return self.upsert_rows([stored_rows(bars)])

    def upsert_rows(self, rows: Sequence[pa.Table]) -> Upserted:
        """The same for tables of `stored_rows` that share no bar."""
        with self._lock.held():
            return self._bars.upsert(pa.concat_tables(rows))

    def quarantine(self, rows: pd.DataFrame) -> int:
        """Keep rows that validation set aside; returns how many were not there before.

        A row is known again by its source, its reason and its cells, wherever in the source it stands.
        """
        if rows.empty:
            return 0
        alike = rows.groupby(["source", "reason", "raw"], sort=False).cumcount()
        keys = zip(rows["source"], rows["reason"], rows["raw"], alike, strict=True)
        keyed = rows.assign(id=[hashlib.sha256(repr(key).encode()).hexdigest() for key in keys])
        with self._lock.held():
            known = self._quarantine.select("select id from it")
            if known is not None:
                keyed = keyed[~keyed["id"].isin(known["id"])]
            if len(keyed):
                self._quarantine.upsert(pa.Table.from_pandas(keyed, schema=_QUARANTINE, preserve_index=False))
        return len(keyed)

    def quarantined(self) -> pd.DataFrame:
        """Every row ever set aside: source, row, reason, raw."""
        found = self._quarantine.select("select source, row, reason, raw from it order by source, row, reason, raw")
        if found is None:
            found = pd.DataFrame({name: [] for name in QUARANTINE_COLUMNS})
        return found.astype(dict.fromkeys(QUARANTINE_COLUMNS, "str") | {"row": "int64"})

    def version(self) -> int | None:
        """The newest version of the bars, None while there are none."""
        return self._bars.version()

    def rows(self) -> int:
        """How many bars there are, from the table's log alone; 0 without a table."""
        return self._bars.rows()

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
            EmptyStore, UnknownVersion: there are no bars, or not that version of them.
            MalformedSymbol, UnknownSymbol: a symbol that cannot be, or has no bars at all.
        """
        where = []
        # Symbols are checked against their pattern before they reach the query's text.
        wanted = None if symbols is None else [parse_symbol(symbol) for symbol in symbols]
        if wanted is not None:
            where.append(f"symbol in ({_listed(wanted)})" if wanted else "false")
        if start is not None:
            where.append(f"session >= date '{start.isoformat()}'")
        if end is not None:
            where.append(f"session <= date '{end.isoformat()}'")
        condition = f" where {' and '.join(where)}" if where else ""
        found = self._select(f"select {', '.join(COLUMNS)} from it{condition} order by symbol, session", version)
        if wanted:
            self._require_known(sorted(set(wanted) - set(found["symbol"].unique())), version)
        return _bars(found)

    def tail(self, symbol: str, sessions: int) -> Bars:
        """The newest `sessions` bars of a symbol, or as many as there are.

        Raises: as `read`, and ValueError where not even one is asked for.
        """
        if sessions < 1:
            raise ValueError(f"expected a number of sessions from 1 on, got {sessions}")
        wanted = f"symbol = '{parse_symbol(symbol)}'"
        span = timedelta(days=int(sessions * _DAYS_A_SESSION) + _DAYS_OF_PAUSE)
        found = self._bars.newest(wanted, "session", sessions, span)
        if found is None:
            raise EmptyStore(self.uri)
        if found.empty:
            self._require_known([symbol], None)
        return _bars(found)

    def summary(self, version: int | None = None) -> pd.DataFrame:
        """One row a symbol: symbol, sessions, first, last (dates).

        Raises:
            EmptyStore, UnknownVersion: there are no bars, or not that version of them.
        """
        sql = (
            "select symbol, count(*) as sessions, min(session) as first, max(session) as last "
            "from it group by symbol order by symbol"
        )
        return self._select(sql, version)

    def newest(self) -> pd.DataFrame:
        """Each symbol's newest bar, and how many it has: symbol, session, adj_factor, bars. Empty without a table."""
        found = self._bars.select(
            "select symbol, max(session) as session, last_value(adj_factor order by session) as adj_factor, "
            "count(*) as bars from it group by symbol order by symbol"
        )
        columns: dict[str, Any] = {
            "symbol": "str",
            "session": "datetime64[s]",
            "adj_factor": "float64",
            "bars": "int64",
        }
        return (pd.DataFrame({name: [] for name in columns}) if found is None else found).astype(columns)

    def fingerprint(self, version: int | None = None) -> str:
        """SHA-256 of the bars' content, the same however the rows lie in files.

        Raises:
            EmptyStore, UnknownVersion: there are no bars, or not that version of them.
        """
        sum_ = hashlib.sha256()
        years = self._select("select distinct date_part('year', session) as year from it order by 1", version)["year"]
        for year in years.astype(int):
            within = f"session >= date '{year}-01-01' and session <= date '{year}-12-31'"
            sql = f"select {', '.join(COLUMNS)} from it where {within} order by symbol, session"
            frame = _bars(self._select(sql, version)).frame
            sum_.update("\n".join(frame["symbol"]).encode())
            sum_.update(frame["session"].to_numpy().astype("int64").astype("<i8").tobytes())
            for name in COLUMNS[2:]:
                values = frame[name].to_numpy().astype("<f8")
                # One pattern of bits for "unknown", and one zero.
                sum_.update(np.where(np.isnan(values), np.nan, values + 0.0).tobytes())
        return sum_.hexdigest()

    def calendars(self) -> Calendars:
        """The exchanges' sessions, joined with the trade calendar that a provider may have told."""
        return Calendars(self.facts.calendar())

    def _select(self, sql: str, version: int | None) -> pd.DataFrame:
        try:
            found = self._bars.select(sql, version)
        except UnknownVersion as error:
            raise UnknownVersion(self.uri, error.version, error.newest) from None
        if found is None:
            raise EmptyStore(self.uri)
        return found

    def _require_known(self, wanted: Sequence[str], version: int | None) -> None:
        """`wanted` found no rows: that is an error where the store has none of theirs on any day."""
        if not wanted:
            return
        held = self._select(f"select distinct symbol from it where symbol in ({_listed(wanted)})", version)["symbol"]
        missing = [symbol for symbol in wanted if symbol not in set(held)]
        if missing:
            raise UnknownSymbol(missing[0], list(self.summary(version)["symbol"]))


def stored_rows(bars: Bars) -> pa.Table:
    """Bars in the form in which they are written; making it can go on beside a write."""
    return pa.Table.from_pandas(bars.frame, schema=_BARS, preserve_index=False)


def _listed(symbols: Sequence[str]) -> str:
    return ", ".join(repr(symbol) for symbol in symbols)


def _bars(found: pd.DataFrame) -> Bars:
    if found.empty:
        return empty_bars()
    dtypes: dict[str, Any] = {"symbol": "str", "session": "datetime64[s]"}
    return Bars(found.astype(dtypes))
