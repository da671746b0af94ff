from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.providers.tushare.limits import WINDOW, CallLimits
from tests.data.tables import several
from tests.tushare_server.clock import SimulatedClock

# 23:00 in Shanghai.
EVENING = datetime(2024, 3, 4, 15, 0, tzinfo=UTC)


def clock(start: datetime = EVENING) -> SimulatedClock:
    return SimulatedClock(start)


def sent(limits: CallLimits, time: SimulatedClock, calls: int, api: str = "daily") -> list[float]:
    """Seconds since the evening at which each call was let pass."""
    moments = []
    for _ in range(calls):
        limits.wait(api)
        moments.append((time.now() - EVENING).total_seconds())
    return moments


def test_an_idle_account_makes_a_minutes_calls_at_once_and_then_waits() -> None:
    time = clock()
    assert sent(CallLimits(time, 3), time, 7) == [0, 0, 0, 60.5, 60.5, 60.5, 121]


def test_a_call_becomes_free_when_its_own_minute_is_over() -> None:
    time = clock()
    limits = CallLimits(time, 2)
    assert sent(limits, time, 1) == [0]
    time.advance(40)
    assert sent(limits, time, 3) == [40, 60.5, 100.5]


@several
@given(
    limit=st.integers(1, 6),
    own=st.integers(1, 6),
    calls=st.lists(
        st.tuples(st.sampled_from(["daily", "stock_basic"]), st.floats(0, 40), st.floats(0, 3), st.floats(0, 1)),
        max_size=40,
    ),
)
def test_no_minute_holds_more_calls_than_allowed_and_no_wait_is_idle(
    limit: int, own: int, calls: list[tuple[str, float, float, float]]
) -> None:
    time = clock()
    limits = CallLimits(time, limit, per_minute_of={"stock_basic": own})
    arrivals: list[tuple[float, str]] = []
    answers: list[tuple[float, str]] = []
    for api, gap, latency, share in calls:
        time.advance(gap)
        before = time.now().timestamp()
        limits.wait(api)
        now = time.now().timestamp()
        if now > before:
            # A moment sooner, one of the two minutes was full.
            same = [moment for moment, name in answers if name == api and moment + WINDOW > now - 0.002]
            every = [moment for moment, _ in answers if moment + WINDOW > now - 0.002]
            assert len(every) >= limit or (api == "stock_basic" and len(same) >= own)
        # The server counts it somewhere between here and its answer.
        arrivals.append((now + latency * share, api))
        time.advance(latency)
        limits.answered()
        answers.append((time.now().timestamp(), api))
    for moment, _ in arrivals:
        minute = [(other, api) for other, api in arrivals if moment <= other <= moment + 60]
        assert len(minute) <= limit
        assert sum(api == "stock_basic" for _, api in minute) <= own


def test_an_interface_with_a_lower_limit_of_its_own_does_not_hold_up_the_others() -> None:
    time = clock()
    limits = CallLimits(time, 5, per_minute_of={"stock_basic": 2})
    assert sent(limits, time, 2, "stock_basic") == [0, 0]
    assert sent(limits, time, 3) == [0, 0, 0]
    assert sent(limits, time, 1, "stock_basic") == [60.5]


def test_stock_basic_is_known_to_allow_fifty_a_minute() -> None:
    time = clock()
    limits = CallLimits(time, 500)
    assert sent(limits, time, 51, "stock_basic") == [0.0] * 50 + [60.5]
    assert sent(limits, time, 100)[-1] == 60.5


def test_a_spent_day_waits_for_shanghais_midnight_and_says_how_long() -> None:
    time = clock()
    limits = CallLimits(time, 10, per_day=2)
    told: list[tuple[float, str]] = []
    for _ in range(3):
        limits.wait("daily", lambda seconds, why: told.append((seconds, why)))
    assert time.now() == EVENING + timedelta(hours=1, seconds=0.5)
    ((seconds, why),) = told
    assert seconds == 3600.5
    assert why == "pacing: all 2 calls of today are made, and the next day begins in Shanghai in 1 h 1 min"


def test_a_wait_within_the_minute_names_the_limit() -> None:
    time = clock()
    limits = CallLimits(time, 2, per_minute_of={"stock_basic": 1})
    told: list[tuple[float, str]] = []
    for api in ("stock_basic", "stock_basic", "daily", "daily"):
        limits.wait(api, lambda seconds, why: told.append((seconds, why)))
    assert told == [
        (60.5, "pacing: 1 calls of stock_basic a minute at most"),
        (60.5, "pacing: 2 calls a minute at most"),
    ]


def test_a_call_over_midnight_counts_for_both_days() -> None:
    time = clock(datetime(2024, 3, 4, 15, 59, 59, tzinfo=UTC))
    limits = CallLimits(time, 10, per_day=1)
    limits.wait("daily")
    time.advance(2)
    limits.answered()
    limits.wait("daily")
    assert time.now() == datetime(2024, 3, 5, 16, 0, 0, 500_000, tzinfo=UTC)


def test_a_call_counts_from_its_answer_on() -> None:
    time = clock()
    limits = CallLimits(time, 1)
    limits.wait("daily")
    time.advance(25)
    limits.answered()
    assert sent(limits, time, 1) == [85.5]


def test_the_count_outlives_the_process(tmp_path: Path) -> None:
    time, memory = clock(), tmp_path / "new" / "calls.json"
    first = CallLimits(time, 3, per_day=5, memory=memory)
    sent(first, time, 2)
    time.advance(10)
    second = CallLimits(time, 3, per_day=5, memory=memory)
    assert sent(second, time, 2) == [10, 60.5]
    third = CallLimits(time, 3, per_day=5, memory=memory)
    # The fifth of the day at once, the sixth on the next.
    assert sent(third, time, 2) == [60.5, 3600.5]
    assert [one.name for one in memory.parent.iterdir()] == ["calls.json"]


def test_the_memory_holds_moments_and_interfaces_and_nothing_older_than_a_minute(tmp_path: Path) -> None:
    time, memory = clock(), tmp_path / "calls.json"
    limits = CallLimits(time, 3, memory=memory)
    limits.wait("daily")
    time.advance(70)
    limits.wait("adj_factor")
    moment = EVENING.timestamp() + 70
    assert json.loads(memory.read_text()) == {"day": "2024-03-04", "today": 2, "calls": [[moment, "adj_factor"]]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"day": "2024-03-04", "today": 2, "cal',
        "[]",
        "null",
        "{}",
        '{"day": "2024-03-04", "today": 1e999, "calls": []}',
        '{"day": "2024-03-04", "today": -3, "calls": []}',
        '{"day": "2024-03-04", "today": 3, "calls": [[NaN, "daily"]]}',
        '{"day": "2024-03-04", "today": 3, "calls": [7]}',
        '{"day": "2024-03-04", "today": 3, "calls": [["soon", "daily"]]}',
        "[" * 100_000,
        "\ud800",
    ],
)
def test_an_unreadable_memory_starts_afresh_and_is_replaced(tmp_path: Path, text: str) -> None:
    memory = tmp_path / "calls.json"
    memory.write_bytes(text.encode("utf-8", "surrogatepass"))
    time = clock()
    assert sent(CallLimits(time, 2, per_day=2, memory=memory), time, 2) == [0, 0]
    assert json.loads(memory.read_text())["today"] == 2


@pytest.mark.parametrize("there", ["folder", "file as its folder"])
def test_a_memory_that_cannot_be_written_does_not_stop_a_call(tmp_path: Path, there: str) -> None:
    memory = tmp_path / "calls.json"
    if there == "folder":
        memory.mkdir()
    else:
        memory.write_text("")
        memory = memory / "calls.json"
    time = clock()
    assert sent(CallLimits(time, 2, memory=memory), time, 3) == [0, 0, 60.5]
    assert [one.name for one in tmp_path.iterdir()] == ["calls.json"]


def test_a_full_disk_does_not_stop_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = tmp_path / "calls.json"
    time = clock()
    limits = CallLimits(time, 2, memory=memory)
    limits.wait("daily")
    before = memory.read_text()

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert sent(limits, time, 2) == [0, 60.5]
    # What was there is whole, and nothing half lies beside it.
    assert memory.read_text() == before
    assert [one.name for one in tmp_path.iterdir()] == ["calls.json"]


def test_a_clock_that_was_set_back_holds_nothing_up_for_long(tmp_path: Path) -> None:
    memory = tmp_path / "calls.json"
    ahead = clock(EVENING + timedelta(days=400))
    sent(CallLimits(ahead, 2, per_day=2, memory=memory), ahead, 2)
    time = clock()
    assert sent(CallLimits(time, 2, per_day=2, memory=memory), time, 1) == [60.5]


@pytest.mark.parametrize(
    ("calls", "counts", "seconds"),
    [
        (0, {}, 0.0),
        (10, {}, 0.0),
        (11, {}, 60.5),
        (30, {}, 121.0),
        (31, {}, 181.5),
        (10, {"stock_basic": 4}, 60.5),
        (10, {"stock_basic": 9, "daily": 1}, 4 * 60.5),
    ],
)
def test_an_estimate_from_idle(calls: int, counts: dict[str, int], seconds: float) -> None:
    limits = CallLimits(clock(), 10, per_minute_of={"stock_basic": 2})
    assert limits.estimate(calls, counts) == pytest.approx(seconds)


def test_an_estimate_knows_what_was_made_already() -> None:
    time = clock()
    limits = CallLimits(time, 2)
    sent(limits, time, 2)
    time.advance(20)
    assert limits.estimate(2) == pytest.approx(40.5)
    assert limits.estimate(3) == pytest.approx(101.0)


def test_an_estimate_counts_days() -> None:
    time = clock()
    limits = CallLimits(time, 10, per_day=15)
    sent(limits, time, 5)
    # Ten today: five at once, five after a minute.
    assert limits.estimate(10) == pytest.approx(60.5)
    # One more after midnight; fifteen more take the next day's second minute; one more again a day later.
    assert limits.estimate(11) == pytest.approx(3600.5)
    assert limits.estimate(25) == pytest.approx(3600.5 + 60.5)
    assert limits.estimate(26) == pytest.approx(3600.5 + 86400)


@several
@given(limit=st.integers(1, 5), day=st.integers(1, 12), before=st.integers(0, 8), calls=st.integers(1, 40))
def test_an_estimate_is_what_the_calls_then_take(limit: int, day: int, before: int, calls: int) -> None:
    time = clock()
    limits = CallLimits(time, limit, per_day=day)
    sent(limits, time, before)
    start = (time.now() - EVENING).total_seconds()
    estimate = limits.estimate(calls)
    # A day begins half a second after midnight, each time anew.
    assert sent(limits, time, calls)[-1] - start == pytest.approx(estimate, abs=1.0)


@pytest.mark.parametrize("wrong", [{"per_minute": 0}, {"per_minute": 5, "per_day": 0}])
def test_a_limit_of_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one call, got 0"):
        CallLimits(clock(), **wrong)
