"""Why a session has no bar: whether trading was suspended."""

from __future__ import annotations

from typing import Final

import pandas as pd

from data.facts import OPEN, SUSPENDED
from data.providers.tushare.client import PAGE_ROWS
from data.providers.tushare.gaps import numbered, runs
from data.providers.tushare.pages import MOST_CODES, Pages
from data.providers.tushare.plan import Piece, Span
from data.sessions import Days

EVENTS: Final = ("ts_code", "trade_date", "suspend_timing", "suspend_type")

# A share may have two events a day: suspended for an hour, and resumed.
_EVENT_ROWS: Final = PAGE_ROWS["suspend_d"] // 2


def events(pages: Pages, gaps: pd.DataFrame) -> pd.DataFrame:
    """Suspensions and resumptions around gaps, with as few calls as their number allows: `EVENTS`.

    Args:
        pages: what asks.
        gaps: symbol, number.

    Raises:
        RequestError: as `Pages` raises them.
    """
    told = [pages.rows("suspend_d", EVENTS, piece) for piece in _pieces(gaps)]
    filled = [table for table in told if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(EVENTS))


def _pieces(gaps: pd.DataFrame) -> list[Piece]:
    spans: list[Span] = []
    chunks: list[list[Span]] = []
    rows = 0
    for symbol, numbers in gaps.groupby("symbol")["number"]:
        # The session before the first gap may tell of a suspension's beginning.
        span = Span(str(symbol), max(0, int(numbers.min()) - 1), int(numbers.max()))
        if not chunks or len(chunks[-1]) == MOST_CODES or rows + len(numbers) > _EVENT_ROWS:
            chunks.append([])
            rows = 0
        spans.append(span)
        chunks[-1].append(span)
        rows += len(numbers)
    days = {number for run in runs(gaps) for number in range(max(0, run.first - 1), run.last + 1)}
    if len(days) < len(chunks):
        own = {day: tuple(span for span in spans if span.within(day, day)) for day in sorted(days)}
        return [Piece(day, day, symbols, market=True) for day, symbols in own.items()]
    return [Piece(min(one.first for one in some), max(one.last for one in some), tuple(some)) for some in chunks]


def explained(gaps: pd.DataFrame, events: pd.DataFrame, known: pd.DataFrame, days: Days) -> pd.DataFrame:
    """`gaps` with `why`: suspended where the source says so, else open.

    A suspension is told session by session, or by its beginning and its end: a session counts as suspended where the
    newest event since the last bar, up to and with that session, is a suspension (S) and no resumption (R).

    Args:
        gaps: symbol, number.
        events: `EVENTS`, reaching back to the session before each gap.
        known: symbol, number: sessions of which it is known that they were suspended.
        days: the sessions by number.
    """
    told: dict[tuple[str, int], str] = {}
    halted: set[tuple[str, int]] = set()
    for symbol, number, kind, timing in zip(
        events["ts_code"],
        numbered(events, days, "trade_date"),
        events["suspend_type"],
        events["suspend_timing"],
        strict=True,
    ):
        key = symbol, int(number)
        # On a day with both, the share was suspended for a part of it or began to trade; S explains a missing bar.
        if told.get(key) != "S":
            told[key] = kind
        if isinstance(timing, str) and timing:
            halted.add(key)
    before = set(zip(known["symbol"], known["number"].astype(int), strict=True))
    why: dict[tuple[str, int], str] = {}
    for run in runs(gaps):
        last = run.symbol, run.first - 1
        # A halt for a part of a session that has a bar says nothing of the next session.
        newest = "S" if last in before else None if last in halted else told.get(last)
        for number in range(run.first, run.last + 1):
            newest = told.get((run.symbol, number), newest)
            why[run.symbol, number] = SUSPENDED if newest == "S" else OPEN
    keys = zip(gaps["symbol"], gaps["number"], strict=True)
    return gaps.assign(why=pd.Series([why[symbol, int(number)] for symbol, number in keys], gaps.index, dtype="str"))
