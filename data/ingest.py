"""Provider -> validate -> store, piece by piece.

Pieces are committed together as soon as they are worth a commit, while the next ones are fetched and validated; what
came stays, whatever happens after it. Of one commit the bars come first and what they cover last: a process that dies
in between asks again for what it has, and never believes that it has what it lacks.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.bars import Bars, validate
from data.coverage import Coverage
from data.providers.base import Batch, Incremental, Missing, Plan, Provider, Request
from data.store import PriceStore, stored_rows
from data.upkeep import compact_if_scattered

# A commit costs as much as writing some ten thousand rows, and so many fit into memory several times over. A process
# that dies loses no more than so many seconds of calls.
_ROWS_A_COMMIT: Final = 600_000
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
            planned(plan)
            if only_plan:
                report.missing = plan.missing
                return report
        else:
            batches = source.batches(symbols, start, end)
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
            writer.close()
        if plan is not None:
            report.missing, report.failure = plan.missing, plan.failure
        if report.inserted or report.updated:
            compact_if_scattered(store)
            report.version = store.version()
    return report


_Span = tuple[str, str, pd.Timestamp, pd.Timestamp]


@dataclass(slots=True)
class _Pieces:
    """What is committed together: bars that no two pieces share, and what came with them."""

    bars: list[pa.Table] = field(default_factory=list)
    spans: list[_Span] = field(default_factory=list)
    aside: list[pd.DataFrame] = field(default_factory=list)
    gaps: list[pd.DataFrame] = field(default_factory=list)
    covered: list[pd.DataFrame] = field(default_factory=list)
    days: defaultdict[str, list[date]] = field(default_factory=lambda: defaultdict(list))
    rows: int = 0

    def shares(self, bars: Bars) -> bool:
        """Whether a bar of `bars` may be here already: both its symbols and its sessions overlap with a piece's."""
        if not len(bars):
            return False
        first, last, begin, end = _span(bars)
        return any(first <= b and a <= last and begin <= d and c <= end for a, b, c, d in self.spans)

    def add(self, bars: Bars, aside: pd.DataFrame, batch: Batch) -> None:
        """Take a piece in."""
        if len(bars):
            self.bars.append(stored_rows(bars))
            self.spans.append(_span(bars))
            self.rows += len(bars)
        for table, kept in ((aside, self.aside), (batch.gaps, self.gaps), (batch.covered, self.covered)):
            if table is not None and len(table):
                kept.append(table)
        if batch.covered is not None:
            for symbol, own in bars.frame.groupby("symbol")["session"]:
                self.days[str(symbol)] += own.dt.date.tolist()


class _Writer:
    """Gathers pieces until they are worth a commit, which then goes on beside the work on the next ones."""

    def __init__(self, store: PriceStore, report: IngestReport) -> None:
        self._store = store
        self._report = report
        self._coverage = Coverage(store.facts.coverage())
        self._since = time.monotonic()
        self._gathered = _Pieces()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._running: Future[None] | None = None
        self._symbols: list[pa.Array] = []

    def take(self, bars: Bars, aside: pd.DataFrame, batch: Batch) -> None:
        """Keep a piece, and commit what was gathered if that is due."""
        if self._gathered.shares(bars):
            self._commit()
        self._gathered.add(bars, aside, batch)
        if self._gathered.rows >= _ROWS_A_COMMIT or time.monotonic() - self._since >= _SECONDS_A_COMMIT:
            self._commit()

    def close(self) -> None:
        """Commit the rest, and wait until all of it is there."""
        try:
            self._commit()
            self._settle()
        finally:
            self._thread.shutdown()
            if self._symbols:
                self._report.symbols.update(pc.unique(pa.chunked_array(self._symbols)).to_pylist())

    def _commit(self) -> None:
        gathered, self._gathered = self._gathered, _Pieces()
        self._settle()
        self._running = self._thread.submit(self._write, gathered)
        self._since = time.monotonic()

    def _settle(self) -> None:
        """Wait for the commit before; what went wrong in it is raised here."""
        running, self._running = self._running, None
        if running is not None:
            running.result()

    def _write(self, pieces: _Pieces) -> None:
        """First what is true by itself, last what says that it is there."""
        if pieces.aside:
            self._store.quarantine(pd.concat(pieces.aside, ignore_index=True))
        if pieces.bars:
            done = self._store.upsert_rows(pieces.bars)
            self._report.inserted += done.inserted
            self._report.updated += done.updated
            self._report.unchanged += pieces.rows - done.inserted - done.updated
            self._report.version = done.version
            self._symbols += [pc.unique(rows["symbol"]) for rows in pieces.bars]
        if pieces.gaps:
            gaps = pd.concat(pieces.gaps, ignore_index=True)
            self._store.facts.keep_gaps(gaps.drop_duplicates(["symbol", "session"], keep="last"))
        if pieces.covered:
            self._cover(pieces)

    def _cover(self, pieces: _Pieces) -> None:
        for symbol, first, through in pd.concat(pieces.covered).itertuples(index=False, name=None):
            new = [
                day
                for day in pieces.days.get(symbol, ())
                if first <= day <= through and not self._coverage.holds(symbol, day)
            ]
            self._coverage.add(symbol, first, through, len(new))
        self._store.facts.replace_coverage(self._coverage.frame())


def _span(bars: Bars) -> _Span:
    """First and last symbol, first and last session; there is at least one bar."""
    symbols, sessions = bars.frame["symbol"], bars.frame["session"]
    return symbols.iloc[0], symbols.iloc[-1], sessions.min(), sessions.max()
