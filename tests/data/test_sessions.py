from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data import sessions as module
from data.errors import CalendarBounds, MalformedSymbol, UnknownExchange
from data.sessions import BAR_IS_DUE_AFTER_CLOSE, LAST_DAY, Calendars, ExchangeSessions

LIBRARY = Calendars()

# Shanghai around the turn of the year, as the weekdays and New Year's Day make it: 1 January 2027 is a Friday.
NEW_YEAR = {
    "2026-12-31": True,
    "2027-01-01": False,
    "2027-01-02": False,
    "2027-01-03": False,
    "2027-01-04": True,
    "2027-01-05": True,
}


def new_york() -> ExchangeSessions:
    return LIBRARY.exchange("XNYS")


def shanghai() -> ExchangeSessions:
    return LIBRARY.exchange("XSHG")


def hong_kong() -> ExchangeSessions:
    return LIBRARY.exchange("XHKG")


@pytest.fixture
def known_to_2026(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library ends with 2026, as it did for Shanghai when this was written, whatever a newer one knows."""
    monkeypatch.setattr(module, "LAST_DAY", date(2026, 12, 31))


def told(days: Mapping[str, bool], exchange: str = "XSHG") -> pd.DataFrame:
    """A provider's trade calendar."""
    table = pd.DataFrame({"exchange": exchange, "day": list(days), "is_open": list(days.values())})
    return table.astype({"exchange": "str", "day": "datetime64[s]"})


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
    sessions = LIBRARY.of(symbol)
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
    sessions = LIBRARY.of(symbol)
    due = (at(close) + timedelta(hours=1)).astimezone(ZoneInfo(zone))
    today = at(close).date()  # the close falls on the session's own date in UTC too, on these three exchanges
    assert sessions.closing(today) == at(close)
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
    assert LIBRARY.of("AAPL") is new_york()
    assert LIBRARY.of("AAPL.US") is new_york()
    assert LIBRARY.of("0700.HK") is hong_kong()
    for symbol in ("600519.SH", "000001.SZ", "430047.BJ"):
        assert LIBRARY.of(symbol) is shanghai()
    with pytest.raises(UnknownExchange):
        LIBRARY.of("VOD.L")
    with pytest.raises(MalformedSymbol):
        LIBRARY.of("vod")


@pytest.mark.parametrize(
    ("code", "zone"), [("XSHG", "Asia/Shanghai"), ("XHKG", "Asia/Hong_Kong"), ("XNYS", "America/New_York")]
)
def test_days_begin_and_end_where_the_exchange_is(code: str, zone: str) -> None:
    sessions = LIBRARY.exchange(code)
    assert sessions.zone == ZoneInfo(zone)
    # The first and the last minute of what is known, by the exchange's clock.
    last = datetime(sessions.last.year, sessions.last.month, sessions.last.day, 23, 59, tzinfo=ZoneInfo(zone))
    assert sessions.last_due(last.astimezone(UTC)) == sessions.days[-1].item()
    with pytest.raises(CalendarBounds) as caught:
        sessions.last_due((last + timedelta(minutes=1)).astimezone(UTC))
    assert caught.value.asked == sessions.last + timedelta(days=1)


ZONES = st.one_of(
    st.sampled_from(
        ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "Europe/London", "Asia/Kolkata"]
    ).map(ZoneInfo),
    st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


def due_or_refused(sessions: ExchangeSessions, now: datetime) -> date | None:
    try:
        return sessions.last_due(now)
    except CalendarBounds:
        return None


@given(
    code=st.sampled_from(["XNYS", "XSHG", "XHKG"]),
    now=st.datetimes(datetime(1989, 12, 25), datetime(2031, 1, 7)),
    zone=ZONES,
)
@example("XNYS", datetime(2031, 1, 1, 4, 59, 59), ZoneInfo("Pacific/Kiritimati"))  # the last second of what is known
@example("XNYS", datetime(2031, 1, 1, 5, 0), ZoneInfo("Pacific/Pago_Pago"))  # the first that is not
@example("XNYS", datetime(2024, 11, 3, 5, 30), ZoneInfo("America/New_York"))  # 01:30, which comes twice that night
@example("XNYS", datetime(2024, 11, 3, 6, 30), ZoneInfo("America/New_York"))
@settings(max_examples=300)
def test_what_is_due_does_not_depend_on_the_clocks_zone(code: str, now: datetime, zone: tzinfo) -> None:
    sessions, instant = LIBRARY.exchange(code), now.replace(tzinfo=UTC)
    assert due_or_refused(sessions, instant.astimezone(zone)) == due_or_refused(sessions, instant)


@pytest.mark.usefixtures("known_to_2026")
def test_past_the_librarys_last_day_the_providers_days_count() -> None:
    alone = Calendars().exchange("XSHG")
    assert alone.last == date(2026, 12, 31)
    with pytest.raises(CalendarBounds, match=r"forecaster fetch --provider tushare"):
        alone.next_session(date(2026, 12, 31))

    joined = Calendars(told(NEW_YEAR)).exchange("XSHG")
    assert (joined.first, joined.last) == (alone.first, date(2027, 1, 5))
    assert joined.next_session(date(2026, 12, 31)) == date(2027, 1, 4)
    assert joined.next_sessions(date(2026, 12, 30), 3) == (date(2026, 12, 31), date(2027, 1, 4), date(2027, 1, 5))
    assert not joined.is_session(date(2027, 1, 1))
    assert joined.between(date(2026, 12, 30), date(2027, 1, 5)).tolist() == [
        date(2026, 12, 30),
        date(2026, 12, 31),
        date(2027, 1, 4),
        date(2027, 1, 5),
    ]
    assert len(joined.days) == len(joined.closes) == len(alone.days) + 2
    for ask in (
        lambda: joined.next_session(date(2027, 1, 5)),
        lambda: joined.is_session(date(2027, 1, 6)),
        lambda: joined.last_due(at("2027-01-05 16:00")),  # midnight in Shanghai
    ):
        with pytest.raises(CalendarBounds) as caught:
            ask()
        assert caught.value.last == date(2027, 1, 5)


@pytest.mark.usefixtures("known_to_2026")
@pytest.mark.parametrize("symbol", ["600519.SH", "000001.SZ", "430047.BJ"])
@pytest.mark.parametrize(
    ("now", "due"),
    # Shanghai closes at 15:00, which is 07:00 UTC all year; the bar is due an hour later.
    [
        ("2026-12-31 08:00", "2026-12-31"),
        ("2026-12-31 18:00", "2026-12-31"),  # the new year in Shanghai, not yet in UTC
        ("2027-01-04 07:59:59", "2026-12-31"),
        ("2027-01-04 08:00", "2027-01-04"),
        ("2027-01-05 08:00", "2027-01-05"),
    ],
)
def test_a_providers_session_is_due_after_the_usual_close(symbol: str, now: str, due: str) -> None:
    assert Calendars(told(NEW_YEAR)).of(symbol).last_due(at(now)) == date.fromisoformat(due)


@pytest.mark.parametrize(
    ("now", "due"),
    # 1 January 2031 is a Wednesday; New York's clocks go forward on 9 March, the second Sunday.
    [
        ("2031-03-07 21:59:59", "2031-03-06"),  # 16:00 in winter is 21:00 UTC
        ("2031-03-07 22:00", "2031-03-07"),
        ("2031-03-10 20:59:59", "2031-03-07"),  # and in summer 20:00
        ("2031-03-10 21:00", "2031-03-10"),
    ],
)
def test_the_usual_close_keeps_the_exchanges_summer_time(now: str, due: str) -> None:
    # 2030 has half days, too, which close at 13:00.
    days = {f"{day:%Y-%m-%d}": day.weekday() < 5 for day in pd.date_range("2031-01-01", "2031-03-14")}
    sessions = Calendars(told(days | {"2031-01-01": False}, "XNYS")).of("AAPL")
    assert sessions.last_due(at(now)) == date.fromisoformat(due)
    assert sessions.next_session(date(2030, 12, 31)) == date(2031, 1, 2)


@pytest.mark.usefixtures("known_to_2026")
@pytest.mark.parametrize("hole", ["2027-01-01", "2027-01-03", "2027-01-05"])
def test_behind_a_hole_nothing_is_known(hole: str) -> None:
    joined = Calendars(told({day: is_open for day, is_open in NEW_YEAR.items() if day != hole})).exchange("XSHG")
    assert joined.last == date.fromisoformat(hole) - timedelta(days=1)
    with pytest.raises(CalendarBounds):
        joined.is_session(date.fromisoformat(hole))
    if hole > "2027-01-04":
        assert joined.next_session(date(2026, 12, 31)) == date(2027, 1, 4)
    else:
        with pytest.raises(CalendarBounds):
            joined.next_session(date(2026, 12, 31))


@pytest.mark.usefixtures("known_to_2026")
def test_a_day_that_is_both_open_and_closed_is_unknown() -> None:
    rows = pd.concat([told(NEW_YEAR), told({"2027-01-04": False, "2026-12-30": True}), told({"2026-12-30": False})])
    both = Calendars(rows)
    assert both.exchange("XSHG").last == date(2027, 1, 3)
    assert both.disagreements("XSHG") == []
    assert both == Calendars(told({day: is_open for day, is_open in NEW_YEAR.items() if day != "2027-01-04"}))


@pytest.mark.usefixtures("known_to_2026")
def test_the_order_and_repetition_of_rows_change_nothing() -> None:
    rows = pd.concat([told(NEW_YEAR), told(NEW_YEAR, "XHKG")], ignore_index=True)
    mixed = (
        pd.concat([rows, rows])
        .sample(frac=1, random_state=3)
        .assign(pretrade_date=None)[["is_open", "pretrade_date", "exchange", "day"]]
    )
    assert Calendars(mixed) == Calendars(rows)
    found, expected = Calendars(mixed).exchange("XSHG"), Calendars(told(NEW_YEAR)).exchange("XSHG")
    assert (found.days.tolist(), found.closes.tolist()) == (expected.days.tolist(), expected.closes.tolist())
    assert (found.first, found.last) == (expected.first, expected.last)


@pytest.mark.usefixtures("known_to_2026")
def test_within_the_librarys_bounds_the_library_counts() -> None:
    # 1 October is National Day; 30 September 2026 is a Wednesday, and 31 December a Thursday.
    wrong = Calendars(told({"2026-12-31": False, "2026-09-30": True, "2026-10-01": True}))
    assert wrong.exchange("XSHG") is Calendars().exchange("XSHG")
    assert wrong.exchange("XSHG").is_session(date(2026, 12, 31))
    assert wrong.disagreements("XSHG") == [date(2026, 10, 1), date(2026, 12, 31)]
    assert wrong.disagreements("XNYS") == Calendars().disagreements("XSHG") == []
    # What is past the bounds, or before them, is no disagreement.
    outside = Calendars(told(NEW_YEAR | {"1990-12-02": True}))
    assert outside.disagreements("XSHG") == []


@pytest.mark.usefixtures("known_to_2026")
def test_one_exchanges_days_say_nothing_about_another() -> None:
    calendars = Calendars(told(NEW_YEAR))
    assert calendars.exchange("XHKG") is Calendars().exchange("XHKG")
    assert calendars.exchange("XSHG") is calendars.exchange("XSHG")


def test_calendars_are_equal_where_the_same_was_told() -> None:
    assert Calendars() == LIBRARY == Calendars(told({}))
    assert Calendars(told(NEW_YEAR)) == Calendars(told(NEW_YEAR))
    assert Calendars(told(NEW_YEAR)) != LIBRARY
    assert Calendars(told(NEW_YEAR)) != Calendars(told(NEW_YEAR, "XHKG"))
    assert Calendars(told(NEW_YEAR)) != Calendars(told(NEW_YEAR | {"2027-01-05": False}))
    assert Calendars(told(NEW_YEAR)) != Calendars(told(NEW_YEAR | {"2027-01-06": True}))
    assert LIBRARY != "calendars"
    with pytest.raises(TypeError, match="unhashable"):
        hash(LIBRARY)


def test_calendars_keep_what_they_were_told() -> None:
    rows = told(NEW_YEAR)
    calendars = Calendars(rows)
    rows["is_open"] = False
    assert calendars == Calendars(told(NEW_YEAR))
