"""Bars -> findings. Pure: bars and facts in, findings out, nothing repaired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

import pandas as pd

from data.bars import Bars
from data.health.blocks import blocks
from data.health.days import early_and_late, off_session, out_of_session
from data.health.factors import jumps
from data.health.findings import Finding
from data.health.gaps import gaps as unexplained_gaps
from data.health.gaps import holes
from data.health.limits import breaches
from data.health.moves import moves
from data.sessions import ExchangeSessions


def check(
    bars: Bars,
    *,
    sessions: Callable[[str], ExchangeSessions],
    now: datetime,
    gaps: pd.DataFrame | None = None,
    delisted: Mapping[str, date] | None = None,
) -> list[Finding]:
    """Everything that is odd about `bars`, by symbol, first day and kind.

    Args:
        bars: of any number of symbols and exchanges.
        sessions: symbol -> the sessions of its exchange. The same object for symbols of one exchange.
        now: the present, with a time zone.
        gaps: what a source says of sessions without a bar: symbol, session (datetime64[s]) and why, as in
            `data.facts`. None where no source was asked: then nothing tells a suspension from a missing bar.
        delisted: symbol -> the day on which it was delisted.
    """
    found: list[Finding] = []
    for block in blocks(bars.frame, sessions, gaps):
        strays = off_session(block)
        inside = block.rows(~strays)
        missing = holes(inside)
        compared = moves(inside, missing)
        found += out_of_session(block.rows(strays))
        found += early_and_late(inside, now, delisted or {})
        found += unexplained_gaps(inside, missing)
        found += breaches(inside, compared)
        found += jumps(inside, compared)
    return sorted(found, key=lambda one: (one.symbol, one.first, one.kind, one.last))
