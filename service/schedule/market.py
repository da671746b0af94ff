"""The exchanges whose sessions count, and those sessions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

from data.errors import DataError
from data.sessions import ExchangeSessions
from data.store import PriceStore
from forecaster.errors import ForecasterError
from forecaster.pipeline.due import exchanges
from forecaster.settings import Settings

# Symbols of a new exchange, or days of a newer calendar, count after so long; after a pass at once.
_AGAIN: Final = timedelta(minutes=10)
_AGAIN_AFTER_PROBLEM: Final = timedelta(minutes=1)


class Market(Protocol):
    """What tells the sessions that count."""

    def read(self) -> Mapping[str, ExchangeSessions]:
        """By ISO 10383 code the sessions of each exchange that counts.

        Raises:
            DataError, ForecasterError: they cannot be told.
        """
        ...


class StoredMarket:
    """The exchanges that passes are for, with what the store knows of their sessions."""

    def __init__(self, where: Settings, store: PriceStore) -> None:
        """Reads nothing yet.

        Args:
            where: the settings of the passes and of the schedule.
            store: the prices.
        """
        self._where = where
        self._store = store

    def read(self) -> Mapping[str, ExchangeSessions]:
        """As they are now.

        Raises:
            NoSessions: nothing says which exchanges count.
            StoreUnavailable: the store cannot be read.
        """
        named = self._where.schedule.exchanges or exchanges(self._where, self._store)
        calendars = self._store.calendars()
        return {exchange: calendars.exchange(exchange) for exchange in sorted(named)}


class LastTold:
    """What a market told last: a store that does not answer makes nobody forget whose sessions count."""

    def __init__(self, market: Market) -> None:
        """Reads nothing yet."""
        self._market = market
        self._told: Mapping[str, ExchangeSessions] = {}
        self._at: datetime | None = None
        self.problem: str | None = None

    def read(self, now: datetime) -> Mapping[str, ExchangeSessions]:
        """By ISO 10383 code the sessions of each exchange that counts; `problem` says why they may be of before."""
        again = _AGAIN if self.problem is None else _AGAIN_AFTER_PROBLEM
        if self._at is not None and timedelta() <= now - self._at < again:
            return self._told
        self._at = now
        try:
            self._told, self.problem = self._market.read(), None
        except (DataError, ForecasterError, OSError) as error:
            self.problem = str(error)
        return self._told

    def forget(self) -> None:
        """Ask again at the next look."""
        self._at = None
