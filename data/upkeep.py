"""Keeping the store's tables in shape: fewer and larger files, and none that no version needs.

Every write adds files. Rewriting a partition puts the rows of one symbol next to each other, so that a reader of one
symbol opens few files and skips most of each. What was rewritten stays readable until it is cleaned away: an older
version of the table consists of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from data.store import PriceStore

# A reader of one symbol opens every file of a year. With this many it takes some tens of milliseconds.
SCATTERED: Final = 16

KEPT: Final = timedelta(days=30)


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


def shapes(store: PriceStore) -> list[TableShape]:
    """How every table lies in its folder; tables that do not exist yet are left out."""
    found = []
    for name, table in store.tables.items():
        layout, version = table.layout(), table.version()
        if layout is not None and version is not None:
            found.append(TableShape(name, version, layout.rows, layout.files, layout.size, len(layout.scattered)))
    return found


def compact(store: PriceStore, *, wait: float = 0) -> list[Compacted]:
    """Rewrite every partition that consists of more than one file. What the tables hold stays as it is.

    Raises:
        StoreBusy: another process is writing.
    """
    with store.writing(wait):
        return [done for name in store.tables if (done := _compact(store, name, 2)) is not None]


def compact_if_scattered(store: PriceStore) -> None:
    """Rewrite partitions of so many files that readers would feel it. For the end of a write."""
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

    Args:
        store: whose tables.
        keep: how long a version can be read after it was replaced.
        keep_versions: versions of the bars that must stay readable, such as those that models were trained on.
        dry_run: only say what would be deleted.
        wait: seconds to wait for another writer.

    Returns:
        By table the files that were deleted.

    Raises:
        StoreBusy: another process is writing.
    """
    hours = int(keep.total_seconds() // 3600)
    with store.writing(wait):
        return {
            name: table.clean(hours, list(keep_versions) if name == "bars" else [], dry_run=dry_run)
            for name, table in store.tables.items()
        }


def _compact(store: PriceStore, name: str, files: int) -> Compacted | None:
    table = store.tables[name]
    before = table.layout()
    chosen = [] if before is None else [part for part, count in before.scattered.items() if count >= files]
    if before is None or not chosen:
        return None
    table.compact(chosen)
    after = table.layout()
    return Compacted(name, len(chosen), before.files, before.files if after is None else after.files)
