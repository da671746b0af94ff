from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from data.errors import CalendarBounds, MalformedSymbol, UnknownExchange
from data.sessions import BAR_IS_DUE_AFTER_CLOSE, LAST_DAY, ExchangeSessions, exchange_sessions, sessions_of


def new_york() -> ExchangeSessions:
    return exchange_sessions("XNYS")


def shanghai() -> ExchangeSessions:
    return exchange_sessions("XSHG")


def hong_kong() -> ExchangeSessions:
    return exchange_sessions("XHKG")


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("symbol", "after", "following"),
    # From the exchanges' published holidays.
    [
        ("AAPL", "2013-03-01", "2013-03-04"),  # a weekend; where the sample ends
        ("AAPL", "2013-03-02", "2013-03-04"),  # from a day without a session
        ("AAPL", "2024-03-28", "2024-04-01"),  # Good Friday
        ("AAPL", "2024-11-27", "2024-11-29"),  # Thanksgiving
        ("AAPL", "2024-12-24", "2024-12-26"),  # Christmas
        ("AAPL", "2001-09-10", "2001-09-17"),  # closed after the attacks of 11 September
        ("AAPL", "2012-10-26", "2012-10-31"),  # hurricane Sandy
        ("AAPL", "2022-06-17", "2022-06-21"),  # Juneteenth, kept since 2022, on its Monday
        ("600519.SH", "2025-09-30", "2025-10-09"),  # National Day and Mid-Autumn, 1 to 8 October
        ("000001.SZ", "2025-09-30", "2025-10-09"),
        ("600519.SH", "2024-02-08", "2024-02-19"),  # Spring Festival, 9 to 18 February
        ("600519.SH", "2024-04-30", "2024-05-06"),  # Labour Day; the Sunday worked in exchange is no session
        ("0700.HK", "2025-01-28", "2025-02-03"),  # Lunar New Year, 29 to 31 January
        ("0700.HK", "2025-09-30", "2025-10-02"),  # National Day
        ("0700.HK", "2025-10-06", "2025-10-08"),  # the day after Mid-Autumn
        ("0700.HK", "2025-10-28", "2025-10-30"),  # Chung Yeung
    ],
)
def test_the_session_after_a_holiday(symbol: str, after: str, following: str) -> None:
    sessions = sessions_of(symbol)
    assert sessions.next_session(date.fromisoformat(after)) == date.fromisoformat(following)
    day = date.fromisoformat(after) + timedelta(days=1)
    while day < date.fromisoformat(following):
        assert not sessions.is_session(day)
        day += timedelta(days=1)
    assert sessions.is_session(day)


def test_the_sessions_that_follow_skip_every_holiday() -> None:
    # The Friday after Thanksgiving is a short session, but one.
    assert new_york().next_sessions(date(2024, 11, 26), 4) == (
        date(2024, 11, 27),
        date(2024, 11, 29),
        date(2024, 12, 2),
        date(2024, 12, 3),
    )
    assert new_york().next_sessions(date(2024, 11, 26), 0) == ()


def test_sessions_between_include_both_ends() -> None:
    found = shanghai().between(date(2025, 9, 29), date(2025, 10, 10))
    assert found.tolist() == [date(2025, 9, 29), date(2025, 9, 30), date(2025, 10, 9), date(2025, 10, 10)]
    assert found.dtype == np.dtype("datetime64[D]")
    assert not len(shanghai().between(date(2025, 10, 1), date(2025, 10, 8)))


@pytest.mark.parametrize(("year", "sessions"), [(2023, 250), (2024, 252), (2020, 253)])
def test_new_york_has_the_published_number_of_sessions(year: int, sessions: int) -> None:
    assert len(new_york().between(date(year, 1, 1), date(year, 12, 31))) == sessions


@pytest.mark.parametrize(
    ("symbol", "close"),
    [
        ("AAPL", "2024-01-10 21:00"),  # 16:00 in winter
        ("AAPL", "2024-07-10 20:00"),  # 16:00 in summer
        ("AAPL", "2024-03-08 21:00"),  # the last session before the clocks go forward in New York
        ("AAPL", "2024-03-11 20:00"),  # the first after, while Europe's have not
        ("AAPL", "2024-11-04 21:00"),  # the first after they go back
        ("AAPL", "2024-11-29 18:00"),  # half day, 13:00
        ("AAPL", "2024-07-03 17:00"),  # half day in summer
        ("600519.SH", "2024-01-10 07:00"),  # 15:00, no summer time
        ("600519.SH", "2024-07-10 07:00"),
        ("0700.HK", "2024-07-10 08:00"),  # 16:00
        ("0700.HK", "2024-12-24 04:00"),  # half day, 12:00
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai", "Europe/London", "Pacific/Kiritimati"])
def test_a_bar_is_due_an_hour_after_the_close_wherever_the_clock_hangs(symbol: str, close: str, zone: str) -> None:
    sessions = sessions_of(symbol)
    due = (at(close) + timedelta(hours=1)).astimezone(ZoneInfo(zone))
    today = at(close).date()  # the close falls on the session's own date in UTC too, on these three exchanges
    assert sessions.last_due(due) == today
    assert sessions.last_due(due + timedelta(hours=5)) == today
    before = sessions.last_due(due - timedelta(seconds=1))
    assert before < today
    assert sessions.next_session(before) == today
    assert timedelta(minutes=60) == BAR_IS_DUE_AFTER_CLOSE


def test_over_a_weekend_the_last_due_bar_is_fridays() -> None:
    assert new_york().last_due(at("2024-01-14 12:00")) == date(2024, 1, 12)
    # Monday the 15th is Martin Luther King Day.
    assert new_york().last_due(at("2024-01-16 21:59")) == date(2024, 1, 12)
    assert new_york().last_due(at("2024-01-16 22:00")) == date(2024, 1, 16)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a moment with a time zone, got 2024-01-10T12:00:00"):
        new_york().last_due(datetime(2024, 1, 10, 12, 0))


def test_new_york_is_known_to_the_last_day_asked_for() -> None:
    assert new_york().last == LAST_DAY == date(2030, 12, 31)
    assert new_york().is_session(date(2030, 12, 31))
    with pytest.raises(CalendarBounds) as caught:
        new_york().next_session(date(2030, 12, 31))
    assert caught.value.asked == date(2030, 12, 31)


def test_shanghai_is_refused_past_the_year_that_was_decreed() -> None:
    # 2026-12-31 today; a newer exchange_calendars may know more, never a whole decade ahead.
    last = shanghai().last
    assert date(2026, 12, 31) <= last < LAST_DAY
    assert shanghai().is_session(date(2026, 12, 31))
    beyond = last + timedelta(days=1)
    noon = datetime(beyond.year, beyond.month, beyond.day, 12, tzinfo=UTC)
    for ask in (
        lambda: shanghai().next_session(last),
        lambda: shanghai().next_session(beyond),
        lambda: shanghai().next_sessions(last - timedelta(days=7), 10),
        lambda: shanghai().is_session(beyond),
        lambda: shanghai().between(last, beyond),
        lambda: shanghai().last_due(noon),
    ):
        with pytest.raises(CalendarBounds) as caught:
            ask()
        assert (caught.value.exchange, caught.value.last) == ("XSHG", last)
        assert "newer exchange_calendars" in str(caught.value)


def test_shanghai_is_refused_before_the_exchange_existed() -> None:
    # It opened on 19 December 1990.
    assert shanghai().next_session(date(1990, 12, 18)) == date(1990, 12, 19)
    for ask in (
        lambda: shanghai().is_session(date(1990, 6, 1)),
        lambda: shanghai().between(date(1980, 1, 1), date(2000, 1, 1)),
        lambda: new_york().last_due(at("1990-01-01 12:00")),
        lambda: new_york().next_session(date(1989, 12, 31)),
    ):
        with pytest.raises(CalendarBounds):
            ask()


def test_the_suffix_leads_to_the_sessions() -> None:
    assert sessions_of("AAPL") is new_york()
    assert sessions_of("AAPL.US") is new_york()
    assert sessions_of("0700.HK") is hong_kong()
    for symbol in ("600519.SH", "000001.SZ", "430047.BJ"):
        assert sessions_of(symbol) is shanghai()
    with pytest.raises(UnknownExchange):
        sessions_of("VOD.L")
    with pytest.raises(MalformedSymbol):
        sessions_of("vod")
