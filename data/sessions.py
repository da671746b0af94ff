"""Exchange sessions: the trading days, and which of them should have a bar by now.

Facts come from exchange_calendars and, past the last day that it knows, from a provider's own trade calendar.
They hold within bounds. Past the bounds every function refuses: a guessed trading day would be a wrong answer
that looks right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

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

_DTYPES: Final[dict[str, Any]] = {"exchange": "str", "day": "datetime64[s]", "is_open": "bool"}

Days = np.ndarray[Any, np.dtype[np.datetime64]]


@dataclass(frozen=True, slots=True)
class ExchangeSessions:
    """The sessions of one exchange.

    Attributes:
        exchange: ISO 10383 code.
        zone: the exchange's time zone, in which its days begin and end.
        days: `(n,) datetime64[D]`, ascending.
        opens, closes: `(n,) datetime64[s]`, the opening and the closing time of each session in UTC.
        first, last: the bounds within which every trading day is known.
    """

    exchange: str
    zone: ZoneInfo
    days: Days
    opens: Days
    closes: Days
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

    def between(self, first: date, last: date) -> Days:
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

    def opening(self, session: date) -> datetime | None:
        """When trading begins on `session`, in UTC; None where it is no trading day.

        Raises:
            CalendarBounds: the day lies outside what is known.
        """
        return self._moment(self.opens, session)

    def closing(self, session: date) -> datetime | None:
        """When trading ends on `session`, in UTC; None where it is no trading day. Raises as `opening`."""
        return self._moment(self.closes, session)

    def last_due(self, now: datetime, after_close: timedelta = BAR_IS_DUE_AFTER_CLOSE) -> date:
        """The last session whose bar should be there at `now`, a moment in any time zone.

        Args:
            now: the present.
            after_close: how long after its close a session's bar is due; with nothing, the last closed session.

        Raises:
            CalendarBounds: at `now` the exchange has a day outside what is known.
        """
        settled = np.datetime64(_utc(now) - after_close, "s")
        today = now.astimezone(self.zone).date()
        self._require(today)
        return self._at(int(np.searchsorted(self.closes, settled, side="right")) - 1, today)

    def _require(self, day: date) -> None:
        if not self.first <= day <= self.last:
            raise CalendarBounds(self.exchange, day, self.first, self.last)

    def _moment(self, moments: Days, session: date) -> datetime | None:
        self._require(session)
        position = int(np.searchsorted(self.days, np.datetime64(session)))
        if position == len(self.days) or self.days[position] != np.datetime64(session):
            return None
        found: datetime = moments[position].item()
        return found.replace(tzinfo=UTC)

    def _at(self, position: int, asked: date) -> date:
        if not 0 <= position < len(self.days):
            raise CalendarBounds(self.exchange, asked, self.first, self.last)
        day: date = self.days[position].item()
        return day


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Calendars:
    """Every exchange's sessions: those of exchange_calendars, and past its last day what a provider's calendar says.

    Two are equal where their providers said the same.

    Attributes:
        known: what the provider said, ascending, one row a day: exchange (ISO 10383 code), day, is_open.
            A day on which its rows contradict each other is left out, and so counts as unknown.
    """

    known: pd.DataFrame
    _joined: dict[str, ExchangeSessions]

    def __init__(self, known: pd.DataFrame | None = None) -> None:
        """Join nothing yet.

        Args:
            known: the columns exchange, day and is_open, in any order and with repeated rows; None where no
                provider was asked.
        """
        told = pd.DataFrame({name: [] for name in _DTYPES}) if known is None else known[list(_DTYPES)]
        told = told.astype(_DTYPES).drop_duplicates().drop_duplicates(["exchange", "day"], keep=False)
        object.__setattr__(self, "known", told.sort_values(["exchange", "day"], ignore_index=True))
        object.__setattr__(self, "_joined", {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendars) and self.known.equals(other.known)

    def of(self, symbol: str) -> ExchangeSessions:
        """The sessions of the exchange that `symbol` trades on.

        Raises:
            MalformedSymbol, UnknownExchange: the symbol names no known exchange.
        """
        return self.exchange(exchange_of(symbol))

    def exchange(self, code: str) -> ExchangeSessions:
        """The sessions of an exchange by its ISO 10383 code.

        The library's count as far as it knows them; then the provider's up to the first day it does not know.
        It does not tell on which days the exchange opens late or closes early: those days' bars count as due a little
        late, and the session as open a little early.
        """
        if code not in self._joined:
            self._joined[code] = _extended(exchange_sessions(code, LAST_DAY), *self._told(code))
        return self._joined[code]

    def disagreements(self, code: str) -> list[date]:
        """Days within the library's bounds about which the provider says otherwise, ascending."""
        library = exchange_sessions(code, LAST_DAY)
        days, is_open = self._told(code)
        within = (days >= np.datetime64(library.first)) & (days <= np.datetime64(library.last))
        found: list[date] = days[within & (is_open != np.isin(days, library.days))].tolist()
        return found

    def _told(self, code: str) -> tuple[Days, np.ndarray[Any, np.dtype[np.bool_]]]:
        own = self.known[self.known["exchange"] == code]
        return own["day"].to_numpy().astype("datetime64[D]"), own["is_open"].to_numpy()


@cache
def exchange_sessions(exchange: str, until: date = LAST_DAY) -> ExchangeSessions:
    """What the library alone knows of an exchange by its ISO 10383 code, at most to `until`.

    Where there is a store, its `calendars()` know at least as much.
    """
    first, last = FIRST_DAY, until
    try:
        calendar = exchange_calendars.get_calendar(exchange, start=first, end=last)
    except ValueError:
        # Some calendars record holidays rather than rules: Shanghai's are decreed a year at a time.
        recorded = exchange_calendars.get_calendar(exchange)
        first = max(first, recorded.bound_min().date())
        last = min(last, recorded.bound_max().date())
        calendar = exchange_calendars.get_calendar(exchange, start=first, end=last)
    opens, closes = (pd.DatetimeIndex(one).tz_convert(None) for one in (calendar.opens, calendar.closes))
    return ExchangeSessions(
        exchange=exchange,
        zone=ZoneInfo(str(calendar.tz)),
        days=calendar.sessions.to_numpy().astype("datetime64[D]"),
        opens=opens.to_numpy().astype("datetime64[s]"),
        closes=closes.to_numpy().astype("datetime64[s]"),
        first=first,
        last=last,
    )


def _extended(library: ExchangeSessions, days: Days, is_open: np.ndarray[Any, np.dtype[np.bool_]]) -> ExchangeSessions:
    """`library` and the days right after its last one, as far as each of them is known."""
    beyond = days > np.datetime64(library.last)
    days, is_open = days[beyond], is_open[beyond]
    # The days ascend and none comes twice, so that after a hole all later ones are out of step.
    known = int((days == np.datetime64(library.last) + 1 + np.arange(len(days))).sum())
    if not known:
        return library
    added = days[:known][is_open[:known]]
    return replace(
        library,
        days=np.concatenate([library.days, added]),
        opens=np.concatenate([library.opens, _usual(library, library.opens, added)]),
        closes=np.concatenate([library.closes, _usual(library, library.closes, added)]),
        last=days[known - 1].item(),
    )


def _usual(library: ExchangeSessions, times: Days, days: Days) -> Days:
    """The most frequent of the `times` of the library's last year, as the exchange's clocks show it, on other days.

    Args:
        library: whose zone and days count.
        times: `(n,)` one moment a session of the library, in UTC.
        days: the other days.

    Returns:
        One moment a day of `days`, in UTC.
    """
    latest = library.days > np.datetime64(library.last) - 365
    local = pd.DatetimeIndex(times[latest]).tz_localize("UTC").tz_convert(library.zone).tz_localize(None)
    usual = pd.Series(local - pd.DatetimeIndex(library.days[latest])).mode().iloc[0]
    moments = (pd.DatetimeIndex(days) + usual).tz_localize(library.zone).tz_convert(None)
    return moments.to_numpy().astype("datetime64[s]")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"expected a moment with a time zone, got {moment.isoformat()}")
    return (moment - (moment.utcoffset() or timedelta())).replace(tzinfo=None)
