"""What can be found, how much it matters, and how often it was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Kind(StrEnum):
    """What can be found, by name."""

    OUT_OF_SESSION = "out_of_session"
    HALF_FINISHED = "half_finished"
    STALE = "stale"
    GAP = "gap"
    BEYOND_PRICE_LIMIT = "beyond_price_limit"
    FACTOR_JUMP = "factor_jump"


class Severity(StrEnum):
    """Whether something is wrong or may have a good reason."""

    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one symbol.

    Attributes:
        kind: what it is.
        symbol: whose.
        first, last: the days that it concerns, both included.
        sessions: how many bars or missing bars it concerns between them.
        text: a sentence with what was expected and what was found.
        severity: how much it matters.
    """

    kind: Kind
    symbol: str
    first: date
    last: date
    sessions: int
    text: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Counts:
    """How often something was found, and for how many symbols."""

    problems: int
    notes: int
    symbols: int


def summary(findings: Sequence[Finding]) -> dict[Kind, Counts]:
    """How many findings there are by kind, in the order of `Kind`; kinds without any are left out."""
    by_kind = {kind: [one for one in findings if one.kind is kind] for kind in Kind}
    return {
        kind: Counts(
            problems=sum(one.severity is Severity.PROBLEM for one in own),
            notes=sum(one.severity is Severity.NOTE for one in own),
            symbols=len({one.symbol for one in own}),
        )
        for kind, own in by_kind.items()
        if own
    }


def sessions_text(count: int) -> str:
    """A number of sessions, for a sentence."""
    return "1 session" if count == 1 else f"{count} sessions"
