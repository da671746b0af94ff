"""Which session's pass is due.

A pass belongs to the session that became due last on any exchange whose shares count: where there are several, each
exchange's close has its own, and all publish for every share, which changes nothing for those that were published.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np

from data.errors import CalendarBounds, UnknownExchange, UnknownUniverse
from data.sessions import Calendars
from data.store import PriceStore
from data.symbols import exchange_of
from data.universes import universe
from forecaster.pipeline.errors import NoSessions
from forecaster.settings import Settings

# What a provider sells, before anything of it is stored.
_EXCHANGE: Final = {"sample": "XNYS", "tushare": "XSHG"}


@dataclass(frozen=True, slots=True)
class Due:
    """A pass that is due.

    Attributes:
        session, exchange: after whose close, and where (ISO 10383 code).
        key: of its record.
    """

    session: date
    exchange: str
    key: str


def pass_due(where: Settings, store: PriceStore, now: datetime) -> Due:
    """The pass that is due at `now`.

    Args:
        where: the settings.
        store: whose symbols and calendars count.
        now: with a time zone.

    Raises:
        NoSessions: nothing is stored, and no provider says what will be.
        CalendarBounds: at `now` an exchange has a day outside what is known.
    """
    return due_among(exchanges(where, store), store.calendars(), now)


def due_among(codes: frozenset[str], calendars: Calendars, now: datetime) -> Due:
    """The pass that is due at `now` for the exchanges `codes`, at least one."""
    closed = []
    for code in sorted(codes):
        sessions = calendars.exchange(code)
        session = sessions.last_due(now)
        closed.append((sessions.closes[np.searchsorted(sessions.days, np.datetime64(session))], code, session))
    _, code, session = max(closed)
    return Due(session, code, f"{session}" if len(codes) == 1 else f"{session}.{code}")


def opening_after(due: Due, calendars: Calendars) -> datetime | None:
    """When the session after that of a pass opens, in UTC; None where that is beyond what is known."""
    sessions = calendars.exchange(due.exchange)
    try:
        return sessions.opening(sessions.next_session(due.session))
    except CalendarBounds:
        return None


def exchanges(where: Settings, store: PriceStore) -> frozenset[str]:
    """The exchanges whose sessions count: those of the universe, of what is stored, or of what the provider sells.

    Raises:
        NoSessions: none is known.
    """
    stored = [str(one) for one in store.newest()["symbol"]]
    with suppress(UnknownUniverse):  # an index whose members will be told when they are fetched
        stored = list(chosen(where, store) or stored)
    found = set()
    for symbol in stored:
        try:
            found.add(exchange_of(symbol))
        except UnknownExchange:  # it cannot be forecast either, since nobody knows its next session
            continue
    if not found and where.retrain.provider in _EXCHANGE:
        found.add(_EXCHANGE[where.retrain.provider])
    if not found:
        raise NoSessions(store.uri)
    return frozenset(found)


def chosen(where: Settings, store: PriceStore) -> tuple[str, ...] | None:
    """The symbols of the universe, as its members were told last and as far as they are stored; None for all.

    Raises:
        UnknownUniverse, MalformedSymbol: it is none.
    """
    if where.retrain.universe is None:
        return None
    members = universe(where.retrain.universe, store.facts, named=where.universes).symbols
    if members is None:
        return None
    stored = set(store.newest()["symbol"])
    return tuple(one for one in members if one in stored)
