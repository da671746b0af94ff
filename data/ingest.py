"""Provider -> validate -> store, piece by piece.

Each piece is committed before the next is asked for: what came stays, whatever happens after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from data.bars import Bars, validate
from data.providers.base import Batch, Provider
from data.store import PriceStore


@dataclass(slots=True)
class IngestReport:
    """What a fetch did, in rows."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    symbols: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    version: int | None = None

    @property
    def quarantined_rows(self) -> int:
        """Rows set aside, over all reasons."""
        return sum(self.quarantined.values())


def ingest(
    source: Provider,
    store: PriceStore,
    *,
    now: datetime,
    symbols: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    progress: Callable[[Batch], None] = lambda batch: None,
) -> IngestReport:
    """Fetch bars and store them. Running it twice changes nothing the second time.

    Args:
        source: where the prices come from.
        store: where they go.
        now: the present, with a time zone; bars of later days are quarantined.
        symbols: which symbols; None takes all that the provider has.
        start, end: first and last session, both included.
        progress: called after each committed piece.

    Raises:
        DataError: as the provider raises them; pieces committed before it stay.
    """
    # No exchange is further ahead of UTC than 14 hours, so no true bar is dated later than this.
    known_through = (now.astimezone(UTC) + timedelta(hours=14)).date()
    report = IngestReport(version=store.version())
    for batch in source.batches(symbols, start, end):
        checked = validate(batch.table, source=f"{source.name}:{batch.source}", known_through=known_through)
        store.quarantine(checked.quarantine)
        _commit(checked.bars, store, report)
        report.read += len(batch.table)
        for reason, rows in checked.counts().items():
            report.quarantined[reason] = report.quarantined.get(reason, 0) + rows
        report.notes += [f"{batch.source}: {note}" for note in batch.notes]
        progress(batch)
    return report


def _commit(bars: Bars, store: PriceStore, report: IngestReport) -> None:
    if not len(bars):
        return
    done = store.upsert(bars)
    report.inserted += done.inserted
    report.updated += done.updated
    report.unchanged += len(bars) - done.inserted - done.updated
    report.version = done.version
    report.symbols.update(bars.symbols)
