from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecaster.heartbeat import Heartbeat, HeartbeatFolder, LastPass, Liveness, Outcome, State

NOW = datetime(2024, 2, 8, 9, 0, tzinfo=UTC)


def beat(**changes: Any) -> Heartbeat:
    facts: dict[str, Any] = {"name": "next-close", "host": "north", "pid": 41, "every": 5, "started": NOW, "at": NOW}
    return Heartbeat(**{**facts, "state": State.IDLE, **changes})


@pytest.mark.parametrize(
    ("every", "age", "liveness"),
    [
        (5, 0, Liveness.ALIVE),
        (5, 15, Liveness.ALIVE),
        (5, 16, Liveness.LATE),
        (5, 60, Liveness.LATE),
        (5, 61, Liveness.DEAD),
        (60, 180, Liveness.ALIVE),  # who speaks rarely is late later
        (60, 720, Liveness.LATE),
        (60, 721, Liveness.DEAD),
        (5, -10, Liveness.ALIVE),
        (5, -3600, Liveness.DEAD),  # the clock was set back since, and nobody has said anything
    ],
)
def test_how_old_it_is_tells_whether_it_lives(tmp_path: Path, every: float, age: float, liveness: Liveness) -> None:
    folder = HeartbeatFolder(tmp_path)
    folder.write(beat(every=every))
    seen = folder.look("next-close", NOW + timedelta(seconds=age))
    assert (seen.liveness, seen.age) == (liveness, age)
    assert seen.text.startswith(f"{liveness.value}: ")
    assert seen.where == f"{seen.text} (process 41 on north)"


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    last = LastPass(
        sessions={"XSHG": date(2024, 2, 8)},
        outcome=Outcome.FAILED,
        code=1,
        started=NOW - timedelta(minutes=9),
        finished=NOW - timedelta(minutes=1),
        detail="the provider did not answer",
    )
    written = beat(
        state=State.RETRYING,
        sessions={"XSHG": date(2024, 2, 8)},
        next_due=datetime(2024, 2, 19, 8, 10, tzinfo=UTC),
        retry_at=NOW + timedelta(minutes=3),
        last=last,
        failures=2,
    )
    folder = HeartbeatFolder(tmp_path)
    folder.write(written)
    seen = folder.look("next-close", NOW)
    assert seen.heartbeat == written
    assert seen.text == (
        "alive: trying the pass of XSHG 2024-02-08 again at 2024-02-08 09:03 UTC; "
        "the next pass is due at 2024-02-19 08:10 UTC; the last one failed at 2024-02-08 08:59 UTC; "
        "failures in a row: 2, the last: the provider did not answer"
    )
    assert not list(tmp_path.rglob("*.draft"))


def test_one_that_never_was_and_one_that_stopped(tmp_path: Path) -> None:
    folder = HeartbeatFolder(tmp_path)
    never = folder.look("next-close", NOW)
    assert (never.liveness, never.age, never.heartbeat) == (Liveness.NEVER, None, None)
    assert "forecaster schedule" in never.text
    folder.write(beat(state=State.STOPPED))
    stopped = folder.look("next-close", NOW + timedelta(days=9))
    assert stopped.liveness is Liveness.STOPPED
    assert stopped.text.startswith("stopped at 2024-02-08 09:00 UTC")


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b'{"name": "next-close"'])
def test_a_damaged_file_is_no_heartbeat_and_no_crash(tmp_path: Path, text: bytes) -> None:
    folder = HeartbeatFolder(tmp_path)
    folder.write(beat())
    (tmp_path / "schedule" / "next-close.json").write_bytes(text)
    seen = folder.look("next-close", NOW)
    assert (seen.liveness, seen.age, seen.heartbeat) == (Liveness.UNREADABLE, None, None)


def test_standbys_are_counted_beside_the_owner_until_they_are_gone(tmp_path: Path) -> None:
    folder = HeartbeatFolder(tmp_path)
    folder.write(beat())
    first, second = (beat(state=State.STANDBY, pid=pid) for pid in (42, 43))
    for one in (first, second, beat(state=State.STANDBY, name="other", pid=44)):
        folder.write(one)
    (tmp_path / "schedule" / "standby" / "torn.json").write_text("{")
    seen = folder.look("next-close", NOW)
    assert (seen.standbys, seen.heartbeat) == (2, beat())
    assert seen.text.endswith("standing by: 2")
    folder.forget_standby(beat(pid=42))
    assert folder.look("next-close", NOW).standbys == 1
    later = NOW + timedelta(minutes=2)
    assert folder.look("next-close", later).standbys == 0
    folder.clear("next-close", later)
    assert [file.name for file in (tmp_path / "schedule" / "standby").iterdir()] == ["other.north.44.json"]
