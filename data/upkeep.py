"""Keeping the store's tables in shape: fewer and larger files, and none that no version needs.

Every write adds files. Rewriting a partition puts the rows of one symbol next to each other, so that a reader of one
symbol opens few files and skips most of each. What was rewritten stays readable until it is cleaned away: an older
version of the table consists of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from data.delta import COMPACT, NO_HOOKS, KeyedTable, maps_errors
from data.store import PriceStore

# A reader of one symbol opens every file of a year. With this many it takes some tens of milliseconds.
SCATTERED: Final = 16

KEPT: Final = timedelta(days=30)

# So large that a partition becomes one file, however many rows it has.
_BYTES_A_FILE: Final = 1 << 40

# A file that is still being written bears a number after its name; deltalake itself does not see it.
_UNFINISHED: Final = re.compile(r".+#\d+")
_OF_THE_LOG: Final = re.compile(r"(?P<version>\d{20})\.(?P<kind>json|checkpoint\.parquet)")


@dataclass(frozen=True, slots=True)
class TableShape:
    """How one table lies in its folder: version, rows, files, bytes, and partitions of more than one file."""

    name: str
    version: int
    rows: int
    files: int
    size: int
    scattered: int


@dataclass(frozen=True, slots=True)
class Compacted:
    """What compaction did to one table: files before and after, and how many partitions were rewritten."""

    name: str
    partitions: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class _Layout:
    rows: int
    files: int
    size: int
    scattered: dict[str, int]


def shapes(store: PriceStore) -> list[TableShape]:
    """How every table lies in its folder; tables that do not exist yet are left out."""
    found = []
    for name, table in store.tables.items():
        layout, version = _layout(table), table.version()
        if layout is not None and version is not None:
            found.append(TableShape(name, version, layout.rows, layout.files, layout.size, len(layout.scattered)))
    return found


def compact(store: PriceStore, *, wait: float = 0) -> list[Compacted]:
    """Rewrite every partition that consists of more than one file. What the tables hold stays as it is.

    Raises:
        StoreBusy: another process is writing.
        StoreFull: no room; the partitions that were done stay so, the others are as they were.
    """
    with store.writing(wait):
        return [done for name in store.tables if (done := _compact(store, name, 2)) is not None]


def compact_if_scattered(store: PriceStore) -> None:
    """Rewrite partitions of so many files that readers would feel it. For the end of a write. Raises as `compact`."""
    with store.writing():
        for name in store.tables:
            _compact(store, name, SCATTERED)


def clean(
    store: PriceStore,
    *,
    keep: timedelta = KEPT,
    keep_versions: Sequence[int] = (),
    dry_run: bool = False,
    wait: float = 0,
) -> dict[str, list[str]]:
    """Delete files that no version of the last `keep` needs, nor one of the bars' `keep_versions`.

    That is also what killed and failed writers left, and of a table in a local folder the log of the versions before
    the oldest that stays. What is how old is told by the machine's own clock, as everything in the log is.

    Args:
        store: whose tables.
        keep: how long a version can be read after it was replaced.
        keep_versions: versions of the bars that must stay readable, such as those that models were trained on.
        dry_run: only say what would be deleted.
        wait: seconds to wait for another writer.

    Returns:
        By table the files that were deleted, without those of its log.

    Raises:
        StoreBusy: another process is writing.
        ValueError: a negative time.
    """
    if keep < timedelta(0):
        raise ValueError(f"expected a time from 0 on to keep versions for, got {keep}")
    with store.writing(wait):
        return {
            name: _clean(table, keep, keep_versions if name == "bars" else (), dry_run)
            for name, table in store.tables.items()
        }


@maps_errors
def sweep(table: KeyedTable, keep: timedelta) -> list[str]:
    """Delete what killed and failed writers left of a table to which rows are only added, and nothing of its log.

    Args:
        table: whose writers take turns, with the caller as the only one now.
        keep: how old a file has to be.

    Returns:
        The files that were deleted.
    """
    version = table.version()
    if version is None:
        return []
    deleted = _vacuum(table, math.ceil(keep / timedelta(hours=1)), [version], False)
    left = list(_left_behind(table.folder, datetime.now(UTC) - keep))
    for file in left:
        file.unlink(missing_ok=True)
    return sorted(deleted + [file.relative_to(table.uri).as_posix() for file in left])


def _compact(store: PriceStore, name: str, files: int) -> Compacted | None:
    table = store.tables[name]
    before = _layout(table)
    chosen = [] if before is None else [part for part, count in before.scattered.items() if count >= files]
    if before is None or not chosen:
        return None
    _rewrite(table, chosen)
    after = _layout(table)
    return Compacted(name, len(chosen), before.files, before.files if after is None else after.files)


@maps_errors
def _layout(table: KeyedTable) -> _Layout | None:
    held = table.opened()
    if held is None:
        return None
    files = pa.table(held.get_add_actions(flatten=True)).to_pandas()
    if files.empty:
        return _Layout(0, 0, 0, {})
    years = files["partition.year"].astype(str) if "partition.year" in files else pd.Series("", files.index)
    counts = years.value_counts()
    scattered = {str(year): int(count) for year, count in counts[counts > 1].sort_index().items()}
    return _Layout(int(files["num_records"].sum()), len(files), int(files["size_bytes"].sum()), scattered)


@maps_errors
def _rewrite(table: KeyedTable, years: Sequence[str]) -> None:
    """Rewrite the partitions `years` so that rows with the same first key lie together."""
    held = table.opened()
    if held is None:
        return
    parted = bool(held.metadata().partition_columns)
    for year in years:
        held.optimize.z_order(
            table.key[:1],
            partition_filters=[("year", "=", year)] if parted else None,
            target_size=_BYTES_A_FILE,
            writer_properties=COMPACT,
            post_commithook_properties=NO_HOOKS,
        )
    # A reader starts from the newest checkpoint: with one here it skips the history of all the small files.
    table.checkpoint()


@maps_errors
def _clean(table: KeyedTable, keep: timedelta, keep_versions: Iterable[int], dry_run: bool) -> list[str]:
    since = datetime.now(UTC) - keep
    needed = _needed(table, since, keep_versions)
    if not needed:
        return []
    deleted = _vacuum(table, math.ceil(keep / timedelta(hours=1)), needed, dry_run)
    left = list(_left_behind(table.folder, since))
    if not dry_run:
        for file in left:
            file.unlink(missing_ok=True)
        _forget(table, min(needed))
    return sorted(deleted + [file.relative_to(table.uri).as_posix() for file in left])


@maps_errors
def _needed(table: KeyedTable, since: datetime, keep_versions: Iterable[int]) -> list[int]:
    """Versions that have every file of those that were the newest at any time from `since` on, and `keep_versions`.

    Of these as many as there still are. deltalake knows for a week only what a version has replaced, and would then go
    by the age of the files.
    """
    held = table.opened()
    if held is None:
        return []
    moment = since.timestamp() * 1000
    needed, at_the_time = {held.version(), *keep_versions}, 0
    for commit in held.history():
        if commit["timestamp"] < moment:
            at_the_time = max(at_the_time, commit["version"])
        elif not _only_adds(commit):
            # What this one took away, the one before it still had.
            needed.add(commit["version"] - 1)
    return sorted(version for version in {*needed, at_the_time} if table.has(version))


def _only_adds(commit: dict[str, Any]) -> bool:
    return (commit["operation"], commit.get("operationParameters", {}).get("mode")) == ("WRITE", "Append")


@maps_errors
def _vacuum(table: KeyedTable, older_than_hours: int, needed: Sequence[int], dry_run: bool) -> list[str]:
    held = table.opened()
    if held is None:
        return []

    def found(*, dry_run: bool) -> list[str]:
        return held.vacuum(
            older_than_hours,
            dry_run=dry_run,
            enforce_retention_duration=False,
            full=True,
            keep_versions=list(needed),
            post_commithook_properties=NO_HOOKS,
        )

    # What was deleted by an earlier call is found again for as long as the log names it.
    files = [name for name in found(dry_run=True) if table.folder is None or (table.folder / name).exists()]
    if files and not dry_run:
        found(dry_run=False)
    return files


def _left_behind(folder: Path | None, since: datetime) -> Iterator[Path]:
    """Files that a writer died over, or could not finish."""
    if folder is None:
        return
    for file in folder.rglob("*#*"):
        with suppress(FileNotFoundError):
            if _UNFINISHED.fullmatch(file.name) and file.stat().st_mtime < since.timestamp():
                yield file


def _forget(table: KeyedTable, oldest: int) -> None:
    """Delete the log of versions before `oldest`, as far as a checkpoint stands in for it.

    Without that it grows with every commit. Behind a URI it does: a commit there is some kilobytes, and readers start
    from the newest checkpoint.
    """
    if table.folder is None:
        return
    table.checkpoint()
    log = [
        (int(found["version"]), found["kind"], file)
        for file in (table.folder / "_delta_log").iterdir()
        if (found := _OF_THE_LOG.fullmatch(file.name))
    ]
    start = max((version for version, kind, _ in log if kind != "json" and version <= oldest), default=0)
    for version, _, file in sorted(log):
        if version < start:
            file.unlink(missing_ok=True)
