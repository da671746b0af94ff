"""The sessions whose bars should be there by now. When they change, forecasts may have become stale."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from data.errors import CalendarBounds, UnknownExchange
from data.sessions import Calendars
from data.symbols import exchange_of


def exchange_or_none(symbol: str) -> str | None:
    """The exchange of a well-formed symbol, None where its suffix names none that is known."""
    try:
        return exchange_of(symbol)
    except UnknownExchange:
        return None


def due_sessions(exchanges: Iterable[str], calendars: Calendars, now: datetime) -> dict[str, date | None]:
    """For each exchange the last session whose bar should be there at `now`; None beyond its calendar."""
    due: dict[str, date | None] = {}
    for exchange in exchanges:
        try:
            due[exchange] = calendars.exchange(exchange).last_due(now)
        except CalendarBounds:
            due[exchange] = None
    return due
