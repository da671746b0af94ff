"""What is wanted from Tushare, less what it has told already: spans of sessions by number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from data.coverage import Coverage
from data.providers.tushare.plan import Span

# Shanghai, Shenzhen and Beijing number their indices apart from their shares.
_INDICES: Final = {"SH": "000", "SZ": "399", "BJ": "899"}

_DAY: Final = timedelta(days=1)

Days = np.ndarray[Any, np.dtype[np.datetime64]]


def is_index(symbol: str) -> bool:
    """Whether a symbol is one of an index, by its exchange's numbering."""
    code, _, suffix = symbol.partition(".")
    return suffix in _INDICES and code.startswith(_INDICES[suffix])


@dataclass(frozen=True, slots=True)
class Anchor:
    """A bar that is held and asked for again: if its factor has changed, all of the symbol's have."""

    session: int
    factor: float


@dataclass(slots=True)
class Wanted:
    """Spans to ask for.

    Attributes:
        fresh: what the source has not told yet, from the newest bar that it has on.
        again: what it has told, and is to be asked for again as a whole.
        anchors: by symbol the bar to compare.
        whole: by symbol all of its sessions that are wanted, told or not.
        ended: symbols that are delisted by the end of what is wanted; their last bar may be days before that.
        unlisted: symbols whose first day is not known, such as indices; their first bar may be years after the start.
        notes: what a user should know.
    """

    fresh: list[Span] = field(default_factory=list)
    again: list[Span] = field(default_factory=list)
    anchors: dict[str, Anchor] = field(default_factory=dict)
    whole: dict[str, Span] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def wanted_spans(
    symbols: Iterable[str],
    days: Days,
    *,
    start: date,
    end: date,
    lives: Mapping[str, tuple[date | None, date | None]],
    coverage: Coverage,
    held: Mapping[str, int],
    newest: Mapping[str, tuple[date, float]],
    onwards: bool,
    recheck: bool,
) -> Wanted:
    """The spans of each symbol that are to be asked for.

    Args:
        symbols: which.
        days: `(n,) datetime64[D]`, the sessions by number.
        start, end: first and last day that is wanted.
        lives: by symbol the days on which it was listed and delisted, None where that is not known or not so.
        coverage: what has been told.
        held: by symbol how many bars the store has.
        newest: by symbol session and factor of its newest bar in the store.
        onwards: whether to go on from what has been told, and not back before it.
        recheck: whether to ask again for what has been told.
    """
    found = Wanted()
    for symbol in symbols:
        listed, delisted = lives.get(symbol, (None, None))
        begin = coverage.of(symbol)[0].first if onwards and coverage.of(symbol) else start
        first = _number(days, max(begin, listed or begin))
        last = _number(days, end if delisted is None else min(end, delisted - _DAY), after=True) - 1
        if first > last:
            continue
        if coverage.bars(symbol) > held.get(symbol, 0):
            found.notes.append(
                f"{symbol}: the store holds {held.get(symbol, 0)} bars and had {coverage.bars(symbol)}; "
                "its history is asked for again"
            )
            coverage.forget(symbol)
        found.whole[symbol] = Span(symbol, first, last)
        if listed is None:
            found.unlisted.add(symbol)
        if delisted is not None and delisted <= end:
            found.ended.add(symbol)
        told = _told(symbol, days, coverage, first, last)
        if told and recheck:
            found.again.append(found.whole[symbol])
            continue
        found.fresh += _untold(symbol, told, first, last)
        over = symbol in found.ended and told and told[-1][1] >= last
        if told and not over:
            _ask_newest_again(found, symbol, told[-1], newest.get(symbol), days)
    return found


def _told(symbol: str, days: Days, coverage: Coverage, first: int, last: int) -> list[tuple[int, int]]:
    """The spans that have been told, by number and cut to what is wanted."""
    spans = []
    for one in coverage.of(symbol):
        begin = max(first, _number(days, one.first))
        end = min(last, _number(days, one.through, after=True) - 1)
        if begin <= end:
            spans.append((begin, end))
    return spans


def _untold(symbol: str, told: list[tuple[int, int]], first: int, last: int) -> list[Span]:
    spans = []
    for begin, end in told:
        if first < begin:
            spans.append(Span(symbol, first, begin - 1))
        first = end + 1
    return [*spans, Span(symbol, first, last)] if first <= last else spans


def _ask_newest_again(
    found: Wanted, symbol: str, told: tuple[int, int], newest: tuple[date, float] | None, days: Days
) -> None:
    """Go back to the newest bar that was told: it may have been corrected, and its factor tells of all before it."""
    begin, end = told
    session = end
    if newest is not None:
        number = _number(days, newest[0])
        if begin <= number <= end:
            session = number
            found.anchors[symbol] = Anchor(number, newest[1])
    if found.fresh and found.fresh[-1].symbol == symbol and found.fresh[-1].first == end + 1:
        found.fresh[-1] = Span(symbol, session, found.fresh[-1].last)
    else:
        found.fresh.append(Span(symbol, session, end))


def _number(days: Days, day: date, *, after: bool = False) -> int:
    """The number of the first session on or after a day, or with `after`, later than it."""
    return int(np.searchsorted(days, np.datetime64(day), side="right" if after else "left"))
