"""Delta Lake tables with a primary key: the only room that knows deltalake.

Every write is one transaction: a reader, or a process that dies half-way, sees the version before or the version
after. What deltalake, its engine or the file system raises becomes an error of ours.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, Literal, ParamSpec, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, QueryBuilder, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from data.errors import StoreFull, StoreUnavailable, UnknownVersion

# For files that are written to be kept: small row groups let a reader of one symbol skip most of a file.
_COMPACT: Final = WriterProperties(compression="ZSTD", compression_level=1, max_row_group_size=32_768)

# What the operating system says when no room is left, whoever passes the message on: ENOSPC, EDQUOT, EFBIG.
_NO_ROOM: Final = ("No space left on device", "Disk quota exceeded", "File too large")

# A commit, its temporary file, and what the file system takes for itself.
_ROOM_FOR_A_COMMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a write did: rows that are new, rows that changed, and the table's version afterwards."""

    inserted: int
    updated: int
    version: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table lies in its folder: rows, files, their bytes, and the partitions of more than one file."""

    rows: int
    files: int
    size: int
    scattered: dict[str, int]


P = ParamSpec("P")
R = TypeVar("R")


def maps_errors(method: Callable[Concatenate[KeyedTable, P], R]) -> Callable[Concatenate[KeyedTable, P], R]:
    """Whatever deltalake or the file system raises becomes `StoreFull` or `StoreUnavailable`."""

    @wraps(method)
    def mapped(self: KeyedTable, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except (DeltaError, OSError) as error:
            raise _ours(self.uri, error) from error
        except BaseException as error:
            # deltalake's engine is Rust, and where that panics the exception is no `Exception`.
            if type(error).__name__ == "PanicException":
                raise _ours(self.uri, error) from error
            raise

    return mapped


class KeyedTable:
    """A table in which each key occurs once. Every method raises `StoreUnavailable` where it cannot be reached."""

    def __init__(self, uri: str, schema: pa.Schema, key: Sequence[str], *, year_of: str | None = None) -> None:
        """Opens nothing yet: the table is made by the first write.

        Args:
            uri: a folder, or an object-store URI such as s3://bucket/prices.
            schema: the columns, in order.
            key: the columns that tell rows apart.
            year_of: a date column; rows lie in one partition for each of its years.
        """
        self.uri = uri
        self._schema = schema
        self._key = tuple(key)
        self._year_of = year_of
        self._partitions = ["year"] if year_of else []
        self._keeps = False
        self._held: DeltaTable | None = None

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Within, the table is opened once and only followed. For a sole writer: nobody else may replace the table."""
        if self._keeps:
            yield
            return
        self._keeps = True
        try:
            yield
        finally:
            self._keeps, self._held = False, None

    @maps_errors
    def version(self) -> int | None:
        """The newest version, None while there is no table."""
        table = self._table()
        return None if table is None else int(table.version())

    @maps_errors
    def select(self, sql: str, version: int | None = None) -> pd.DataFrame | None:
        """Rows of `sql` over the table, which it calls `it`; None while there is no table.

        Raises:
            UnknownVersion: the table never had that version.
        """
        table = self._table()
        if table is None:
            return None
        if version is not None and version != table.version():
            if not 0 <= version <= table.version():
                raise UnknownVersion(self.uri, version, table.version())
            table = DeltaTable(self.uri, version=version)
        found: pd.DataFrame = _query(table, sql).to_pandas()
        return found

    @maps_errors
    def greatest(self, column: str) -> Any:
        """The greatest value of a column, from what the log says about files; None where that is not known."""
        table = self._table()
        if table is None:
            return None
        actions = pa.table(table.get_add_actions(flatten=True))
        name = f"max.{column}"
        return pc.max(actions[name]).as_py() if name in actions.column_names else None

    @maps_errors
    def upsert(self, rows: pa.Table) -> Upserted:
        """Insert new rows and update changed ones, in one transaction; equal ones cost no new version.

        Args:
            rows: columns as in the schema, each key once.
        """
        self._require_room(rows)
        table = self._table()
        if table is None:
            self._write(rows, "append", None)
            return Upserted(len(rows), 0, 0)
        if table.metadata().partition_columns != self._partitions:
            self._lay_out_anew(table)
            table = self._followed()
        fresh, changed = self._compared(table, rows)
        if len(changed):
            # New and changed rows together, so that the write stays one transaction.
            self._merge(table, pa.concat_tables([fresh, changed]))
        elif len(fresh):
            self._write(fresh, "append", table)
        return Upserted(len(fresh), len(changed), int(table.version()))

    @maps_errors
    def replace(self, rows: pa.Table) -> None:
        """Make `rows` the whole content, in one transaction. For small tables."""
        self._require_room(rows)
        self._write(rows, "overwrite", None)

    @maps_errors
    def layout(self) -> Layout | None:
        """How the table lies in its folder; None while there is none."""
        table = self._table()
        if table is None:
            return None
        actions = pa.table(table.get_add_actions(flatten=True)).to_pandas()
        years = actions["partition.year"].astype(str) if "partition.year" in actions else pd.Series("", actions.index)
        counts = years.value_counts()
        scattered = {str(year): int(files) for year, files in counts[counts > 1].sort_index().items()}
        return Layout(int(actions["num_records"].sum()), len(actions), int(actions["size_bytes"].sum()), scattered)

    @maps_errors
    def compact(self, years: Sequence[str]) -> None:
        """Rewrite the partitions `years` so that rows with the same first key lie together; their content stays."""
        table = self._table()
        if table is None:
            return
        for year in years:
            chosen = [("year", "=", year)] if self._partitions else None
            table.optimize.z_order([self._key[0]], partition_filters=chosen, writer_properties=_COMPACT)
        # A reader starts from the newest checkpoint: with one here it skips the history of all the small files.
        table.create_checkpoint()

    @maps_errors
    def clean(self, older_than_hours: int, keep_versions: Sequence[int], *, dry_run: bool) -> list[str]:
        """Delete files that no version younger than that, nor one of `keep_versions`, needs; returns their names."""
        table = self._table()
        if table is None:
            return []
        return list(
            table.vacuum(
                older_than_hours,
                dry_run=dry_run,
                enforce_retention_duration=False,
                full=True,
                keep_versions=[one for one in keep_versions if 0 <= one <= table.version()],
            )
        )

    def _table(self) -> DeltaTable | None:
        if self._held is not None:
            self._held.update_incremental()
            return self._held
        try:
            table = DeltaTable(self.uri)
        except TableNotFoundError:
            return None
        if self._keeps:
            self._held = table
        return table

    def _followed(self) -> DeltaTable:
        """The table as it is now, where one is known to exist."""
        table = self._table()
        if table is None:
            raise DeltaError("the table is gone")
        return table

    def _compared(self, table: DeltaTable, rows: pa.Table) -> tuple[pa.Table, pa.Table]:
        """The rows whose key is new, and those that differ from the row with their key."""
        if not len(rows):
            return rows, rows
        bounds = _bounds(rows, self._key)
        if not self._may_hold(table, bounds):
            return rows, rows[:0]
        where = " and ".join(f"{name} >= {low} and {name} <= {high}" for name, low, high in bounds)
        held = _query(table, f"select {', '.join(self._schema.names)} from it where {where}")
        if not len(held):
            return rows, rows[:0]
        # The engine hands out text as views, which joins do not take.
        held = held.cast(self._schema).append_column("_held", pa.array([True] * len(held)))
        ours = rows.append_column("_row", pa.array(range(len(rows)), pa.int64()))
        joined = ours.join(held, keys=list(self._key), join_type="left outer", right_suffix="_held").sort_by("_row")
        known = pc.fill_null(joined["_held"], False)
        differs = pa.array([False] * len(joined))
        for name in self._schema.names:
            if name not in self._key:
                differs = pc.or_(differs, _distinct(joined[name], joined[f"{name}_held"]))
        return rows.filter(pc.invert(known)), rows.filter(pc.and_(known, differs))

    def _may_hold(self, table: DeltaTable, bounds: Sequence[tuple[str, str, str]]) -> bool:
        """Whether some file's range of keys touches these: most of a bulk load is answered here, without reading."""
        predicate = " AND ".join(f"{name} >= {low} AND {name} <= {high}" for name, low, high in bounds)
        return bool(table.file_uris(file_pruning_predicate=predicate))

    def _write(self, rows: pa.Table, mode: Literal["append", "overwrite"], table: DeltaTable | None) -> None:
        write_deltalake(
            table or self.uri,  # an opened table is not read again, and is at its new version afterwards
            self._with_year(rows),
            mode=mode,
            partition_by=self._partitions or None,
        )

    def _merge(self, table: DeltaTable, rows: pa.Table) -> None:
        on = [f"old.{name} = new.{name}" for name in (*self._partitions, *self._key)]
        # Said as values too, so that files outside the range are not even opened.
        on += [f"old.{name} >= {low} and old.{name} <= {high}" for name, low, high in _bounds(rows, self._key)]
        merged = table.merge(
            self._with_year(rows),
            predicate=" and ".join(on),
            source_alias="new",
            target_alias="old",
        )
        merged.when_matched_update_all().when_not_matched_insert_all().execute()

    def _with_year(self, rows: pa.Table) -> pa.Table:
        if self._year_of is None:
            return rows
        return rows.append_column("year", pc.year(rows[self._year_of]).cast(pa.int32()))

    def _lay_out_anew(self, table: DeltaTable) -> None:
        """A table of an earlier release lies otherwise: rewritten in one transaction, its versions stay readable."""
        names = ", ".join(self._schema.names)
        year = f", cast(date_part('year', {self._year_of}) as int) as year" if self._year_of else ""
        rows = QueryBuilder().register("it", table).execute(f"select {names}{year} from it order by {self._key[0]}")
        write_deltalake(
            self.uri,
            rows,
            mode="overwrite",
            schema_mode="overwrite",
            partition_by=self._partitions or None,
        )

    def _require_room(self, rows: pa.Table) -> None:
        """A full disk is met before the write, where the folder is local and that can be known."""
        folder = Path(self.uri)
        if "://" in self.uri:
            return
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if free < _ROOM_FOR_A_COMMIT + rows.nbytes:
            raise StoreFull(self.uri, f"{free:,} bytes are free")


def _query(table: DeltaTable, sql: str) -> pa.Table:
    """Rows of `sql` over the table, which it calls `it`.

    After a merge, reading with pandas filters fails on string columns; SQL does not.
    """
    try:
        return pa.table(QueryBuilder().register("it", table).execute(sql).read_all())
    except Exception as error:  # what a reader meets on the way, such as a missing file, comes as a bare Exception
        raise DeltaError(str(error)) from error


def _distinct(ours: pa.ChunkedArray, held: pa.ChunkedArray) -> pa.Array:
    """Where two columns differ; two unknowns are equal."""
    if pa.types.is_floating(ours.type):
        # In a table from pandas an unknown number is null, in one from the engine it may be NaN.
        ours, held = (pc.if_else(pc.is_nan(one), None, one) for one in (ours, held))
    return pc.fill_null(pc.not_equal(ours, held), pc.not_equal(pc.is_null(ours), pc.is_null(held)))


def _bounds(rows: pa.Table, names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Of each of these columns its name, least and greatest value, as SQL."""
    ends = {name: pc.min_max(rows[name]) for name in names}
    return [(name, _literal(both["min"].as_py()), _literal(both["max"].as_py())) for name, both in ends.items()]


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"date '{value.isoformat()}'" if hasattr(value, "isoformat") else str(value)


def _ours(uri: str, error: BaseException) -> StoreFull | StoreUnavailable:
    said = str(error) or type(error).__name__
    full = next((one for one in _NO_ROOM if one in said), None)
    return StoreFull(uri, full) if full else StoreUnavailable(uri, said.splitlines()[0][:300])
