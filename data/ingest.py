"""Provider -> validate -> store, piece by piece.

Pieces are committed together as soon as they are worth a commit, and what came stays, whatever happens after it. Of one
commit the bars come first and what they cover last: a process that dies in between asks again for what it has, and
never believes that it has what it lacks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pandas as pd

from data.bars import Bars, empty_bars, validate
from data.coverage import Coverage
from data.providers.base import Batch, Incremental, Missing, Plan, Provider, Request
from data.store import PriceStore
from data.upkeep import compact_if_scattered

# A commit is worth its file from so many rows on, and a process that dies loses no more than so many seconds of calls.
_ROWS_A_COMMIT: Final = 60_000
_SECONDS_A_COMMIT: Final = 5.0


@dataclass(slots=True)
class IngestReport:
    """What a fetch did, in rows.

    Attributes:
        read: rows that the source sent.
        inserted, updated, unchanged: what became of the good ones.
        quarantined: how many were set aside, by reason.
        symbols: of which there were good rows.
        notes: what the source said beside.
        missing: what was asked for and did not come.
        failure: why the source's answers ended early, None where they did not.
        calls: calls to the source's server.
        version: the bars' version afterwards.
    """

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    symbols: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    failure: Exception | None = None
    calls: int = 0
    version: int | None = None

    @property
    def quarantined_rows(self) -> int:
        """Rows set aside, over all reasons."""
        return sum(self.quarantined.values())


def ingest(
    source: Provider | Incremental,
    store: PriceStore,
    *,
    now: datetime,
    symbols: Sequence[str] | None = None,
    everything: bool = False,
    start: date | None = None,
    end: date | None = None,
    recheck: bool = False,
    only_plan: bool = False,
    wait: float = 0,
    planned: Callable[[Plan], None] = lambda plan: None,
    progress: Callable[[Batch], None] = lambda batch: None,
) -> IngestReport:
    """Fetch bars and store them. Running it twice changes nothing the second time.

    Args:
        source: where the prices come from.
        store: where they go.
        now: the present, with a time zone; bars of later days are quarantined.
        symbols: which; None takes all that the provider has, or from one with thousands those that it sent before.
        everything: all that even such a provider has.
        start, end: first and last session, both included.
        recheck: ask an incremental provider again for what is held, too.
        only_plan: stop when an incremental provider has said what it would ask for.
        wait: seconds to wait for another writer.
        planned: told what an incremental provider will ask for, before it does.
        progress: told of each piece that came.

    Raises:
        StoreBusy: another process is writing.
        DataError: as the provider raises them; pieces that came before it stay.
    """
    if now.tzinfo is None:
        raise ValueError(f"expected a moment with a time zone, got {now.isoformat()}")
    # No exchange is further ahead of UTC than 14 hours, so no true bar is dated later than this.
    known_through = (now.astimezone(UTC) + timedelta(hours=14)).date()
    with store.writing(wait):
        report = IngestReport(version=store.version())
        plan: Plan | None = None
        if isinstance(source, Incremental):
            newest = store.newest()
            request = Request(
                now=now,
                facts=store.facts,
                newest=newest,
                held=dict(zip(newest["symbol"], newest["bars"].astype(int), strict=True)),
                symbols=symbols,
                everything=everything,
                start=start,
                end=end,
                recheck=recheck,
            )
            plan, batches = source.plan(request)
        else:
            batches = source.batches(symbols, start, end)
        if plan is not None:
            planned(plan)
            if only_plan:
                report.missing = plan.missing
                return report
        writer = _Writer(store, report)
        try:
            for batch in batches:
                checked = validate(batch.table, source=f"{source.name}:{batch.source}", known_through=known_through)
                report.read += len(batch.table)
                report.calls += batch.calls
                for reason, rows in checked.counts().items():
                    report.quarantined[reason] = report.quarantined.get(reason, 0) + rows
                report.notes += [f"{batch.source}: {note}" for note in batch.notes]
                writer.take(checked.bars, checked.quarantine, batch)
                progress(batch)
        finally:
            writer.flush()
        if plan is not None:
            report.missing, report.failure = plan.missing, plan.failure
        if report.inserted or report.updated:
            compact_if_scattered(store)
            report.version = store.version()
    return report


class _Writer:
    """Gathers pieces until they are worth a commit."""

    def __init__(self, store: PriceStore, report: IngestReport) -> None:
        self._store = store
        self._report = report
        self._coverage = Coverage(store.facts.coverage())
        self._since = time.monotonic()
        self._bars: list[Bars] = []
        self._aside: list[pd.DataFrame] = []
        self._gaps: list[pd.DataFrame] = []
        self._covered: list[pd.DataFrame] = []

    def take(self, bars: Bars, aside: pd.DataFrame, batch: Batch) -> None:
        """Keep a piece, and commit what was gathered if that is due."""
        self._bars.append(bars)
        self._aside.append(aside)
        if batch.gaps is not None:
            self._gaps.append(batch.gaps)
        if batch.covered is not None:
            self._covered.append(batch.covered)
        rows = sum(map(len, self._bars))
        if rows >= _ROWS_A_COMMIT or time.monotonic() - self._since >= _SECONDS_A_COMMIT:
            self.flush()

    def flush(self) -> None:
        """Commit what was gathered: first what is true by itself, last what says that it is there."""
        bars = _joined([one.frame for one in self._bars])
        aside, gaps, covered = _joined(self._aside), _joined(self._gaps), _joined(self._covered)
        self._bars, self._aside, self._gaps, self._covered = [], [], [], []
        if aside is not None:
            self._store.quarantine(aside)
        frame = empty_bars().frame if bars is None else _latest(bars)
        if len(frame):
            done = self._store.upsert(Bars(frame))
            self._report.inserted += done.inserted
            self._report.updated += done.updated
            self._report.unchanged += len(frame) - done.inserted - done.updated
            self._report.version = done.version
            self._report.symbols.update(Bars(frame).symbols)
        if gaps is not None:
            self._store.facts.keep_gaps(gaps.drop_duplicates(["symbol", "session"], keep="last"))
        if covered is not None:
            self._cover(covered, frame)
        self._since = time.monotonic()

    def _cover(self, covered: pd.DataFrame, bars: pd.DataFrame) -> None:
        days = {str(symbol): own.dt.date.tolist() for symbol, own in bars.groupby("symbol")["session"]}
        for symbol, first, through in covered.itertuples(index=False, name=None):
            new = [
                day for day in days.get(symbol, ()) if first <= day <= through and not self._coverage.holds(symbol, day)
            ]
            self._coverage.add(symbol, first, through, len(new))
        self._store.facts.replace_coverage(self._coverage.frame())


def _joined(tables: Iterable[pd.DataFrame]) -> pd.DataFrame | None:
    """All rows, None where there are none."""
    filled = [table for table in tables if len(table)]
    if len(filled) < 2:
        return filled[0] if filled else None
    return pd.concat(filled, ignore_index=True)


def _latest(bars: pd.DataFrame) -> pd.DataFrame:
    """Each bar once: of several the one that came last."""
    if bars.duplicated(["symbol", "session"]).any():
        bars = bars.drop_duplicates(["symbol", "session"], keep="last")
    return bars.sort_values(["symbol", "session"], ignore_index=True)
