"""The ledger: a Delta table of published forecasts, one row a forecast and step of its horizon.

=================  ===============================================================================
name, version      the model's name, and which version of it spoke
run_id             the run that made that version, which names it even where a registry began anew
trained_through    the last session that the version had learnt from
symbol             whose price
as_of              the session of the newest bar that the forecast knew
target_session     the session that it is about, as the calendar had it then
opens_at           when that session opens [UTC]
step               which session after `as_of` that is, from 1 on
published_at       when it was published [UTC], before `opens_at`
last_close         the close of `as_of` as traded [currency]
adj_factor         the adjustment factor of `as_of`, as it was known then [1]
levels, quantiles  the forecast: probabilities, and closes on the scale of `last_close` [currency]
naive_quantiles    what "same as yesterday" said at `as_of`, likewise (`diagnostics.naive`); NaN where the history was
                   too short, null beyond the first step
data_version       the version of the price table that it was made from
schema             the form of the row
=================  ===============================================================================

Rows are only ever added. The table says so itself (`delta.appendOnly`), so that other programs refuse to change one,
too; and each commit carries a time of its own in Delta's log.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from data.comparing import literal
from data.delta import KeyedTable
from data.errors import StoreUnavailable, UnsupportedStore
from data.lock import WriterLock
from data.upkeep import sweep
from forecaster.diagnostics.table import column, naive_column
from forecaster.ledger.errors import LedgerUnavailable, UnsupportedLedger

SCHEMA: Final = 1
KEY: Final = ("name", "symbol", "target_session", "step")

_MOMENT: Final = pa.timestamp("us", tz="UTC")
_ROWS: Final = pa.schema(
    [
        ("name", pa.string()),
        ("version", pa.string()),
        ("run_id", pa.string()),
        ("trained_through", pa.date32()),
        ("symbol", pa.string()),
        ("as_of", pa.date32()),
        ("target_session", pa.date32()),
        ("opens_at", _MOMENT),
        ("step", pa.int32()),
        ("published_at", _MOMENT),
        ("last_close", pa.float64()),
        ("adj_factor", pa.float64()),
        ("levels", pa.list_(pa.float64())),
        ("quantiles", pa.list_(pa.float64())),
        ("naive_quantiles", pa.list_(pa.float64())),
        ("data_version", pa.int64()),
        ("schema", pa.int32()),
    ]
)

# What a reader gets beside the quantiles.
_READ: Final[dict[str, Any]] = {
    "name": "str",
    "version": "str",
    "symbol": "str",
    "as_of": "datetime64[s]",
    "target_session": "datetime64[s]",
    "step": "int64",
    "published_at": "datetime64[us, UTC]",
    "last_close": "float64",
    "adj_factor": "float64",
    "data_version": "int64",
}
_SUMMARY: Final[dict[str, Any]] = {
    "name": "str",
    "forecasts": "int64",
    "symbols": "int64",
    "since": "datetime64[us, UTC]",
    "newest": "datetime64[us, UTC]",
    "through": "datetime64[s]",
}

Key = tuple[str, date, int]


class Ledger:
    """The forecasts published so far.

    Every method raises `LedgerUnavailable` where the table cannot be reached, those that write also `StoreFull`, and
    `StoreBusy` while another process writes.

    Attributes:
        uri: where the table is.
    """

    def __init__(self, uri: str | Path) -> None:
        """Opens nothing yet: the table is made by the first publication.

        Args:
            uri: a folder, or an object-store URI such as s3://bucket/ledger.
        """
        self.uri = str(uri).rstrip("/")
        self._table = KeyedTable(self.uri, _ROWS, KEY, append_only=True, schema_version=SCHEMA)
        self._lock = WriterLock(self.uri)

    @contextmanager
    def writing(self, wait: float = 0) -> Iterator[None]:
        """Within, nobody else publishes. A publication takes the right by itself, too, but does not wait for it.

        Args:
            wait: seconds to wait for another writer.
        """
        with _named(self.uri), self._lock.held(wait):
            yield

    def version(self) -> int | None:
        """The newest version of the table, None while nothing was published."""
        with _named(self.uri):
            return self._table.version()

    def schema_version(self) -> int | None:
        """Which schema the table has, one that is not supported too; None while nothing was published."""
        with _named(self.uri):
            return self._table.schema_version()

    def is_append_only(self) -> bool:
        """Whether the table still forbids everybody to change a row; False while nothing was published."""
        with _named(self.uri):
            return self._table.is_append_only()

    def read(self, name: str | None = None, symbol: str | None = None, step: int | None = None) -> pd.DataFrame:
        """Published forecasts, ordered by name, symbol, target session and step; the first of each counts.

        Args:
            name, symbol, step: which ones; None takes all.

        Returns:
            One row a forecast: name, version, symbol, as_of, target_session, step, published_at, last_close,
            adj_factor, data_version, and for each level a column with the quantile and one with the naive quantile,
            named as in a bundle's evidence and NaN where a forecast has none.

        Raises:
            UnsupportedLedger: some of it was written by a newer version of this program.
        """
        asked = {"name": name, "symbol": symbol, "step": step}
        told = [f"{key} = {literal(value)}" for key, value in asked.items() if value is not None]
        where = f" where {' and '.join(told)}" if told else ""
        version = self.version()
        forms = self._select(f"select distinct levels, schema from it{where}", version)
        if forms is None or forms.empty:
            return pd.DataFrame({key: pd.Series(dtype=dtype) for key, dtype in _READ.items()})
        if (newest := int(forms["schema"].max())) > SCHEMA:
            raise UnsupportedLedger(self.uri, newest, SCHEMA)
        levels = sorted({float(level) for one in forms["levels"] for level in one})
        found = self._select(
            f"select {', '.join([*_READ, *map(_quantile, levels), *map(_naive, levels)])} from it{where} "
            f"order by {', '.join(KEY)}, published_at",
            version,
        )
        assert found is not None
        # A program that knows nothing of the key could have added a second row; it comes too late.
        found = found.astype(_READ)
        late = found.duplicated(list(KEY))
        return found[~late].reset_index(drop=True) if late.any() else found

    def keys(self, name: str, first: date) -> set[Key]:
        """Symbol, target session and step of the forecasts under `name` for the session `first` and later ones."""
        found = self._select(
            "select symbol, target_session, step from it "
            f"where name = {literal(name)} and target_session >= {literal(first)}"
        )
        return set() if found is None else set(found.itertuples(index=False, name=None))

    def published_after(self, moment: datetime) -> datetime | None:
        """When something was published last, where that was after `moment`; None where nothing was.

        Args:
            moment: with a time zone. Files of earlier publications are not opened.
        """
        after = f"timestamp '{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z'"
        found = self._select(f"select max(published_at) as newest from it where published_at > {after}")
        newest = None if found is None else found["newest"].iloc[0]
        return None if newest is None or pd.isna(newest) else newest.to_pydatetime()

    def summary(self) -> pd.DataFrame:
        """One row a model: name, forecasts, symbols, since and newest (of publishing), through (target session)."""
        found = self._select(
            "select name, count(*) as forecasts, count(distinct symbol) as symbols, min(published_at) as since, "
            "max(published_at) as newest, max(target_session) as through from it group by name order by name"
        )
        return (pd.DataFrame({name: [] for name in _SUMMARY}) if found is None else found).astype(_SUMMARY)

    def append(self, rows: pd.DataFrame) -> int:
        """Write forecasts down in one transaction; those whose key is there already change nothing.

        Args:
            rows: the columns of the table without `schema`, each key once.

        Returns:
            How many were new.
        """
        table = pa.Table.from_pandas(rows.assign(schema=SCHEMA), schema=_ROWS, preserve_index=False)
        with self.writing():
            return self._table.append(table)

    def clean(self, keep: timedelta, *, wait: float = 0) -> list[str]:
        """Delete what killed writers left; what was published stays.

        Args:
            keep: how old a file has to be.
            wait: seconds to wait for another writer.

        Returns:
            The files that were deleted.
        """
        if self.version() is None:
            return []
        with self.writing(wait), _named(self.uri):
            return sweep(self._table, keep)

    def _select(self, sql: str, version: int | None = None) -> pd.DataFrame | None:
        with _named(self.uri):
            return self._table.select(sql, version)


@contextmanager
def _named(uri: str) -> Iterator[None]:
    """What the table cannot do is said of the ledger, not of prices."""
    try:
        yield
    except StoreUnavailable as error:
        raise LedgerUnavailable(uri, error.reason) from error
    except UnsupportedStore as error:
        raise UnsupportedLedger(uri, error.found, error.supported) from error


def _quantile(level: float) -> str:
    """SQL for the quantile of a level, null where a row does not have it."""
    return f'{_at(level, "quantiles")} as "{column(level)}"'


def _naive(level: float) -> str:
    return f'{_at(level, "naive_quantiles")} as "{naive_column(level)}"'


def _at(level: float, values: str) -> str:
    return f"array_element({values}, cast(array_position(levels, {level!r}) as bigint))"
