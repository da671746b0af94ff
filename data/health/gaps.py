"""Sessions without a bar between a symbol's bars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data.health.blocks import Block, Why
from data.health.findings import Finding, Kind, Severity
from data.price_limits import Bools, Ints


@dataclass(frozen=True, slots=True)
class Holes:
    """Every session without a bar between a symbol's bars.

    Attributes:
        missing: `(n,)` how many lie right before each bar.
        told: `(n,)` bars before which all of them are known suspensions.
        row, place, why: `(m,)` of each missing session the bar that follows, its position and its `Why`.
    """

    missing: Ints
    told: Bools
    row: Ints
    place: Ints
    why: Ints


def holes(block: Block) -> Holes:
    """Assumes that all bars are of sessions; of an exchange that is not known there are none."""
    missing = np.maximum(np.diff(block.place, prepend=0) - 1, 0)
    missing[block.begins] = 0
    before = np.flatnonzero(missing)
    count = missing[before]
    row = np.repeat(before, count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    place = block.place[row - 1] + 1 + nth
    why = block.reasons.of(block.of[row], place)
    told = np.ones(len(missing), dtype=bool)
    told[row[why != Why.SUSPENDED]] = False
    return Holes(missing, told, row, place, why)


def gaps(block: Block, found: Holes) -> Iterator[Finding]:
    """Each run of missing sessions that no suspension explains."""
    unexplained = found.why != Why.SUSPENDED
    if block.calendar is None or not unexplained.any():
        return
    row, place = found.row[unexplained], found.place[unexplained]
    absent = found.why[unexplained] == Why.ABSENT
    first = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(place, prepend=-2) != 1))
    last = np.append(first[1:], len(row)) - 1
    asked = np.add.reduceat(absent.astype(np.int64), first)
    severity = Severity.PROBLEM if block.reasons.given else Severity.NOTE
    days = block.calendar.days
    begins, ends = days[place[first]].tolist(), days[place[last]].tolist()
    for code, begin, end, count, none in zip(block.of[row[first]], begins, ends, last - first + 1, asked, strict=True):
        text = f"no bar of {begin}" if count == 1 else f"no bars of the {count} sessions from {begin} to {end}"
        if not block.reasons.given:
            text += "; whether trading was suspended is not known"
        elif none:
            text += "; no suspension is known, and the source was asked and has "
            text += "none" if none == count else f"none of {none} of them"
        else:
            text += "; expected one a session, as no suspension is known"
        yield Finding(Kind.GAP, block.names[code], begin, end, int(count), text, severity)
