"""A worker under time limits: what takes too long is ended, with all that it has started."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, Final

from forecaster.pipeline.performing import Ended
from forecaster.pipeline.record import Pass, StepState
from forecaster.pipeline.wire import settings_to_dict
from forecaster.settings import Settings

_PATIENCE_SECONDS: Final = 5.0
_START_SECONDS: Final = 300.0


class Supervised:
    """Performs steps in a worker's process, each within its limit. Another worker takes over where one has ended."""

    def __init__(self, where: Settings, lock: int, say: Callable[[str], None]) -> None:
        """Starts nothing yet.

        Args:
            where: the settings, with the limits.
            lock: the open file that says that a pass is under way; the worker inherits it.
            say: told what goes on, a line at a time.
        """
        self._where, self._lock, self._say = where, lock, say
        self._worker: subprocess.Popen[str] | None = None
        self._told: queue.Queue[str | None] = queue.Queue()
        self._hearing: threading.Thread | None = None

    def perform(self, step: str, record: Pass, within: float | None) -> Ended:
        """See `Performer`."""
        limit: float = getattr(self._where.retrain.limits, step)
        limit = limit if within is None else min(limit, within)
        if (self._worker is None or self._worker.poll() is not None) and (broken := self._start()) is not None:
            return broken
        until = time.monotonic() + limit
        try:
            self._send({"step": step, "record": record.model_dump(mode="json")})
        except BrokenPipeError:
            return self._gone()
        while True:
            try:
                line = self._told.get(timeout=max(until - time.monotonic(), 0))
            except queue.Empty:
                self._end()
                detail = (
                    f"it took longer than {limit:g} s and was ended; another attempt goes on where that is possible"
                )
                return Ended(StepState.TIMED_OUT, detail, {"limit_seconds": limit})
            if line is None:
                return self._gone()
            told = json.loads(line)
            if "say" not in told:
                return Ended(StepState(told["state"]), told["detail"], told["evidence"])
            self._say(f"{step}: {told['say']}")

    def close(self) -> None:
        """Let the worker end, and see to it that it does."""
        if self._worker is None:
            return
        assert self._worker.stdin is not None
        with suppress(BrokenPipeError):
            self._worker.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._worker.wait(_PATIENCE_SECONDS)
        self._end()

    def _start(self) -> Ended | None:
        """Start a worker and wait until it listens, which counts for no step; how it ended where it does not."""
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "forecaster.pipeline.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            pass_fds=(self._lock,),
            start_new_session=True,  # so that it can be ended with all that it has started
        )
        assert self._worker.stdout is not None
        self._told = queue.Queue()
        self._hearing = threading.Thread(target=_pump, args=(self._worker.stdout, self._told), daemon=True)
        self._hearing.start()
        with suppress(BrokenPipeError):
            self._send(settings_to_dict(self._where))
        try:
            ready = self._told.get(timeout=_START_SECONDS)
        except queue.Empty:
            self._end()
            return Ended(StepState.TIMED_OUT, f"no worker could be started within {_START_SECONDS:g} s", {})
        return None if ready is not None else self._gone()

    def _send(self, document: dict[str, Any]) -> None:
        assert self._worker is not None
        assert self._worker.stdin is not None
        self._worker.stdin.write(json.dumps(document) + "\n")
        self._worker.stdin.flush()

    def _end(self) -> int:
        """End the worker's session and give its exit code; a signal's number is below zero."""
        assert self._worker is not None
        assert self._hearing is not None
        with suppress(ProcessLookupError):
            os.killpg(self._worker.pid, signal.SIGKILL)
        code = self._worker.wait()
        self._hearing.join()
        for pipe in (self._worker.stdin, self._worker.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        self._worker = None
        return code

    def _gone(self) -> Ended:
        assert self._worker is not None
        with suppress(subprocess.TimeoutExpired):
            self._worker.wait(_PATIENCE_SECONDS)
        code = self._end()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        memory = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
        detail = f"the process that performed it {how}{memory}; another attempt goes on where that is possible"
        return Ended(StepState.FAILED, detail, {"code": code})


def _pump(pipe: IO[str], told: queue.Queue[str | None]) -> None:
    """Hand lines on as they come; None when there are no more."""
    for line in pipe:
        told.put(line)
    told.put(None)
