"""Times by hand, from the exchanges' published hours and holidays: Shanghai 9:30 to 15:00, New York 9:30 to 16:00."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from data.sessions import Calendars, ExchangeSessions
from service.schedule.due import Due, due

LIBRARY = Calendars()
AFTER_CLOSE = timedelta(minutes=70)


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day(text: str) -> date:
    return date.fromisoformat(text)


def calendars(*exchanges: str) -> dict[str, ExchangeSessions]:
    return {one: LIBRARY.exchange(one) for one in exchanges}


def asked(exchange: str, now: str, handled: str | None) -> Due:
    known = {} if handled is None else {exchange: day(handled)}
    return due(calendars(exchange), at(now), known, AFTER_CLOSE)


@pytest.mark.parametrize(
    ("exchange", "before", "session", "moment", "following"),
    [
        ("XSHG", "2024-02-07", "2024-02-08", "2024-02-08 08:10", "2024-02-19 08:10"),  # Spring Festival, 9 to 18
        ("XSHG", "2024-02-08", "2024-02-19", "2024-02-19 08:10", "2024-02-20 08:10"),
        ("XNYS", "2024-11-26", "2024-11-27", "2024-11-27 22:10", "2024-11-29 19:10"),  # Thanksgiving, then a half day
        ("XNYS", "2024-11-27", "2024-11-29", "2024-11-29 19:10", "2024-12-02 22:10"),
        ("XNYS", "2024-03-07", "2024-03-08", "2024-03-08 22:10", "2024-03-11 21:10"),  # clocks go forward on the 10th
        ("XNYS", "2024-10-31", "2024-11-01", "2024-11-01 21:10", "2024-11-04 22:10"),  # and back on 3 November
    ],
)
def test_a_pass_is_due_from_its_moment_on(
    exchange: str, before: str, session: str, moment: str, following: str
) -> None:
    early = asked(exchange, f"{(at(moment) - timedelta(seconds=1)):%Y-%m-%d %H:%M:%S}", before)
    assert (early.now, early.missed, early.next_due) == ({}, {}, at(moment))
    there = asked(exchange, moment, before)
    assert (there.now, there.missed, there.next_due) == ({exchange: day(session)}, {}, at(following))
    done = asked(exchange, moment, session)
    assert (done.now, done.missed, done.next_due) == ({}, {}, at(following))


def test_a_pass_can_be_caught_up_with_until_the_next_session_opens() -> None:
    # After Spring Festival Shanghai opened on Monday the 19th at 9:30, which is 1:30 in UTC.
    assert asked("XSHG", "2024-02-19 01:29:59", "2024-02-07").now == {"XSHG": day("2024-02-08")}
    late = asked("XSHG", "2024-02-19 01:30:00", "2024-02-07")
    assert (late.now, late.missed) == ({}, {"XSHG": (day("2024-02-08"),)})
    assert late.past == {"XSHG": day("2024-02-08")}
    assert late.next_due == at("2024-02-19 08:10")


def test_after_downtime_the_newest_is_run_and_older_ones_are_missed() -> None:
    # New York in the week of Thanksgiving 2024, seen on the Saturday after it.
    back = asked("XNYS", "2024-11-30 12:00", "2024-11-22")
    assert back.now == {"XNYS": day("2024-11-29")}
    assert back.missed == {"XNYS": (day("2024-11-25"), day("2024-11-26"), day("2024-11-27"))}
    assert back.past == {"XNYS": day("2024-11-27")}
    assert back.next_due == at("2024-12-02 22:10")


def test_who_never_ran_has_missed_nothing() -> None:
    weekend = asked("XNYS", "2024-11-30 12:00", None)
    assert (weekend.now, weekend.missed, weekend.past) == ({"XNYS": day("2024-11-29")}, {}, {})
    # While Monday's session is open, Friday's pass would come too late.
    monday = asked("XNYS", "2024-12-02 15:00", None)
    assert (monday.now, monday.missed, monday.past) == ({}, {}, {"XNYS": day("2024-11-29")})


def test_a_clock_that_was_set_back_leads_to_nothing_twice() -> None:
    back = asked("XNYS", "2024-11-20 23:00", "2024-11-29")
    assert (back.now, back.missed, back.past) == ({}, {}, {})
    assert back.next_due == at("2024-12-02 22:10")


def test_two_exchanges_each_by_its_own_hours() -> None:
    both, known = calendars("XSHG", "XNYS"), {"XSHG": day("2024-02-06"), "XNYS": day("2024-02-06")}
    morning = due(both, at("2024-02-07 08:10"), known, AFTER_CLOSE)
    assert morning.now == {"XSHG": day("2024-02-07")}
    assert morning.next_due == at("2024-02-07 22:10")
    evening = due(both, at("2024-02-07 22:10"), known, AFTER_CLOSE)
    assert evening.now == {"XSHG": day("2024-02-07"), "XNYS": day("2024-02-07")}
    # On the 8th Shanghai opens at 1:30 in UTC, New York at 14:30.
    night = due(both, at("2024-02-08 02:00"), known, AFTER_CLOSE)
    assert (night.now, night.missed) == ({"XNYS": day("2024-02-07")}, {"XSHG": (day("2024-02-07"),)})


def test_beyond_its_calendar_an_exchange_is_unknown_and_the_others_go_on() -> None:
    last = LIBRARY.exchange("XSHG").last
    after = datetime(last.year + 1, 1, 6, 23, tzinfo=UTC)
    found = due(calendars("XSHG", "XNYS"), after, {}, AFTER_CLOSE)
    assert set(found.now) == {"XNYS"}
    assert "newer exchange_calendars" in found.unknown["XSHG"]
    alone = due(calendars("XSHG"), after, {}, AFTER_CLOSE)
    assert (alone.now, alone.next_due) == ({}, None)


def test_the_last_session_of_a_calendar_has_nothing_to_forecast() -> None:
    sessions = LIBRARY.exchange("XNYS")
    assert sessions.last == day("2030-12-31")
    found = asked("XNYS", "2030-12-31 23:00", "2030-12-30")
    assert (found.now, found.next_due, set(found.unknown)) == ({}, None, {"XNYS"})
