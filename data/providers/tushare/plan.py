"""Covering what is wanted with the fewest calls.

What is wanted is a set of spans: a symbol, and a first and last session by number. One call answers a rectangle, some
symbols over some sessions in a row, and holds fewer rows than one answer may; or it answers one session of the whole
market. Few symbols over a long time and many over a short one are the two ends of the same choice, so the sessions are
cut into windows by dynamic programming, each window as wide as makes the sum of calls smallest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Span:
    """A symbol's sessions `first` to `last`, both included, by their number."""

    symbol: str
    first: int
    last: int

    def within(self, first: int, last: int) -> Span | None:
        """The part that lies within a window, None where there is none."""
        if self.last < first or self.first > last:
            return None
        return Span(self.symbol, max(self.first, first), min(self.last, last))


@dataclass(frozen=True, slots=True)
class Piece:
    """What one call answers: the sessions `first` to `last` of `spans`, or of the whole market when `market`."""

    first: int
    last: int
    spans: tuple[Span, ...]
    market: bool = False

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that are wanted, each once."""
        return tuple(dict.fromkeys(span.symbol for span in self.spans))

    def within(self, first: int, last: int) -> Piece | None:
        """The part that lies within a window, None where nothing of it is wanted."""
        parts = [part for span in self.spans if (part := span.within(first, last))]
        return _tight(parts, market=self.market) if parts else None

    def halves(self, most_codes: int) -> tuple[Piece, ...]:
        """Smaller pieces that cover the same; none where it cannot be cut."""
        if self.market:
            chunks = [self.spans[at : at + most_codes] for at in range(0, len(self.spans), most_codes)]
            return tuple(_tight(chunk) for chunk in chunks)
        if self.last > self.first:
            middle = (self.first + self.last) // 2
            both = self.within(self.first, middle), self.within(middle + 1, self.last)
            return tuple(half for half in both if half)
        if len(self.spans) > 1:
            half = len(self.spans) // 2
            return _tight(self.spans[:half]), _tight(self.spans[half:])
        return ()


def cover(spans: Sequence[Span], *, rows: int, codes: int, market: bool) -> list[Piece]:
    """Pieces that together hold every span, oldest first.

    Args:
        spans: what is wanted, in any order; those of one symbol do not overlap.
        rows: the most rows that an answer may have and still be known to be whole.
        codes: the most symbols that one call may name.
        market: whether one session of the whole market fits into an answer.
    """
    if not spans:
        return []
    ordered = sorted(spans, key=lambda one: (one.symbol, one.first))
    pieces: list[Piece] = []
    for first, last in _windows(ordered, rows, codes, market):
        parts = [part for span in ordered if (part := span.within(first, last))]
        packed = _packed(parts, rows, codes)
        if market and first == last and len(packed) > 1:
            packed = [_tight(parts, market=True)]
        pieces += packed
    # Windows are the same for all symbols. Where a span is longer than one answer, that can be the dearer way.
    alone = [_tight([part]) for span in ordered for part in _chunks(span, rows)]
    return sorted(alone if len(alone) < len(pieces) else pieces, key=lambda piece: piece.first)


def _windows(spans: Sequence[Span], rows: int, codes: int, market: bool) -> list[tuple[int, int]]:
    """The windows, both ends included, whose calls sum up to the fewest.

    `best[j]` is the fewest calls for everything before session j. A window from i to before j meets the spans that
    begin before j and do not end before i, and so many symbols fit into one call as its sessions leave room for.
    """
    begin = min(span.first for span in spans)
    count = max(span.last for span in spans) - begin + 1
    starts = np.bincount([span.first - begin for span in spans], minlength=count)
    ends = np.bincount([span.last - begin for span in spans], minlength=count)
    begun = np.concatenate([[0], np.cumsum(starts)])  # begun[j]: spans that begin before session j
    ended = np.concatenate([[0], np.cumsum(ends)])  # ended[i]: spans that end before session i
    best = np.full(count + 1, np.inf)
    best[0] = 0.0
    cut = np.zeros(count + 1, dtype=np.int64)
    for i in range(count):
        j = np.arange(i + 1, min(count, i + rows) + 1)
        met = begun[j] - ended[i]
        calls = np.ceil(met / np.minimum(codes, rows // (j - i)))
        if market:
            calls[0] = min(calls[0], 1.0)
        total = best[i] + calls
        better = total < best[j]
        best[j[better]] = total[better]
        cut[j[better]] = i
    windows = []
    end = count
    while end > 0:
        windows.append((int(cut[end]) + begin, end - 1 + begin))
        end = int(cut[end])
    return windows[::-1]


def _packed(parts: Sequence[Span], rows: int, codes: int) -> list[Piece]:
    """Calls for one window, each filled before the next, in the order of symbols."""
    pieces: list[Piece] = []
    chosen: list[Span] = []
    named: set[str] = set()
    first = last = 0
    for part in parts:
        wider = (min(first, part.first), max(last, part.last)) if chosen else (part.first, part.last)
        symbols = len(named | {part.symbol})
        # The answer holds every named symbol over all of the call's sessions, wanted or not.
        if chosen and (symbols > codes or symbols * (wider[1] - wider[0] + 1) > rows):
            pieces.append(_tight(chosen))
            chosen, named, wider = [], set(), (part.first, part.last)
        chosen.append(part)
        named.add(part.symbol)
        first, last = wider
    if chosen:
        pieces.append(_tight(chosen))
    return pieces


def _chunks(span: Span, rows: int) -> list[Span]:
    return [
        Span(span.symbol, first, min(span.last, first + rows - 1)) for first in range(span.first, span.last + 1, rows)
    ]


def _tight(spans: Sequence[Span], *, market: bool = False) -> Piece:
    return Piece(min(span.first for span in spans), max(span.last for span in spans), tuple(spans), market)
