"""How `forecaster schedule --once` ends; `test_processes.py` has the command itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from forecaster.heartbeat import Heartbeat, LastPass, Outcome, State
from service.schedule.cli import ending

AT = datetime(2024, 2, 8, 8, 10, tzinfo=UTC)


def beat(**changes: Any) -> Heartbeat:
    facts: dict[str, Any] = {"name": "next-close", "host": "north", "pid": 41, "every": 5, "started": AT, "at": AT}
    return Heartbeat(**{**facts, "state": State.IDLE, **changes})


@pytest.mark.parametrize(("code", "exit_code"), [(0, 0), (1, 1), (2, 2), (-9, 1)])
def test_a_pass_that_was_run_ends_it_with_its_code(code: int, exit_code: int) -> None:
    outcome = Outcome.FAILED if code else Outcome.SUCCEEDED
    sessions = {"XSHG": date(2024, 2, 8), "XNYS": date(2024, 2, 7)}
    passed = LastPass(sessions=sessions, outcome=outcome, code=code, started=AT, finished=AT, detail="so it went")
    assert ending(beat(), passed, stopped=False) == (exit_code, "XNYS 2024-02-07, XSHG 2024-02-08: so it went")


@pytest.mark.parametrize(
    ("changes", "stopped", "exit_code", "text"),
    [
        ({"next_due": AT}, False, 0, "nothing is due; the next pass is at 2024-02-08T08:10:00+00:00"),
        ({"state": State.RUNNING}, True, 1, "told to stop before the pass was done"),
        ({"state": State.STANDBY}, False, 1, "another scheduler runs the passes of next-close"),
        ({"problem": "no prices"}, False, 1, "nothing was run: no prices"),
    ],
    ids=["nothing", "stopped", "standby", "problem"],
)
def test_without_a_pass_it_says_why(changes: dict[str, Any], stopped: bool, exit_code: int, text: str) -> None:
    code, told = ending(beat(**changes), None, stopped=stopped)
    assert code == exit_code
    assert told.startswith(text)
