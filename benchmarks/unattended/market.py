"""The prices of the year, and the vendor that serves what exists by now."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd

from benchmarks.unattended.clock import YearClock
from tests.tushare_server.market import Market, random_market
from tests.tushare_server.server import TushareServer

TOKEN: Final = "a-token-of-nobody-0123456789"
CALLS_A_MINUTE: Final = 1_000_000

# Sessions before the year: two held-out spans, and what a small network learns from.
BEFORE: Final = 300
FIRST: Final = date(2023, 3, 1)

_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
_PUBLISHED: Final = time(15, 45)


@cache
def _exchange() -> exchange_calendars.ExchangeCalendar:
    return exchange_calendars.get_calendar("XSHG")


def sessions_from(first: date, count: int) -> list[date]:
    """Shanghai's first sessions from a day on."""
    days = _exchange().sessions_window(_exchange().date_to_session(pd.Timestamp(first), "next"), count)
    return [one.date() for one in days]


def opening(session: date) -> datetime:
    """When a session opens, in UTC."""
    return _exchange().session_open(pd.Timestamp(session)).to_pydatetime()


def last_closed(moment: datetime) -> date:
    """The session that closed last."""
    closes = _exchange().closes
    return closes.index[closes.searchsorted(pd.Timestamp(moment), side="right") - 1].date()


def prices(sessions: list[date], symbols: int, seed: int, wilder_from: date) -> Market:
    """A market whose moves are three times as large from a session on; all shares are there all the time.

    Args:
        sessions: of the year; the market begins `BEFORE` sessions earlier, and ends with the last of them.
        symbols: how many shares.
        seed: of the random numbers.
        wilder_from: when its regime changes.
    """
    first = _exchange().sessions_window(pd.Timestamp(sessions[0]), -BEFORE - 1)[0].date()
    return random_market(
        symbols=symbols,
        first=first,
        last=sessions[-1],
        seed=seed,
        suspended_share=0.004,
        dividends_a_year=2.0,
        late_listings=0.0,
        delisted=0.0,
        volatility=(0.006, 0.012),
        wilder_from=wilder_from,
    )


class Vendor(TushareServer):
    """The fake Tushare server, which knows of no session that has not closed by the year's clock.

    Attributes:
        late: how much later than usual it has a session's bars.
    """

    def __init__(self, market: Market, clock: YearClock) -> None:
        super().__init__(market, token=TOKEN, per_minute=CALLS_A_MINUTE)
        self.late = timedelta()
        self._true = clock

    def look(self) -> None:
        """Serve what exists now."""
        here = (self._true.true - self.late).astimezone(_SHANGHAI)
        self.today = here.date() if here.time() >= _PUBLISHED else here.date() - timedelta(days=1)
