"""Bars of days that are no sessions or not over yet, and last bars that are late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

import numpy as np

from data.errors import CalendarBounds
from data.health.blocks import Block, Why
from data.health.findings import Finding, Kind, Severity, sessions_text
from data.price_limits import Bools
from data.sessions import ExchangeSessions


def off_session(block: Block) -> Bools:
    """Bars on days that are no sessions, `(n,)`; nothing is known of days outside the calendar's bounds."""
    if block.calendar is None:
        return np.zeros(len(block.day), dtype=bool)
    known = (block.day >= np.datetime64(block.calendar.first)) & (block.day <= np.datetime64(block.calendar.last))
    nearest = block.calendar.days[np.minimum(block.place, len(block.calendar.days) - 1)]
    return np.asarray(known & (nearest != block.day))


def out_of_session(strays: Block) -> Iterator[Finding]:
    """One a symbol; `strays` are the bars that `off_session` tells."""
    for row, last in strays.spans():
        text = f"{_bars_text(strays, row, last)} on no trading day of the exchange; expected bars of its sessions only"
        yield strays.finding(Kind.OUT_OF_SESSION, row, last, text, Severity.PROBLEM)


def early_and_late(block: Block, now: datetime, delisted: Mapping[str, date]) -> Iterator[Finding]:
    """Bars of sessions that are not over at `now`, and symbols that lack the last that is.

    Assumes that all bars are of sessions.
    """
    if block.calendar is None:
        yield from _nothing_is_due(block, "its exchange is not known here")
        return
    try:
        due = block.calendar.last_due(now)
    except CalendarBounds as error:
        yield from _nothing_is_due(block, str(error))
        return
    yield from _half_finished(block.rows(block.day > np.datetime64(due)), due, now)
    yield from _stale(block, block.calendar, due, delisted)


def _nothing_is_due(block: Block, why: str) -> Iterator[Finding]:
    for _, last in block.spans():
        text = f"the last bar is of {block.day[last]}; whether a newer one is due cannot be known: {why}"
        yield block.finding(Kind.STALE, last, last, text, Severity.NOTE)


def _half_finished(early: Block, due: date, now: datetime) -> Iterator[Finding]:
    for row, last in early.spans():
        text = (
            f"{_bars_text(early, row, last)}, but at {now.isoformat(timespec='minutes')} the last session with a final "
            f"bar is {due}: stored while trading went on, or before it was published"
        )
        yield early.finding(Kind.HALF_FINISHED, row, last, text, Severity.PROBLEM)


def _stale(block: Block, calendar: ExchangeSessions, due: date, delisted: Mapping[str, date]) -> Iterator[Finding]:
    days = calendar.days
    through = int(np.searchsorted(days, np.datetime64(due), side="right"))
    for _, last in block.spans():
        name = block.names[block.of[last]]
        places = np.arange(np.searchsorted(days, block.day[last], side="right"), through)
        if not len(places) or (name in delisted and delisted[name] <= due):
            continue
        why = block.reasons.of(np.full(len(places), block.of[last]), places)
        suspended, absent = int((why == Why.SUSPENDED).sum()), int((why == Why.ABSENT).sum())
        text = f"the last bar is of {block.day[last]}, {sessions_text(len(places))} before {due}, whose bar is due"
        text += f"; suspended on {suspended} of them" if suspended else ""
        text += f"; the source was asked and has none of {absent} of them" if absent else ""
        severity = Severity.NOTE if len(places) - suspended <= 1 else Severity.PROBLEM
        yield Finding(Kind.STALE, name, days[places[0]].item(), due, len(places), text, severity)


def _bars_text(block: Block, row: int, last: int) -> str:
    if row == last:
        return f"a bar of {block.day[row]}"
    return f"{last - row + 1} bars between {block.day[row]} and {block.day[last]}"
