"""The scheduler through days and weeks of a clock that a test drives. Times by hand, from the published hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from data.errors import EmptyStore
from forecaster.heartbeat import Heartbeat, Liveness, Outcome, State
from service.schedule.memory import Memory
from service.schedule.owner import Owner
from tests.service.schedule.driving import (
    NAME,
    FakeClock,
    FakeMarket,
    FakeProgram,
    at,
    scheduler,
    seen,
)

QUARTER = timedelta(minutes=15)


def weekdays(first: str, last: str, *holidays: str) -> list[date]:
    day, end, found = date.fromisoformat(first), date.fromisoformat(last), []
    while day <= end:
        if day.weekday() < 5 and day.isoformat() not in holidays:
            found.append(day)
        day += timedelta(days=1)
    return found


def said(home: Path, clock: FakeClock) -> Heartbeat:
    found = seen(home, clock).heartbeat
    assert found is not None
    return found


def assert_begun(program: FakeProgram, expected: list[datetime], late: timedelta = QUARTER) -> None:
    assert len(program.moments) == len(expected), program.moments
    for moment, due in zip(program.moments, expected, strict=True):
        assert due <= moment < due + late, (moment, due)


def test_every_session_of_two_exchanges_has_its_pass(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-01 09:00"), at("2024-03-16 00:00"), 2 * QUARTER)
    program = FakeProgram(clock)
    scheduler(tmp_path, clock, program, "XSHG", "XNYS").run()
    # Shanghai closed for Spring Festival from the 9th to the 18th of February, New York on Presidents' Day.
    shanghai = weekdays("2024-02-02", "2024-03-15", *(f"2024-02-{day:02}" for day in range(9, 19)))
    new_york = weekdays("2024-02-01", "2024-03-15", "2024-02-19")
    dues = [at(f"{day} 08:10") for day in shanghai]
    # New York's clocks went forward on 10 March, so that its close came an hour earlier in UTC.
    dues += [at(f"{day} {'22:10' if day < date(2024, 3, 10) else '21:10'}") for day in new_york]
    # At the start both exchanges' last sessions can still be forecast from: Shanghai's of that day, New York's of
    # the day before.
    assert_begun(program, [at("2024-02-01 09:00"), *sorted(dues)], late=2 * QUARTER)
    done = Memory(tmp_path, NAME).read()
    assert done.handled == {"XSHG": date(2024, 3, 15), "XNYS": date(2024, 3, 15)}
    assert (done.missed, done.failures) == ((), 0)


def test_a_half_day_is_over_earlier(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-11-25 15:00"), at("2024-12-03 00:00"), QUARTER)
    program = FakeProgram(clock)
    scheduler(tmp_path, clock, program, "XNYS").run()
    days = [f"{day} 22:10" for day in ("2024-11-25", "2024-11-26", "2024-11-27")]
    assert_begun(program, [at(one) for one in (*days, "2024-11-29 19:10", "2024-12-02 22:10")])


def test_a_failed_pass_is_tried_again_after_longer_and_longer_pauses(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-07 08:00"), at("2024-02-07 12:00"))
    program = FakeProgram(clock, code=lambda number, moment: 0 if number == 4 else 1)
    scheduler(tmp_path, clock, program, "XSHG", retry_minutes=2, retry_factor=3, retry_minutes_at_most=30).run()
    # The pass itself takes three minutes; pauses of 2, 6, 18 and 30 instead of 54 follow.
    expected = ["08:10", "08:15", "08:24", "08:45", "09:18"]
    assert_begun(program, [at(f"2024-02-07 {one}") for one in expected], late=timedelta(seconds=10))
    beat = said(tmp_path, clock)
    assert (beat.state, beat.failures) == (State.STOPPED, 0)
    assert beat.last is not None
    assert (beat.last.outcome, beat.last.sessions) == (Outcome.SUCCEEDED, {"XSHG": date(2024, 2, 7)})


def test_pauses_become_shorter_towards_the_open(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-06 08:00"), at("2024-02-07 03:00"))
    # Shanghai opened on the 7th at 1:30 in UTC, and what was broken worked again twenty minutes before.
    program = FakeProgram(clock, code=lambda number, moment: int(moment < at("2024-02-07 01:10")))
    scheduler(tmp_path, clock, program, "XSHG").run()
    *_, before, last = program.moments
    # By hand: an hour and three minutes from each to the next up to half past midnight, and then half of what is left.
    assert before < at("2024-02-07 01:10") <= last < at("2024-02-07 01:30")
    assert Memory(tmp_path, NAME).read().missed == ()


def test_what_it_says_while_it_runs_waits_and_tries_again(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-07 08:09"), at("2024-02-08 00:00"))
    program = FakeProgram(clock, code=lambda number, moment: 1)
    one = scheduler(tmp_path, clock, program, "XSHG")
    pause = one.step()
    beat = said(tmp_path, clock)
    assert (beat.state, beat.next_due, pause) == (State.IDLE, at("2024-02-07 08:10"), 60)
    clock.time = at("2024-02-07 08:10")
    one.step()
    beat = said(tmp_path, clock)
    assert (beat.state, beat.sessions) == (State.RUNNING, {"XSHG": date(2024, 2, 7)})
    assert beat.next_due == at("2024-02-08 08:10")
    clock.time = at("2024-02-07 08:13")
    one.step()
    beat = said(tmp_path, clock)
    assert (beat.state, beat.retry_at, beat.failures) == (State.RETRYING, at("2024-02-07 08:15"), 1)
    one.close()
    assert seen(tmp_path, clock).liveness is Liveness.STOPPED


def test_a_pass_that_fails_until_the_open_is_missed_and_the_next_one_runs(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-06 08:00"), at("2024-02-07 12:00"), timedelta(minutes=4))
    broken = at("2024-02-07 06:00")
    program = FakeProgram(clock, code=lambda number, moment: int(moment < broken))
    scheduler(tmp_path, clock, program, "XSHG").run()
    # Shanghai opened on the 7th at 1:30 in UTC.
    *tries, last = program.moments
    assert len(tries) > 10
    assert tries[-1] < at("2024-02-07 01:30")
    assert at("2024-02-07 08:10") <= last < at("2024-02-07 08:14")
    done = Memory(tmp_path, NAME).read()
    ((exchange, session, reason),) = [(one.exchange, one.session, one.reason) for one in done.missed]
    assert (exchange, session, reason) == ("XSHG", date(2024, 2, 6), "its pass failed")
    assert done.failures == 0


def test_another_session_that_becomes_due_waits_for_no_retry(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-07 20:00"), at("2024-02-07 23:00"), timedelta(minutes=1))
    program = FakeProgram(clock, code=lambda number, moment: int(number == 0))
    scheduler(tmp_path, clock, program, "XSHG", "XNYS", retry_minutes=600, retry_minutes_at_most=600).run()
    assert_begun(program, [at("2024-02-07 20:00"), at("2024-02-07 22:10")])


def test_after_downtime_the_newest_session_is_caught_up_with(tmp_path: Path) -> None:
    first = FakeClock(at("2024-11-22 22:00"), at("2024-11-23 00:00"), QUARTER)
    scheduler(tmp_path, first, FakeProgram(first), "XNYS").run()
    later = FakeClock(at("2024-11-30 12:00"), at("2024-11-30 18:00"), QUARTER)
    program = FakeProgram(later)
    scheduler(tmp_path, later, program, "XNYS").run()
    assert_begun(program, [at("2024-11-30 12:00")])
    done = Memory(tmp_path, NAME).read()
    assert done.handled == {"XNYS": date(2024, 11, 29)}
    assert [(one.session.day, one.reason) for one in done.missed] == [
        (25, "no scheduler ran"),
        (26, "no scheduler ran"),
        (27, "no scheduler ran"),
    ]


def test_a_clock_that_jumps_leads_to_nothing_twice_and_nothing_forgotten(tmp_path: Path) -> None:
    ahead, back = at("2024-11-26 01:00"), at("2024-11-29 01:00")
    jumps = {ahead: at("2024-11-28 12:00"), back: at("2024-11-25 12:00")}
    clock = FakeClock(at("2024-11-25 22:00"), at("2024-11-30 00:00"), timedelta(minutes=10), jumps)
    program = FakeProgram(clock)
    scheduler(tmp_path, clock, program, "XNYS").run()
    # The 25th; after the jump ahead, on Thanksgiving, the 27th; after the jump back the 26th, which was too late by the
    # clock before and is not by this one, nothing on the 27th, and the 29th.
    moments = ("2024-11-25 22:10", "2024-11-28 12:00", "2024-11-26 22:10", "2024-11-29 19:10")
    assert_begun(program, [at(one) for one in moments])
    done = Memory(tmp_path, NAME).read()
    assert (done.missed, done.handled) == ((), {"XNYS": date(2024, 11, 29)})


def test_a_clock_set_back_makes_no_pause_longer(tmp_path: Path) -> None:
    jumps = {at("2024-02-07 08:14"): at("2024-02-07 08:11")}
    clock = FakeClock(at("2024-02-07 08:09"), at("2024-02-07 08:40"), jumps=jumps)
    program = FakeProgram(clock, code=lambda number, moment: int(number == 0))
    scheduler(tmp_path, clock, program, "XSHG", retry_minutes=20).run()
    assert_begun(program, [at("2024-02-07 08:10"), at("2024-02-07 08:11")], late=timedelta(minutes=1))


def test_a_clock_that_was_days_ahead_for_a_while_loses_no_session(tmp_path: Path) -> None:
    # From Tuesday evening to Friday evening and back: by that clock two sessions had been missed, and one was due.
    jumps = {at("2024-01-09 12:00"): at("2024-01-12 12:00"), at("2024-01-12 12:20"): at("2024-01-09 12:20")}
    clock = FakeClock(at("2024-01-08 12:00"), at("2024-01-15 12:00"), timedelta(minutes=5), jumps)
    program = FakeProgram(clock, code=lambda number, moment: int(at("2024-01-12 12:00") <= moment and number < 6))
    scheduler(tmp_path, clock, program, "XSHG").run()
    ahead = [one for one in program.moments[:6] if one >= at("2024-01-12 12:00")]
    assert ahead == program.moments[2 : 2 + len(ahead)] != []
    right = [one for one in program.moments if one not in ahead]
    assert [f"{one:%m-%d}" for one in right] == ["01-08", "01-09", "01-10", "01-11", "01-12", "01-15"]
    done = Memory(tmp_path, NAME).read()
    assert (done.missed, done.failures, done.handled) == ((), 0, {"XSHG": date(2024, 1, 15)})


def test_what_was_missed_stays_so_once_it_has_opened(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-01-09 08:00"), at("2024-01-12 12:00"), timedelta(minutes=5))
    broken = at("2024-01-10 06:00")
    program = FakeProgram(clock, code=lambda number, moment: int(moment < broken))
    scheduler(tmp_path, clock, program, "XSHG").run()
    assert [one.session for one in Memory(tmp_path, NAME).read().missed] == [date(2024, 1, 9)]
    assert [f"{one:%m-%d}" for one in program.moments if one > broken] == ["01-10", "01-11", "01-12"]


def test_beyond_the_calendar_it_refuses_and_says_so(tmp_path: Path) -> None:
    clock = FakeClock(at("2031-01-06 12:00"), at("2031-01-06 12:10"))
    program = FakeProgram(clock)
    one = scheduler(tmp_path, clock, program, "XNYS")
    for _ in range(3):
        clock.sleep(one.step())
        beat = said(tmp_path, clock)
        assert (beat.state, beat.next_due) == (State.REFUSING, None)
        assert "newer exchange_calendars" in (beat.problem or "")
        assert seen(tmp_path, clock).liveness is Liveness.ALIVE
    one.close()
    assert program.moments == []


def test_without_prices_it_waits_and_with_them_it_begins(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-07 09:00"), at("2024-02-07 09:20"))
    market, program = FakeMarket(("XSHG",), EmptyStore("var/prices")), FakeProgram(clock)
    one = scheduler(tmp_path, clock, program, market=market)
    clock.sleep(one.step())
    beat = said(tmp_path, clock)
    assert beat.state is State.REFUSING
    assert "no prices in" in (beat.problem or "")
    market.error = None
    one.run()
    assert_begun(program, [at("2024-02-07 09:01")], late=timedelta(minutes=1))


def test_a_store_that_goes_away_makes_it_forget_nothing(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-06 09:00"), at("2024-02-07 09:00"), QUARTER)
    market, program = FakeMarket(("XSHG",)), FakeProgram(clock)
    one = scheduler(tmp_path, clock, program, market=market)
    clock.sleep(one.step())
    market.error = OSError("the store is away")
    while not clock.stopped:
        clock.sleep(one.step())
    assert said(tmp_path, clock).problem == "the store is away"
    one.close()
    assert_begun(program, [at("2024-02-06 09:00"), at("2024-02-07 08:10")])


def test_a_second_one_stands_by_and_goes_on_where_the_first_was(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-07 08:10"), at("2024-02-08 00:00"))
    programs = [FakeProgram(clock, takes=timedelta(minutes=1)) for _ in range(2)]
    first, second = (scheduler(tmp_path, clock, program, "XSHG") for program in programs)
    for _ in range(100):
        pause = first.step()
        assert second.step() <= 1
        clock.sleep(pause)
    found = seen(tmp_path, clock)
    assert found.standbys == 1
    assert found.heartbeat is not None
    assert found.heartbeat.state is State.IDLE
    first.close()
    second.step()
    found = seen(tmp_path, clock)
    assert (found.standbys, found.liveness) == (0, Liveness.ALIVE)
    second.run()
    assert [len(one.moments) for one in programs] == [1, 0]


def test_two_homes_on_one_store_have_one_owner(tmp_path: Path) -> None:
    store = str(tmp_path / "prices")
    one, other, elsewhere = (Owner(tmp_path / home, store, NAME) for home in ("a", "b", "c"))
    assert one.take()
    assert not other.take()
    assert Owner(tmp_path / "b", store, "other-model").take()
    one.release()
    assert elsewhere.take()
    assert not other.take()
    assert Owner(tmp_path / "b", str(tmp_path / "own"), NAME).take()  # that it stood by holds nobody up


def test_a_pass_that_outlives_its_scheduler_is_waited_for(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-07 09:00"), at("2024-02-07 10:00"))
    former = Owner(tmp_path, str(tmp_path / "prices"), NAME)
    assert former.pass_lock() is not None
    program = FakeProgram(clock)
    one = scheduler(tmp_path, clock, program, "XSHG")
    for _ in range(5):
        clock.sleep(one.step())
        assert (said(tmp_path, clock).state, program.moments) == (State.RUNNING, [])
    former.free_pass()
    one.run()
    assert len(program.moments) == 1


def test_a_pass_has_a_time_limit_of_work_not_of_the_clock(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-07 08:10"), at("2024-02-07 09:00"))
    program = FakeProgram(clock, takes=timedelta(hours=8))
    one = scheduler(tmp_path, clock, program, "XSHG", limit_minutes=10, drain_seconds=7, retry_minutes=120)
    one.step()
    clock.time += timedelta(hours=2)  # the machine slept
    one.step()
    assert program.begun[0].told == []
    for _ in range(10):
        clock.time += timedelta(minutes=1)
        one.step()
    assert program.begun[0].told == [7]
    beat = said(tmp_path, clock)
    assert (beat.state, beat.failures) == (State.RETRYING, 1)
    assert beat.last is not None
    assert beat.last.detail == "the pass took longer than 10 minutes and was ended"
    one.close()


@pytest.mark.parametrize(("minutes", "handled"), [(1, {}), (3, {"XSHG": date(2024, 2, 7)})])
def test_a_stop_tells_the_running_pass_and_counts_one_that_ended_well(
    tmp_path: Path, minutes: int, handled: dict[str, date]
) -> None:
    clock = FakeClock(at("2024-02-07 08:10"), at("2024-02-07 08:10"))
    program = FakeProgram(clock)
    one = scheduler(tmp_path, clock, program, "XSHG", drain_seconds=9)
    one.step()
    clock.time += timedelta(minutes=minutes)
    one.close()
    assert program.begun[0].told == [9]
    done = Memory(tmp_path, NAME).read()
    assert (done.handled, done.failures) == (handled, 0)


class Unable:
    """No process can be started."""

    def begin(self, lock: int) -> FakeProgram:
        raise OSError(12, "Cannot allocate memory")


def test_a_pass_that_cannot_be_started_has_failed(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-07 08:10"), at("2024-02-07 08:20"))
    one = scheduler(tmp_path, clock, Unable(), "XSHG")
    beat, passed = one.once()
    assert beat.state is State.RETRYING
    assert passed is not None
    assert (passed.code, passed.detail) == (1, "the pass could not be started: Cannot allocate memory")


def test_a_disk_that_refuses_leads_to_nothing_twice(tmp_path: Path) -> None:
    kept, beat = (tmp_path / "schedule" / f"{NAME}{end}" for end in (".done.json", ".json"))
    for file in (kept, beat):
        file.mkdir(parents=True)
    clock = FakeClock(at("2024-02-06 09:00"), at("2024-02-07 09:00"), QUARTER)
    program = FakeProgram(clock)
    one = scheduler(tmp_path, clock, program, "XSHG")
    for _ in range(40):
        clock.sleep(one.step())
    for file in (kept, beat):
        file.rmdir()
    one.run()
    assert len(program.moments) == 2
    assert Memory(tmp_path, NAME).read().handled == {"XSHG": date(2024, 2, 7)}
    assert not list(tmp_path.rglob("*.draft"))


def test_a_damaged_memory_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "schedule").mkdir()
    (tmp_path / "schedule" / f"{NAME}.done.json").write_text('{"handled": ')
    clock = FakeClock(at("2024-02-07 09:00"), at("2024-02-07 10:00"), QUARTER)
    program = FakeProgram(clock)
    scheduler(tmp_path, clock, program, "XSHG").run()
    assert len(program.moments) == 1
    assert "what was done before cannot be read" in caplog.text


def test_once_runs_what_is_due_whatever_failed_before(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-07 09:00"), at("2024-02-08 00:00"))
    for code in (1, 1, 0):
        program = FakeProgram(clock, code=lambda number, moment, code=code: code)
        _, passed = scheduler(tmp_path, clock, program, "XSHG").once()
        assert passed is not None
        assert (passed.code, len(program.moments)) == (code, 1)
    program = FakeProgram(clock)
    beat, passed = scheduler(tmp_path, clock, program, "XSHG").once()
    assert (passed, program.moments, beat.next_due) == (None, [], at("2024-02-08 08:10"))


def test_once_beside_an_owner_runs_nothing(tmp_path: Path) -> None:
    clock = FakeClock(at("2024-02-07 09:00"), at("2024-02-08 00:00"))
    owner = Owner(tmp_path, str(tmp_path / "prices"), NAME)
    assert owner.take()
    program = FakeProgram(clock)
    beat, passed = scheduler(tmp_path, clock, program, "XSHG").once()
    assert (beat.state, passed, program.moments) == (State.STANDBY, None, [])
