"""Begins the passes of the year: in this process, or as processes that are killed in a step."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.unattended.clock import YearClock
from benchmarks.unattended.house import NAME
from benchmarks.unattended.market import last_closed
from benchmarks.unattended.notes import Notes
from benchmarks.unattended.passing import ordered
from data.errors import DataError
from forecaster.errors import ForecasterError
from forecaster.pipeline.record import PassState
from forecaster.pipeline.run import run_pass
from forecaster.settings import Settings
from service.schedule.passes import Ended, Pass, PassProcess

ROOT: Final = Path(__file__).parents[2]

# About how long a step takes [s]; it is killed at a moment within.
_TAKES: Final = {
    "fetch": 0.4,
    "check": 0.12,
    "score": 0.12,
    "decide": 0.2,
    "train": 8.0,
    "gate": 1.0,
    "promote": 0.06,
    "publish": 0.25,
    "clean": 0.25,
}
_OF_A_TRAINING: Final = frozenset({"train", "gate", "promote"})
_LOOK_SECONDS: Final = 0.002

# What a training looks to itself, where whoever started it was killed and it was not.
_ORPHAN_SECONDS: Final = 1.5
_PASS_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Over:
    """A pass that has ended before anybody asked."""

    how: Ended

    def ended(self) -> Ended:
        """How."""
        return self.how

    def stop(self, seconds: float) -> Ended:
        """It has."""
        return self.how


class YearProgram:
    """See `service.schedule.passes.Program`."""

    def __init__(
        self,
        where: Callable[[date], Settings],
        trains: Callable[[date], bool],
        kills: dict[date, tuple[str, ...]],
        clock: YearClock,
        notes: Notes,
    ) -> None:
        """Starts nothing yet.

        Args:
            where: the settings of a session's pass.
            trains: whether that pass trains, as far as the calendar tells.
            kills: by session the steps in which its passes are to be killed, one after the other.
            clock: of the year.
            notes: where what happens is told.
        """
        self._where, self._trains, self._clock, self._notes = where, trains, clock, notes
        self._planned = dict(kills)
        self._owed: list[str] = []
        self._random = np.random.default_rng(len(kills))

    def begin(self, lock: int) -> Pass:
        """Run a pass of the last session that has closed, to its end or until it is killed."""
        session = last_closed(self._clock.true)
        for one in [day for day in self._planned if day <= session]:
            self._owed += self._planned.pop(one)
        where = self._where(session)
        told = {"session": f"{session}", "true": self._clock.true.isoformat(), "shown": self._clock.now().isoformat()}
        training = self._trains(session)
        wanted = next((one for one in self._owed if training or one not in _OF_A_TRAINING), None)
        over = Over(self._here(where)) if wanted is None else self._killed(where, session, lock, wanted)
        ended = over.ended()
        assert ended is not None
        told |= {"how": "here" if wanted is None else "a process", "code": f"{ended.code}", "detail": ended.detail}
        self._notes.begun.append(told)
        self._notes.look(Path(where.ledger_uri), self._clock.true)
        return over

    def _here(self, where: Settings) -> Ended:
        try:
            done = run_pass(where, self._clock, inline=True)
        except (DataError, ForecasterError) as error:
            return Ended(1, f"{type(error).__name__}: {error}")
        self._clock.sleep(_PASS_SECONDS)
        broken = [f"{one.name}: {one.detail}" for one in done.steps if one.broken]
        return Ended(1, "; ".join(broken)) if done.state is PassState.FAILED else Ended(0, "the pass is done")

    def _killed(self, where: Settings, session: date, lock: int, wanted: str) -> PassProcess:
        """A pass as a process, killed in a step that is owed; where it was in another, that stays owed."""
        began = time.monotonic()
        record = where.home / "passes" / NAME / f"{session}.json"
        before = _attempts(record, wanted)
        process, over = started(where, self._clock, lock)
        hit = None
        while hit is None and process.poll() is None:
            if _runs(record, wanted, before):
                time.sleep(self._random.uniform(0.0, 0.9) * _TAKES[wanted])
                hit = self._kill(process, record)
            time.sleep(_LOOK_SECONDS)
        if process.wait() == -signal.SIGKILL and hit is not None:
            self._notes.killed.append({"session": f"{session}", "wanted": wanted, "hit": hit})
            if hit == wanted:
                self._owed.remove(wanted)
        self._clock.sleep(max(time.monotonic() - began, _PASS_SECONDS / 2))
        return over

    def _kill(self, process: subprocess.Popen[bytes], record: Path) -> str:
        """SIGKILL to the pass alone, or to all that it has started; gives the step that it was in."""
        with suppress(ProcessLookupError):
            if self._random.random() < 0.5:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                os.kill(process.pid, signal.SIGKILL)
                time.sleep(_ORPHAN_SECONDS)
        process.wait()
        running = [name for name, one in steps_of(record).items() if one["state"] == "running"]
        return running[0] if running else "between"


def started(where: Settings, clock: YearClock, lock: int) -> tuple[subprocess.Popen[bytes], PassProcess]:
    """A pass as a process that begins now, as `service.schedule.passes` starts one."""
    printed, log = (where.home / "schedule" / f"{NAME}.pass.{kind}" for kind in ("out", "log"))
    with printed.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.unattended.passing", str(ordered(where, clock.now())), NAME],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=(lock,),
            start_new_session=True,
        )
    return process, PassProcess(process, printed, log)


def steps_of(record: Path) -> dict[str, Any]:
    """The steps in the record of a pass, by name; none where there is no record."""
    try:
        return {one["name"]: one for one in json.loads(record.read_bytes())["steps"]}
    except FileNotFoundError:
        return {}


def _attempts(record: Path, step: str) -> int:
    found = steps_of(record)
    return int(found[step]["attempts"]) if found else 0


def _runs(record: Path, step: str, before: int) -> bool:
    """Whether the step runs now, and not before the process was started; of a training only where there is one."""
    found = steps_of(record)
    if not found or found[step]["state"] != "running" or found[step]["attempts"] <= before:
        return False
    return step not in _OF_A_TRAINING or bool(found["decide"]["evidence"].get("train"))
