"""Evidence that passes every check of the usual gate."""

from __future__ import annotations

from datetime import date

from forecaster.promotion.evidence import Compared, Covered, Evidence, Span

GOOD = Evidence(
    challenger="4",
    champion="3",
    span=Span(date(2026, 8, 3), date(2026, 11, 20), 75, 300, 22_000),
    versus_champion=Compared(0.98, 0.005, 0.0003),
    versus_naive=Compared(0.95, 0.01, 1e-6),
    coverage=Covered(0.9, 0.91),
    leaks=0,
    parity=2e-6,
    mebibytes=12.5,
    latency=1.4,
    rolled_back=False,
)
