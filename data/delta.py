"""Delta Lake tables with a primary key: the only room that knows deltalake.

Every write is one transaction: a reader, or a process that dies half-way, sees the version before or the version
after. What deltalake, its engine or the file system raises becomes an error of ours.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Concatenate, Final, Literal, ParamSpec, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import (
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    QueryBuilder,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from data.comparing import among, bounds, compared, literal
from data.errors import StoreError, StoreFull, StoreUnavailable, UnknownVersion, UnsupportedStore

# For files that are written to be kept: small row groups let a reader of one symbol skip most of a file.
COMPACT: Final = WriterProperties(compression="ZSTD", compression_level=1, max_row_group_size=16_384)

# By itself deltalake forgets versions after thirty days, though models name what they were trained on, and it calls a
# commit failed when only the checkpoint after it was.
_SETTINGS: Final[dict[str, str]] = {"delta.enableExpiredLogCleanup": "false"}
# Delta's own word for it, which other programs that write to the table have to keep as well.
_APPEND_ONLY: Final = "delta.appendOnly"
# A table says in its description which schema it has: of all that Delta keeps of a table it is what can be written with
# its first rows, in one transaction, and what every reader has without another look.
_DESCRIPTION: Final = "stock-forecaster, schema {}"
_DESCRIBED: Final = re.compile(r"stock-forecaster, schema ([0-9]{1,9})")
NO_HOOKS: Final = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
# A reader goes through all commits since the last checkpoint; one costs a millisecond, going through fifty costs ten.
_COMMITS_A_CHECKPOINT: Final = 10

# Writes that are not moved behind another writer's commit: what is new has to be looked up again. Writers of one
# machine take turns by their lock; more than a few that clash are no chance.
_UNMOVED: Final = CommitProperties(max_commit_retries=0)
_ATTEMPTS: Final = 20

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


P = ParamSpec("P")
R = TypeVar("R")


def maps_errors(method: Callable[Concatenate[KeyedTable, P], R]) -> Callable[Concatenate[KeyedTable, P], R]:
    """Whatever deltalake or the file system raises becomes `StoreFull` or `StoreUnavailable`."""

    @wraps(method)
    def mapped(self: KeyedTable, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except (DeltaError, OSError) as error:
            raise store_error(self.uri, error) from error
        except BaseException as error:
            # deltalake's engine is Rust, and where that panics the exception is no `Exception`.
            if type(error).__name__ == "PanicException":
                raise store_error(self.uri, error) from error
            raise

    return mapped


class KeyedTable:
    """A table in which each key occurs once. Every method raises `StoreUnavailable` where it cannot be reached.

    Threads may share it: those that write take turns, and those that read see whole versions.
    """

    def __init__(
        self,
        uri: str,
        schema: pa.Schema,
        key: Sequence[str],
        *,
        year_of: str | None = None,
        append_only: bool = False,
        schema_version: int = 1,
    ) -> None:
        """Opens nothing yet: the table is made by the first write.

        Args:
            uri: a folder, or an object-store URI such as s3://bucket/prices.
            schema: the columns, in order.
            key: the columns that tell rows apart.
            year_of: a date column; rows lie in one partition for each of its years.
            append_only: no row may ever be changed or removed, by nobody; such a table is written by `append`.
            schema_version: of what is written. A table that does not say which one it has is of the first.
        """
        self.uri = uri
        self._schema = schema
        self._names = ", ".join(schema.names)
        self.key = tuple(key)
        self.supported = schema_version
        self._year_of = year_of
        self._partitions = ["year"] if year_of else []
        self._settings = {**_SETTINGS, _APPEND_ONLY: "true"} if append_only else _SETTINGS
        self._keeps = False
        self._held: DeltaTable | None = None
        self._turn = threading.RLock()

    @property
    def folder(self) -> Path | None:
        """Where the table lies on this machine, None behind an object-store URI."""
        return None if "://" in self.uri else Path(self.uri)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Within, writes open the table once and only follow it. For a sole writer: nobody may replace the table."""
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
        table = self.opened()
        return None if table is None else int(table.version())

    @maps_errors
    def rows(self) -> int:
        """How many rows the newest version has, as its log says; 0 while there is no table."""
        table = self.opened()
        if table is None:
            return 0
        return int(pc.sum(pa.table(table.get_add_actions(flatten=True))["num_records"]).as_py() or 0)

    @maps_errors
    def select(self, sql: str, version: int | None = None) -> pd.DataFrame | None:
        """Rows of `sql` over the table, which it calls `it`; None while there is no table.

        Raises:
            UnknownVersion: the table never had that version.
        """
        table = self.opened()
        if table is None:
            return None
        if version is None or version == table.version():
            return _frame(_query(table, sql))
        if not 0 <= version <= table.version():
            raise UnknownVersion(self.uri, version, table.version())
        try:
            return _frame(_query(DeltaTable(self.uri, version=version), sql))
        except DeltaError as error:
            raise DeltaError(f"version {version} is no longer there, or not whole: {error}") from error

    @maps_errors
    def newest(self, condition: str, by: str, rows: int, within: timedelta) -> pd.DataFrame | None:
        """The `rows` rows under `condition` with the greatest dates `by`, ascending; None while there is no table.

        They are looked for `within` the end of the table first, so that only its newest files are opened.
        """
        table = self.opened()
        if table is None:
            return None
        sql = f"select {self._names} from it where {condition}"
        actions = pa.table(table.get_add_actions(flatten=True))
        newest = pc.max(actions[f"max.{by}"]).as_py() if f"max.{by}" in actions.column_names else None
        found = None if newest is None else _query(table, f"{sql} and {by} >= {literal(newest - within)}")
        if found is None or len(found) < rows:
            found = _query(table, f"{sql} order by {by} desc limit {rows}")
        return _frame(found).sort_values(by).tail(rows).reset_index(drop=True)

    @maps_errors
    def upsert(self, rows: pa.Table) -> Upserted:
        """Insert new rows and update changed ones, in one transaction; equal ones cost no new version.

        A writer on another machine may commit meanwhile: then what is new and what has changed is looked up again.

        Args:
            rows: columns as in the schema, each key once.
        """
        self._require_room(rows)

        def write(table: DeltaTable | None) -> Upserted:
            if table is None:
                self._create(rows)
                return Upserted(len(rows), 0, 0)
            fresh, changed = self._compared(table, rows)
            if (len(fresh) or len(changed)) and _schema_version(table) < self.supported:
                table = self._migrated(table)
            if len(changed):
                # New and changed rows together, so that the write stays one transaction.
                self._merge(table, pa.concat_tables([fresh, changed]))
            elif len(fresh):
                self._write(fresh, "append", table, _UNMOVED)
            return Upserted(len(fresh), len(changed), int(table.version()))

        return self._undisturbed(write)

    @maps_errors
    def append(self, rows: pa.Table) -> int:
        """Insert the rows whose key is new, in one transaction, and leave all others as they are; how many were new.

        A writer on another machine may commit meanwhile: then what is new is looked up again.

        Args:
            rows: columns as in the schema, each key once.
        """
        self._require_room(rows)

        def write(table: DeltaTable | None) -> int:
            if table is None:
                if len(rows):
                    self._create(rows)
                return len(rows)
            fresh = self._unknown(table, rows)
            if len(fresh):
                self._write(fresh, "append", table, _UNMOVED)
            return len(fresh)

        return self._undisturbed(write)

    @maps_errors
    def is_append_only(self) -> bool:
        """Whether the table itself says that its rows may never be changed; False while there is none."""
        table = self.opened()
        return table is not None and table.metadata().configuration.get(_APPEND_ONLY) == "true"

    @maps_errors
    def replace(self, rows: pa.Table) -> None:
        """Make `rows` the whole content, in one transaction. For small tables."""
        self._require_room(rows)
        with self._turn:
            self._write(rows, "overwrite", self._followed())

    @maps_errors
    def checkpoint(self) -> None:
        """Write down the table's state, so that readers need not go through the log."""
        table = self.opened()
        if table is not None:
            table.create_checkpoint()

    @maps_errors
    def has(self, version: int) -> bool:
        """Whether the log still knows a version, whatever became of its files."""
        newest = self.version()
        if newest is None or not 0 <= version <= newest:
            return False
        try:
            DeltaTable(self.uri, version=version)
        except TableNotFoundError:
            return False
        return True

    @maps_errors
    def opened(self) -> DeltaTable | None:
        """The table as it is now, None while there is none. For the upkeep of its files; rows are read by `select`.

        Raises:
            UnsupportedStore: a newer version of this program has written it.
        """
        table = self._found()
        if table is not None and (found := _schema_version(table)) > self.supported:
            raise UnsupportedStore(self.uri, found, self.supported)
        return table

    @maps_errors
    def schema_version(self) -> int | None:
        """Which schema the table has, one that is not supported too; None while there is no table."""
        table = self._found()
        return None if table is None else _schema_version(table)

    @maps_errors
    def migrate(self) -> bool:
        """Bring a table of an earlier schema to this one; whether there was anything to do.

        Its content and its versions stay. Killed in between, it is the one or the other, and the next call goes on.
        """

        def write(table: DeltaTable | None) -> bool:
            older = table is not None and _schema_version(table) < self.supported
            if table is not None and older:
                self._migrated(table)
            return older

        return self._undisturbed(write)

    def _found(self) -> DeltaTable | None:
        try:
            return DeltaTable(self.uri)
        except TableNotFoundError as error:
            # It also says so of an address that is none, and of a log whose beginning is lost.
            if "Unknown scheme" in str(error):
                raise
            if self.folder and any((self.folder / "_delta_log").glob("*.json")):
                return DeltaTable(self.uri)  # another writer may have made it just now
            return None

    def _undisturbed(self, write: Callable[[DeltaTable | None], R]) -> R:
        """What `write` makes of the table as it is, done anew where another writer's commit came in between."""
        attempts = 0
        with self._turn:
            while True:
                attempts += 1
                table = self._followed()
                try:
                    return write(table)
                except DeltaError as error:
                    overtaken = isinstance(error, CommitFailedError) or (table is None and self.opened() is not None)
                    if attempts == _ATTEMPTS or not overtaken:
                        raise

    def _followed(self) -> DeltaTable | None:
        """For writers, whose turn it is: the same, kept open where that was asked for."""
        held = self._held
        if held is not None:
            held.update_incremental()
            return held
        table = self.opened()
        if self._keeps:
            self._held = table
        return table

    def _unknown(self, table: DeltaTable, rows: pa.Table) -> pa.Table:
        """The rows whose key the table does not have."""
        if not len(rows):
            return rows
        keys = ", ".join(self.key)
        held = _query(table, f"select {keys} from it where {' and '.join(among(rows, self.key))}")
        ours = rows.select(self.key).append_column("_row", pa.array(range(len(rows)), pa.int64()))
        new = ours.join(held.cast(ours.schema.remove(len(self.key))), keys=list(self.key), join_type="left anti")
        return rows.take(new.sort_by("_row")["_row"])

    def _compared(self, table: DeltaTable, rows: pa.Table) -> tuple[pa.Table, pa.Table]:
        """The rows whose key is new, and those that differ from the row with their key."""
        if not len(rows):
            return rows, rows
        # Whether some file's range of keys touches these: most of a bulk load is answered here, without reading.
        within = " and ".join(bounds(rows, self.key))
        if not table.file_uris(file_pruning_predicate=within):
            return rows, rows[:0]
        held = _query(table, f"select {self._names} from it where {' and '.join(among(rows, self.key))}")
        if not len(held):
            return rows, rows[:0]
        # The engine hands out text as views, which joins do not take.
        return compared(rows, held.cast(self._schema), self.key)

    def _create(self, rows: pa.Table) -> None:
        # "error": a table that another writer has made meanwhile must not be appended to unread.
        self._write(rows, "error", None, _UNMOVED)

    def _write(
        self,
        rows: pa.Table,
        mode: Literal["append", "overwrite", "error"],
        table: DeltaTable | None,
        commit: CommitProperties | None = None,
    ) -> None:
        write_deltalake(
            table or self.uri,  # an opened table is not read again, and is at its new version afterwards
            self._with_year(rows),
            mode=mode,
            partition_by=self._partitions or None,
            configuration=self._settings,
            description=_DESCRIPTION.format(self.supported) if table is None else None,
            post_commithook_properties=NO_HOOKS,
            commit_properties=commit,
        )
        self._checkpoint_when_due(table)

    def _merge(self, table: DeltaTable, rows: pa.Table) -> None:
        on = [f"old.{name} = new.{name}" for name in (*self._partitions, *self.key)]
        # Said as values too, so that files outside the range are not even opened.
        on += bounds(rows, self.key, "old.")
        merged = table.merge(
            self._with_year(rows),
            predicate=" and ".join(on),
            source_alias="new",
            target_alias="old",
            post_commithook_properties=NO_HOOKS,
            commit_properties=_UNMOVED,
        )
        merged.when_matched_update_all().when_not_matched_insert_all().execute()
        self._checkpoint_when_due(table)

    def _checkpoint_when_due(self, table: DeltaTable | None) -> None:
        """Every so many commits; where that fails the commit counts all the same, and the next one will do."""
        if table is not None and table.version() % _COMMITS_A_CHECKPOINT == 0:
            with suppress(StoreError):
                self.checkpoint()

    def _with_year(self, rows: pa.Table) -> pa.Table:
        if self._year_of is None:
            return rows
        return rows.append_column("year", pc.year(rows[self._year_of]).cast(pa.int32()))

    def _migrated(self, table: DeltaTable) -> DeltaTable:
        """A table of an earlier schema, as of this one: the number comes last, when all that it says is true."""
        if table.metadata().partition_columns != self._partitions:
            table = self._laid_out_anew(table)
        table.alter.set_table_description(
            _DESCRIPTION.format(self.supported), commit_properties=_UNMOVED, post_commithook_properties=NO_HOOKS
        )
        return table

    def _laid_out_anew(self, table: DeltaTable) -> DeltaTable:
        """A table of an earlier release lies otherwise: rewritten in one transaction, its versions stay readable."""
        table.alter.set_table_properties(_SETTINGS, commit_properties=_UNMOVED, post_commithook_properties=NO_HOOKS)
        year = f", cast(date_part('year', {self._year_of}) as int) as year" if self._year_of else ""
        rows = (
            QueryBuilder().register("it", table).execute(f"select {self._names}{year} from it order by {self.key[0]}")
        )
        write_deltalake(
            table,
            rows,
            mode="overwrite",
            schema_mode="overwrite",
            partition_by=self._partitions or None,
            post_commithook_properties=NO_HOOKS,
            commit_properties=_UNMOVED,
        )
        return table

    def _require_room(self, rows: pa.Table) -> None:
        """A full disk is met before the write, where the folder is local and that can be known."""
        folder = self.folder
        if folder is None:
            return
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if free < _ROOM_FOR_A_COMMIT + rows.nbytes:
            raise StoreFull(self.uri, f"{free:,} bytes are free")


def _schema_version(table: DeltaTable) -> int:
    said = _DESCRIBED.fullmatch(table.metadata().description or "")
    return int(said[1]) if said else 1


def _query(table: DeltaTable, sql: str) -> pa.Table:
    """Rows of `sql` over the table, which it calls `it`.

    After a merge, reading with pandas filters fails on string columns; SQL does not.
    """
    try:
        return pa.table(QueryBuilder().register("it", table).execute(sql).read_all())
    except Exception as error:  # what a reader meets on the way, such as a missing file, comes as a bare Exception
        raise DeltaError(str(error)) from error


def _frame(found: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = found.to_pandas()
    return frame


def store_error(uri: str, error: BaseException) -> StoreFull | StoreUnavailable:
    """What deltalake, its engine or the operating system raised, as an error of ours."""
    said = str(error) or type(error).__name__
    full = next((one for one in _NO_ROOM if one in said), None)
    return StoreFull(uri, full) if full else StoreUnavailable(uri, said.splitlines()[0][:300])
