"""Covering what is wanted with the fewest calls.

What is wanted is a set of spans: a symbol, and a first and last session by number. One call answers a rectangle, some
symbols over some sessions in a row, and holds fewer rows than one answer may; or it answers one session of the whole
market. Few symbols over a long time and many over a short one are the two ends of the same choice, so the sessions are
cut into windows by dynamic programming, each window as wide as makes the sum of calls smallest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Index = np.ndarray[Any, np.dtype[np.int64]]


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
        """The symbols that are wanted."""
        return tuple(span.symbol for span in self.spans)

    def halves(self, most_codes: int) -> tuple[Piece, ...]:
        """Smaller pieces that cover the same; none where it cannot be cut."""
        if self.market:
            chunks = [self.spans[at : at + most_codes] for at in range(0, len(self.spans), most_codes)]
            return tuple(Piece(self.first, self.last, chunk) for chunk in chunks)
        if self.last > self.first:
            middle = (self.first + self.last) // 2
            return tuple(
                Piece(first, last, tuple(part for span in self.spans if (part := span.within(first, last))))
                for first, last in ((self.first, middle), (middle + 1, self.last))
            )
        if len(self.spans) > 1:
            half = len(self.spans) // 2
            return Piece(self.first, self.last, self.spans[:half]), Piece(self.first, self.last, self.spans[half:])
        return ()


def cover(spans: Sequence[Span], *, rows: int, codes: int, market: bool) -> list[Piece]:
    """Pieces that together hold every span, oldest first.

    Args:
        spans: what is wanted, in any order.
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
        if market and first == last and len(parts) > codes:
            pieces.append(Piece(first, last, tuple(parts), market=True))
        else:
            pieces += _packed(first, last, parts, rows, codes)
    return pieces


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


def _packed(first: int, last: int, parts: Sequence[Span], rows: int, codes: int) -> list[Piece]:
    """Calls for one window, each filled before the next, in the order of symbols."""
    pieces: list[Piece] = []
    chosen: list[Span] = []
    filled = 0
    for part in parts:
        length = part.last - part.first + 1
        if chosen and (filled + length > rows or len(chosen) == codes):
            pieces.append(_tight(chosen))
            chosen, filled = [], 0
        chosen.append(part)
        filled += length
    if chosen:
        pieces.append(_tight(chosen))
    return pieces


def _tight(spans: Sequence[Span]) -> Piece:
    return Piece(min(span.first for span in spans), max(span.last for span in spans), tuple(spans))
