"""What is wanted from Tushare, less what it has told already: spans of sessions by number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np

from data.coverage import Coverage, Covered
from data.providers.tushare.plan import Span
from data.sessions import Days

# Shanghai, Shenzhen and Beijing number their indices apart from their shares.
_INDICES: Final = {"SH": "000", "SZ": "399", "BJ": "899"}

_DAY: Final = timedelta(days=1)


def is_index(symbol: str) -> bool:
    """Whether a symbol is one of an index, by its exchange's numbering."""
    code, _, suffix = symbol.partition(".")
    return suffix in _INDICES and code.startswith(_INDICES[suffix])


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest bar that is held. It is asked for again: if its factor has changed, so have all before it."""

    session: int
    factor: float


@dataclass(slots=True)
class Wanted:
    """Spans to ask for.

    Attributes:
        fresh: what the source has not told yet, of a symbol with bars in the store from the newest of these on.
        behind: what it has not told of the time before that bar.
        again: what it has told, and is to be asked for again as a whole.
        anchors: by symbol the bar to compare before anything else of the symbol is believed. Indices have none.
        whole: by symbol all of its sessions that are wanted or held.
        born: by symbol its first session that there can be.
        unlisted: symbols of which it is not known when they were listed; their first bar may come later.
        ended: symbols that are delisted by the end of what is wanted; their last bar may be days before that.
        notes: what a user should know.
    """

    fresh: list[Span] = field(default_factory=list)
    behind: list[Span] = field(default_factory=list)
    again: list[Span] = field(default_factory=list)
    anchors: dict[str, Anchor] = field(default_factory=dict)
    whole: dict[str, Span] = field(default_factory=dict)
    born: dict[str, int] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        """All of them."""
        return [*self.fresh, *self.behind, *self.again]


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
        covered = coverage.of(symbol)
        begin = covered[0].first if onwards and covered else start
        first = _number(days, max(begin, listed or begin))
        last = _number(days, end if delisted is None else min(end, delisted - _DAY), after=True) - 1
        if first > last:
            continue
        found.born[symbol] = 0 if listed is None else _number(days, listed)
        if listed is None:
            found.unlisted.add(symbol)
        if delisted is not None and delisted <= end:
            found.ended.add(symbol)
        bars, has = coverage.bars(symbol), held.get(symbol, 0)
        anchor = _anchor(newest.get(symbol), days)
        spread = _spread(Span(symbol, first, last), covered, anchor, days)
        # Bars that nothing was recorded of, as where a process died in between, may lie anywhere.
        found.whole[symbol] = (
            spread if bars == has else Span(symbol, min(found.born[symbol], spread.first), spread.last)
        )
        if bars > has:
            found.notes.append(f"{symbol}: the store holds {has} bars and had {bars}; its history is asked for again")
            coverage.forget(symbol)
        told = _told(symbol, days, coverage, first, last)
        if recheck and (told or anchor):
            found.again.append(found.whole[symbol])
        else:
            _ask(found, symbol, _untold(symbol, told, first, last), anchor, last)
    return found


def _ask(found: Wanted, symbol: str, untold: list[Span], anchor: Anchor | None, last: int) -> None:
    """What is not told yet, and again from the newest bar on: that may have been corrected, and tells of the others."""
    if anchor is None:
        found.fresh += untold
    elif untold or (anchor.session <= last and symbol not in found.ended):
        if not is_index(symbol):
            found.anchors[symbol] = anchor
        found.fresh.append(Span(symbol, anchor.session, max(anchor.session, last)))
        found.behind += [part for span in untold if (part := span.within(0, anchor.session - 1))]


def _anchor(newest: tuple[date, float] | None, days: Days) -> Anchor | None:
    if newest is None:
        return None
    number = _number(days, newest[0])
    is_session = number < len(days) and days[number] == np.datetime64(newest[0])
    return Anchor(number, newest[1]) if is_session else None


def _spread(wanted: Span, covered: tuple[Covered, ...], anchor: Anchor | None, days: Days) -> Span:
    """From the first to the last session of what is wanted, told or held."""
    spans = [(wanted.first, wanted.last), *_by_number(covered, days)]
    last = max(last for _, last in spans)
    return Span(wanted.symbol, min(first for first, _ in spans), last if anchor is None else max(last, anchor.session))


def _told(symbol: str, days: Days, coverage: Coverage, first: int, last: int) -> list[tuple[int, int]]:
    """The spans that have been told, by number and cut to what is wanted."""
    cut = [(max(first, begin), min(last, end)) for begin, end in _by_number(coverage.of(symbol), days)]
    return [(begin, end) for begin, end in cut if begin <= end]


def _by_number(covered: tuple[Covered, ...], days: Days) -> list[tuple[int, int]]:
    """The first and last session of each of these, left out where it holds none."""
    spans = [(_number(days, one.first), _number(days, one.through, after=True) - 1) for one in covered]
    return [(first, last) for first, last in spans if first <= last]


def _untold(symbol: str, told: list[tuple[int, int]], first: int, last: int) -> list[Span]:
    spans = []
    for begin, end in told:
        if first < begin:
            spans.append(Span(symbol, first, begin - 1))
        first = end + 1
    return [*spans, Span(symbol, first, last)] if first <= last else spans


def _number(days: Days, day: date, *, after: bool = False) -> int:
    """The number of the first session on or after a day, or with `after`, later than it."""
    return int(np.searchsorted(days, np.datetime64(day), side="right" if after else "left"))
