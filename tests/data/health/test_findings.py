from __future__ import annotations

from datetime import date
from typing import Any

from data.health.findings import Counts, Finding, Kind, Severity, summary


def test_the_summary_counts_by_kind() -> None:
    def one(kind: Kind, symbol: str, severity: Severity) -> Finding:
        day: Any = date(2015, 1, 5)
        return Finding(kind, symbol, day, day, 1, "", severity)

    found = [
        one(Kind.GAP, "A", Severity.NOTE),
        one(Kind.GAP, "A", Severity.PROBLEM),
        one(Kind.GAP, "B", Severity.NOTE),
        one(Kind.STALE, "B", Severity.PROBLEM),
    ]
    assert summary(found) == {Kind.STALE: Counts(1, 0, 1), Kind.GAP: Counts(1, 2, 2)}
    assert list(summary(found)) == [Kind.STALE, Kind.GAP]
    assert summary([]) == {}
