"""The pass as a process of its own, which what becomes of the scheduler does not touch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pydantic import ValidationError

from data.errors import told
from forecaster.pipeline.record import Pass as Record

RETRAIN: Final = (sys.executable, "-m", "forecaster.cli.main", "retrain", "--json", "--name")

# Of what a pass printed last: enough for a sentence.
_TAIL_BYTES: Final = 4096
_SENTENCE: Final = 400


@dataclass(frozen=True, slots=True)
class Ended:
    """How a pass ended: its exit code, a signal's number below zero, and that in a sentence."""

    code: int
    detail: str


class Pass(Protocol):
    """A pass that was begun."""

    def ended(self) -> Ended | None:
        """How it ended; None while it runs."""
        ...

    def stop(self, seconds: float) -> Ended:
        """Tell it to end, and kill it where that takes longer than so many seconds."""
        ...


class Program(Protocol):
    """What begins a pass."""

    def begin(self, lock: int) -> Pass:
        """Start it.

        Args:
            lock: an open file that its processes inherit, and hold as long as they run.

        Raises:
            OSError: no process can be started.
        """
        ...


class PassProcess:
    """A pass in a session of its own, so that Ctrl-C at the scheduler does not reach it unasked."""

    def __init__(self, process: subprocess.Popen[bytes], printed: Path, log: Path) -> None:
        self._process = process
        self._printed = printed
        self._log = log

    def ended(self) -> Ended | None:
        """How it ended; None while it runs."""
        code = self._process.poll()
        return None if code is None else Ended(code, self._detail(code))

    def stop(self, seconds: float) -> Ended:
        """Tell all its processes to end, and kill those that are there after so many seconds."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._signal(signal.SIGKILL)
        code = self._process.wait()
        return Ended(code, self._detail(code))

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _detail(self, code: int) -> str:
        if code == 0:
            return "the pass is done"
        if code < 0:
            return f"the pass was ended by {signal.Signals(-code).name}"
        return f"the pass ended with code {code}: {self._error()}"

    def _error(self) -> str:
        """What it says went wrong: in its record, as its error, or else in the last line that it printed for people."""
        with suppress(OSError, ValidationError):
            record = Record.model_validate_json(self._printed.read_bytes())
            if broken := [f"{step.name}: {step.detail}" for step in record.steps if step.broken]:
                return told("; ".join(broken), _SENTENCE)
        with suppress(OSError, ValueError, KeyError, TypeError):
            return told(json.loads(self._printed.read_bytes())["error"]["message"], _SENTENCE)
        with suppress(OSError, IndexError):
            text = self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
            return told(text.strip().splitlines()[-1], _SENTENCE)
        return f"it said nothing in {self._log}"


class PassProgram:
    """Begins a pass as a process. What it prints is kept until the next one begins."""

    def __init__(self, home: Path, name: str, program: Sequence[str] = RETRAIN) -> None:
        """Starts nothing yet.

        Args:
            home: where it prints to.
            name: the model.
            program: what runs a pass, before the model's name.
        """
        self._folder = home / "schedule"
        self._name = name
        self._command = (*program, name)

    def begin(self, lock: int) -> PassProcess:
        """Start it; see `Program`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        printed, log = (self._folder / f"{self._name}.pass.{kind}" for kind in ("out", "log"))
        with printed.open("wb") as out, log.open("wb") as err:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=(lock,),
                start_new_session=True,
            )
        return PassProcess(process, printed, log)
