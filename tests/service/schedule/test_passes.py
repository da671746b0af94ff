"""Passes as processes: real ones, that print what they are told to."""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from forecaster.pipeline.record import Pass, PassState, StepRecord, StepState
from service.schedule.passes import Ended, PassProgram

AT = datetime(2024, 2, 8, 8, 10, tzinfo=UTC)
RECORD = Pass(
    name="next-close",
    key="2024-02-08",
    session=date(2024, 2, 8),
    exchange="XSHG",
    state=PassState.FAILED,
    started=AT,
    steps=(
        StepRecord(name="fetch", state=StepState.FAILED, detail="600519.SH: 上游 did not answer"),
        StepRecord(name="check", state=StepState.DONE, detail="as it should be"),
        StepRecord(name="train", state=StepState.TIMED_OUT, detail="took longer than 6 h"),
    ),
).model_dump_json()


def ended(home: Path, source: str) -> Ended:
    with (home / "lock").open("w") as lock:
        begun = PassProgram(home, "next-close", (sys.executable, "-c", source)).begin(lock.fileno())
        until = time.monotonic() + 20
        while (found := begun.ended()) is None:
            assert time.monotonic() < until
            time.sleep(0.01)
    return found


@pytest.mark.parametrize(
    ("source", "code", "detail"),
    [
        ("print('all is well')", 0, "the pass is done"),
        (
            f"import sys; sys.stdout.buffer.write({RECORD.encode()!r}); sys.exit(1)",
            1,
            "the pass ended with code 1: fetch: 600519.SH: 上游 did not answer; train: took longer than 6 h",
        ),
        (
            """print('{"error": {"type": "PassBusy", "message": "another is at it"}}'); raise SystemExit(1)""",
            1,
            "the pass ended with code 1: another is at it",
        ),
        ("import sys; print('first', file=sys.stderr); sys.exit('last')", 1, "the pass ended with code 1: last"),
        ("import os; os.kill(os.getpid(), 9)", -9, "the pass was ended by SIGKILL"),
        ("print('[1'); raise SystemExit(3)", 3, None),
    ],
    ids=["done", "record", "error", "stderr", "killed", "silent"],
)
def test_how_it_ended_in_a_sentence(tmp_path: Path, source: str, code: int, detail: str | None) -> None:
    found = ended(tmp_path, source)
    assert found.code == code
    if detail is None:
        detail = f"the pass ended with code 3: it said nothing in {tmp_path}/schedule/next-close.pass.log"
    assert found.detail == detail


def test_it_is_given_the_name_and_a_session_of_its_own(tmp_path: Path) -> None:
    source = "import os, sys; print(sys.argv[1], os.getsid(0) == os.getpid())"
    assert ended(tmp_path, source).code == 0
    assert (tmp_path / "schedule" / "next-close.pass.out").read_text() == "next-close True\n"
