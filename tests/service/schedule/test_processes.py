"""`forecaster schedule` as processes. What it runs is a script that does as it is told, but for the command's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.sessions import Calendars
from forecaster.heartbeat import HeartbeatFolder, Liveness, Outcome, Seen, State
from service.schedule.cli import schedule
from service.schedule.memory import Done, Memory
from tests.service.test_serve import PROGRAM, environment
from tests.service.tiny_model import ROOT

NAME = "next-close"

# A scheduler whose passes are the script PASS: it writes down that it ran, waits while the file `hold` is there, and
# fails where `fail` is.
SCHEDULER = """
import sys
from forecaster.settings import Settings
from service import logs
from service.schedule.build import build
from service.schedule.waiting import UntilSignal

clock = UntilSignal()
logs.configure()
build(Settings(), "next-close", clock, (sys.executable, *sys.argv[1:])).run()
"""

PASS = """
import os, signal, sys, time
from pathlib import Path
here = Path(sys.argv[1])
deaf = (here / "deaf").exists()
if deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with (here / "ran").open("a") as ran:
    ran.write(f"{os.getpid()} {sys.argv[2]}\\n")
until = time.monotonic() + 60
while (here / "hold").exists() and time.monotonic() < until:
    time.sleep(0.02)
if (here / "fail").exists():
    sys.exit("there is nothing to be had")
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home where nothing was done yet, and the two programs beside it."""
    (tmp_path / "scheduler.py").write_text(SCHEDULER)
    (tmp_path / "pass.py").write_text(PASS)
    return tmp_path / "home"


def exchange_with_a_due_pass() -> str:
    """While New York's session is open Hong Kong's is over, and the other way round."""
    now, calendars = datetime.now(UTC), Calendars()
    for exchange in ("XNYS", "XHKG"):
        sessions = calendars.exchange(exchange)
        opens = sessions.opening(sessions.next_session(sessions.last_due(now)))
        assert opens is not None
        if opens - now > timedelta(minutes=2):
            return exchange
    raise AssertionError("both are open")


@contextmanager
def scheduling(home: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
    """A scheduler that looks ten times a second and has a pass to run, and is no more afterwards."""
    here = home.parent
    settings = {
        "HEARTBEAT_SECONDS": "0.1",
        "DELAY_MINUTES": "0",
        "EXCHANGES": f'["{exchange_with_a_due_pass()}"]',
        **more,
    }
    process = subprocess.Popen(
        [sys.executable, str(here / "scheduler.py"), str(here / "pass.py"), str(here)],
        env=environment(home) | {f"FORECASTER_SCHEDULE__{name}": value for name, value in settings.items()},
        cwd=here,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def seen(home: Path) -> Seen:
    return HeartbeatFolder(home).look(NAME, datetime.now(UTC))


def state(home: Path) -> State | None:
    beat = seen(home).heartbeat
    return None if beat is None else beat.state


def ran(home: Path) -> list[int]:
    """The processes of the passes that began."""
    file = home.parent / "ran"
    lines = file.read_text().splitlines() if file.exists() else []
    assert all(line.split()[1] == NAME for line in lines)
    return [int(line.split()[0]) for line in lines]


def wait_for(done: Callable[[], bool], seconds: float = 30) -> float:
    """How long it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return (
        Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z" if Path("/proc").is_dir() else True
    )


def test_of_three_one_runs_the_pass_and_when_it_is_killed_another_goes_on(home: Path) -> None:
    (home.parent / "hold").touch()
    with ExitStack() as stack:
        three = [stack.enter_context(scheduling(home)) for _ in range(3)]
        wait_for(lambda: len(ran(home)) == 1 and seen(home).standbys == 2)
        beat = seen(home).heartbeat
        assert beat is not None
        (owner,) = (one for one in three if one.pid == beat.pid)
        owner.send_signal(signal.SIGKILL)
        owner.wait()

        def taken_over() -> bool:
            now = seen(home).heartbeat
            return now is not None and now.pid in {one.pid for one in three} - {owner.pid}

        assert wait_for(taken_over) < 10
        # The killed one's pass runs on, and the new owner begins none beside it.
        assert state(home) is State.RUNNING
        time.sleep(0.5)
        (first,) = ran(home)
        assert alive(first)
        (home.parent / "hold").unlink()
        # Nobody saw how that pass ended, so that it is run again, which does nothing where it was done.
        wait_for(lambda: len(ran(home)) == 2 and state(home) is State.IDLE)
        last = seen(home).heartbeat
        assert last is not None
        assert last.last is not None
        assert last.last.outcome is Outcome.SUCCEEDED
        for one in three:
            one.terminate()
        assert sorted(one.wait(20) for one in three) == [-signal.SIGKILL, 0, 0]
    assert len(ran(home)) == 2
    assert seen(home).liveness is Liveness.STOPPED
    assert len(Memory(home, NAME).read().handled) == 1


@pytest.mark.parametrize("deaf", [False, True], ids=["ends when told", "has to be killed"])
def test_sigterm_ends_the_pass_and_then_the_scheduler(home: Path, deaf: bool) -> None:
    for name in ("hold", *(["deaf"] if deaf else [])):
        (home.parent / name).touch()
    with scheduling(home, DRAIN_SECONDS="1") as process:
        wait_for(lambda: len(ran(home)) == 1)
        (pid,) = ran(home)
        began = time.monotonic()
        process.terminate()
        _, err = process.communicate(timeout=20)
        took = time.monotonic() - began
    assert process.returncode == 0, err
    assert (took >= 1) is deaf
    assert took < 8
    assert not alive(pid)
    assert f"ended by {'SIGKILL' if deaf else 'SIGTERM'}" in err
    assert Memory(home, NAME).read() == Done()  # a pass that was stopped is neither done nor failed


def test_a_failed_pass_says_why_and_is_tried_again(home: Path) -> None:
    (home.parent / "fail").touch()
    with scheduling(home, RETRY_MINUTES="0.005") as process:
        wait_for(lambda: len(ran(home)) >= 2)
        beat = seen(home).heartbeat
        assert beat is not None
        assert beat.last is not None
        assert beat.last.detail == "the pass ended with code 1: there is nothing to be had"
        assert beat.failures >= 1
        (home.parent / "fail").unlink()
        wait_for(lambda: state(home) is State.IDLE)
        process.terminate()
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert all(line.startswith("time=") for line in err.splitlines())
    assert 'message="pass failed" model="next-close"' in err
    assert seen(home).heartbeat is not None


def test_the_command_by_itself(tmp_path: Path) -> None:
    home, here = tmp_path / "home", {"FORECASTER_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(
        [*PROGRAM, "schedule"], env=environment(home), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: state(home) is State.REFUSING)
        status = CliRunner().invoke(schedule, ["--status", "--json"], env=here)
        document = json.loads(status.stdout)
        assert (status.exit_code, document["liveness"], document["heartbeat"]["pid"]) == (0, "alive", process.pid)
        assert "there are no prices in" in document["text"]
        once = subprocess.run(
            [*PROGRAM, "schedule", "--once", "--json"],
            env=environment(home),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        document = json.loads(once.stdout)
        assert (once.returncode, document["state"], document["pass"]) == (1, "standby", None)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert all(line.startswith("time=") for line in err.splitlines())
    finally:
        process.kill()
        process.communicate()
    status = CliRunner().invoke(schedule, ["--status"], env=here)
    assert status.exit_code == 3
    assert status.stdout.startswith("stopped at ")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="whether a process listens to signals is read in /proc")
def test_told_to_end_before_it_has_begun(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with subprocess.Popen([*PROGRAM, "schedule"], env=environment(home), cwd=ROOT, stderr=subprocess.PIPE) as process:
        wait_for(lambda: listens(process.pid, signal.SIGTERM))
        process.terminate()
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (128 + signal.SIGTERM, b"")
    assert not home.exists()


def listens(pid: int, number: int) -> bool:
    caught = Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()[0]
    return bool(int(caught, 16) >> (number - 1) & 1)


@pytest.mark.parametrize(
    "arguments", [["--once", "--status"], ["--json"], ["--status", "--name", "../x"]], ids=["two", "json", "name"]
)
def test_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    done = CliRunner().invoke(schedule, arguments, env={"FORECASTER_HOME": str(tmp_path)})
    assert done.exit_code == 2, done.output
    assert not list(tmp_path.iterdir())
