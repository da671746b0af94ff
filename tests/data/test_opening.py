"""When sessions open: published trading hours, 9:30 in New York, Shanghai and Hong Kong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from data import sessions as module
from data.errors import CalendarBounds
from data.sessions import Calendars


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("symbol", "session", "opens"),
    [
        ("AAPL", "2013-03-04", "2013-03-04 14:30"),  # winter
        ("AAPL", "2013-03-11", "2013-03-11 13:30"),  # the Monday after the clocks went forward
        ("600519.SH", "2026-11-20", "2026-11-20 01:30"),
        ("0700.HK", "2024-07-03", "2024-07-03 01:30"),
        ("AAPL", "2024-11-29", "2024-11-29 14:30"),  # a half day
    ],
)
def test_a_session_opens_at_half_past_nine_local_time(symbol: str, session: str, opens: str) -> None:
    assert Calendars().of(symbol).opening(date.fromisoformat(session)) == at(opens)


@pytest.mark.parametrize("day", ["2013-03-02", "2013-03-29"], ids=["Saturday", "Good Friday"])
def test_a_day_without_trading_has_no_opening(day: str) -> None:
    assert Calendars().of("AAPL").opening(date.fromisoformat(day)) is None


def test_past_what_is_known_nothing_is_said() -> None:
    with pytest.raises(CalendarBounds):
        Calendars().of("AAPL").opening(date(2031, 1, 2))


def test_a_providers_session_opens_at_the_usual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAST_DAY", date(2026, 12, 31))
    days = pd.DataFrame({"exchange": "XNYS", "day": pd.date_range("2027-01-01", "2027-07-31")})
    told = days.assign(is_open=days["day"].dt.day_of_week < 5)
    sessions = Calendars(told).of("AAPL")
    assert sessions.opening(date(2027, 1, 4)) == at("2027-01-04 14:30")
    assert sessions.opening(date(2027, 7, 1)) == at("2027-07-01 13:30")
    assert sessions.opening(date(2027, 7, 3)) is None


def test_the_last_closed_session_needs_no_hour_of_waiting() -> None:
    sessions = Calendars().of("AAPL")
    friday, thursday = date(2013, 3, 1), date(2013, 2, 28)
    for now, closed in (("2013-03-01 20:59", thursday), ("2013-03-01 21:00", friday), ("2013-03-03 12:00", friday)):
        assert sessions.last_due(at(now), timedelta(0)) == closed
