"""What an account may do: its points, and its calls a minute, an hour and a day. Also how the server says no."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from data.clock import Clock
from tests.tushare_server.interfaces import INTERFACES

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
_DETAILS: Final = "权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。"  # noqa: RUF001
_PERIODS: Final = {"minute": "每分钟", "hour": "每小时", "day": "每天"}

BAD_TOKEN: Final = 40101
THROTTLED: Final = 40203
NOT_ENTITLED: Final = 40203  # the same: only the message tells them apart
NO_PERMISSION: Final = 2002
BAD_CALL: Final = -2001


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no, with the code and the message that go over the wire."""

    code: int
    message: str

    def payload(self) -> dict[str, Any]:
        """As the server sends it."""
        return {"request_id": "0", "code": self.code, "msg": self.message, "data": None}


def bad_token() -> Refusal:
    """The token is not known."""
    return Refusal(BAD_TOKEN, "您的token不对，请确认。")  # noqa: RUF001


def throttled(limit: int, period: str) -> Refusal:
    """More than `limit` calls in a `period`: minute, hour or day."""
    return Refusal(THROTTLED, f"抱歉，您{_PERIODS[period]}最多访问该接口{limit}次，{_DETAILS}")  # noqa: RUF001


def not_entitled(api: str, code: int = NOT_ENTITLED) -> Refusal:
    """Too few points for the interface."""
    return Refusal(code, f"抱歉，您没有接口({api})访问权限，{_DETAILS}")  # noqa: RUF001


class Limits:
    """An account. The limits count the calls that they let through, not those that they refuse.

    Attributes:
        clock: what the limits go by.
        points: what the account has; each interface needs some.
        permission_code: what too few points are answered with, 40203 or 2002.
        per_minute: calls in any 60 seconds, over all interfaces; None is without a limit.
        per_minute_of, per_hour_of: the same for single interfaces.
        per_day: calls in a calendar day of Shanghai, over all interfaces.
    """

    def __init__(self, clock: Clock, *, points: int = 2000, per_minute: int | None = None) -> None:
        self.clock = clock
        self.points = points
        self.permission_code = NOT_ENTITLED
        self.per_minute = per_minute
        self.per_minute_of: dict[str, int] = {}
        self.per_hour_of: dict[str, int] = {}
        self.per_day: int | None = None
        self._admitted: deque[tuple[datetime, str]] = deque()
        self._days: Counter[date] = Counter()
        self._lock = threading.Lock()

    def refusal(self, api: str, moment: datetime) -> Refusal | None:
        """Why a call at `moment` is refused; None lets it through and counts it."""
        if self.points < INTERFACES[api].points:
            return not_entitled(api, self.permission_code)
        with self._lock:
            while self._admitted and moment - self._admitted[0][0] >= HOUR:
                self._admitted.popleft()
            refused = self._frequency(api, moment)
            if refused is None:
                self._admitted.append((moment, api))
                self._days[_day(moment)] += 1
            return refused

    def _frequency(self, api: str, moment: datetime) -> Refusal | None:
        if self.per_day is not None and self._days[_day(moment)] >= self.per_day:
            return throttled(self.per_day, "day")
        if _spent(self.per_hour_of, api, self._count(moment, HOUR, api)):
            return throttled(self.per_hour_of[api], "hour")
        if _spent(self.per_minute_of, api, self._count(moment, MINUTE, api)):
            return throttled(self.per_minute_of[api], "minute")
        if self.per_minute is not None and self._count(moment, MINUTE) >= self.per_minute:
            return throttled(self.per_minute, "minute")
        return None

    def _count(self, moment: datetime, span: timedelta, api: str | None = None) -> int:
        return sum(moment - then < span and api in (None, one) for then, one in self._admitted)


def most_within(moments: list[datetime], span: timedelta = MINUTE) -> int:
    """The most of `moments` in any window of `span`; two that are `span` apart do not share one."""
    ordered, begin, most = sorted(moments), 0, 0
    for end, moment in enumerate(ordered):
        while moment - ordered[begin] >= span:
            begin += 1
        most = max(most, end - begin + 1)
    return most


def _spent(allowed: Mapping[str, int], api: str, used: int) -> bool:
    return api in allowed and used >= allowed[api]


def _day(moment: datetime) -> date:
    return moment.astimezone(_SHANGHAI).date()
