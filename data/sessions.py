"""Exchange sessions: the trading days, and which of them should have a bar by now.

Facts come from exchange_calendars and hold within bounds. Past the bounds every function refuses:
a guessed trading day would be a wrong answer that looks right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final

import exchange_calendars
import numpy as np
import pandas as pd

from data.errors import CalendarBounds
from data.symbols import exchange_of

# Asked for explicitly: the library's own defaults depend on the day on which the process was started.
# Rules for an exchange's holidays some years ahead change with notice; 2030 is as far as is worth guessing.
FIRST_DAY: Final = date(1990, 1, 1)
LAST_DAY: Final = date(2030, 12, 31)

# A daily bar is not final at the closing bell: auctions settle and vendors publish later.
BAR_IS_DUE_AFTER_CLOSE: Final = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class ExchangeSessions:
    """The sessions of one exchange.

    Attributes:
        exchange: ISO 10383 code.
        days: `(n,) datetime64[D]`, ascending.
        closes: `(n,) datetime64[s]`, the closing time of each session in UTC.
        first, last: the bounds within which every trading day is known.
    """

    exchange: str
    days: np.ndarray[Any, np.dtype[np.datetime64]]
    closes: np.ndarray[Any, np.dtype[np.datetime64]]
    first: date
    last: date

    def next_session(self, after: date) -> date:
        """The first session later than `after`, which need not be a session itself.

        Raises:
            CalendarBounds: that session lies beyond what is known.
        """
        self._require(after)
        return self._at(int(np.searchsorted(self.days, np.datetime64(after), side="right")), after)

    def next_sessions(self, after: date, count: int) -> tuple[date, ...]:
        """The `count` sessions that follow `after`. Raises as `next_session`."""
        found: list[date] = []
        for _ in range(count):
            found.append(self.next_session(found[-1] if found else after))
        return tuple(found)

    def between(self, first: date, last: date) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Sessions from `first` to `last`, both included, `(n,) datetime64[D]`.

        Raises:
            CalendarBounds: either end lies outside what is known.
        """
        self._require(first)
        self._require(last)
        return self.days[(self.days >= np.datetime64(first)) & (self.days <= np.datetime64(last))]

    def is_session(self, day: date) -> bool:
        """Whether `day` is a trading day. Raises `CalendarBounds` outside what is known."""
        self._require(day)
        return bool(np.isin(np.datetime64(day), self.days))

    def last_due(self, now: datetime) -> date:
        """The last session whose bar should be there at `now` (with a time zone).

        Raises:
            CalendarBounds: `now` lies outside what is known.
        """
        self._require(now.date())
        settled = np.datetime64(_utc(now) - BAR_IS_DUE_AFTER_CLOSE, "s")
        return self._at(int(np.searchsorted(self.closes, settled, side="right")) - 1, now.date())

    def _require(self, day: date) -> None:
        if not self.first <= day <= self.last:
            raise CalendarBounds(self.exchange, day, self.first, self.last)

    def _at(self, position: int, asked: date) -> date:
        if not 0 <= position < len(self.days):
            raise CalendarBounds(self.exchange, asked, self.first, self.last)
        day: date = self.days[position].item()
        return day


def sessions_of(symbol: str) -> ExchangeSessions:
    """The sessions of the exchange that `symbol` trades on.

    Raises:
        MalformedSymbol, UnknownExchange: the symbol names no known exchange.
    """
    return exchange_sessions(exchange_of(symbol))


@cache
def exchange_sessions(exchange: str) -> ExchangeSessions:
    """The sessions of an exchange by its ISO 10383 code, as far as they are known and at most to `LAST_DAY`."""
    first, last = FIRST_DAY, LAST_DAY
    try:
        calendar = exchange_calendars.get_calendar(exchange, start=first, end=last)
    except ValueError:
        # Some calendars record holidays rather than rules: Shanghai's are decreed a year at a time.
        recorded = exchange_calendars.get_calendar(exchange)
        first = max(first, recorded.bound_min().date())
        last = min(last, recorded.bound_max().date())
        calendar = exchange_calendars.get_calendar(exchange, start=first, end=last)
    closes = pd.DatetimeIndex(calendar.closes).tz_convert(None)
    return ExchangeSessions(
        exchange=exchange,
        days=calendar.sessions.to_numpy().astype("datetime64[D]"),
        closes=closes.to_numpy().astype("datetime64[s]"),
        first=first,
        last=last,
    )


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"expected a moment with a time zone, got {moment.isoformat()}")
    return (moment - (moment.utcoffset() or timedelta())).replace(tzinfo=None)
