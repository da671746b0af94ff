"""The process of a job: runs the training in a process of its own, and writes down how it ends.

It imports little, to be small beside the service. Started as `python -m service.jobs.runner FOLDER ID LOCK PROGRAM…`,
with the lock as an open file that the program inherits, too: a job runs as long as its training does, whatever becomes
of this process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from service.jobs.folder import JobFolder
from service.jobs.log import Log
from service.jobs.record import Job, State

# Answers come first where the machine is shared.
_NICENESS: Final = 10


def run(folder: JobFolder, name: str, lock: int, program: Sequence[str]) -> None:
    """Run a job to its end.

    Args:
        folder: of the jobs.
        name: which.
        lock: the open file that says that it runs.
        program: what trains, before its arguments.
    """
    job = folder.get(name).changed(state=State.RUNNING, started=datetime.now(UTC), detail="training is being started")
    folder.write(job)
    os.nice(_NICENESS)
    # Who ends all processes of a machine tells the training, too, which ends by itself; this one writes that down.
    # A handler and not SIG_IGN, which the training would inherit.
    signal.signal(signal.SIGTERM, lambda *_: None)
    command = [*program, *arguments(job.model, job.symbols, job.settings)]
    code = subprocess.run(command, stdin=subprocess.DEVNULL, pass_fds=(lock,), check=False).returncode
    folder.write(job.changed(finished=datetime.now(UTC), **outcome(job, Log(folder.log(name)), code)))
    os.close(lock)  # the next job need not wait for this process to end


def arguments(model: str, symbols: Sequence[str] | None, settings: Mapping[str, Any]) -> list[str]:
    """The arguments of `forecaster train` for what was checked.

    Args:
        model: the model's name.
        symbols: whose prices; None takes all.
        settings: of the spec.
    """
    made = ["--name", model]
    for key, value in settings.items():
        made += ["--set", f"{key}={json.dumps(value)}"]
    return [*made, "--", *(symbols or ())]


def outcome(job: Job, log: Log, code: int) -> dict[str, Any]:
    """How a training ended: state, sentence, progress and version.

    Args:
        job: which.
        log: what it printed.
        code: its exit code; a signal's number below zero.
    """
    known: dict[str, Any] = {"progress": log.progress, "version": None}
    if code != 0:
        return {**known, "state": State.FAILED, "detail": log.error or _end(code)}
    if log.registered is None:
        return {**known, "state": State.SUCCEEDED, "detail": f"trained a new version of {job.model}"}
    version, alias = log.registered
    then = "" if alias == "champion" else "; promoting it lets it serve"
    detail = f"{job.model} version {version} is the {alias} now{then}"
    return {**known, "state": State.SUCCEEDED, "detail": detail, "version": version}


def _end(code: int) -> str:
    if code >= 0:
        return f"training ended with code {code}"
    memory = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
    return f"training was ended by {signal.Signals(-code).name}{memory}; started again, it goes on from its checkpoint"


if __name__ == "__main__":
    run(JobFolder(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]), sys.argv[4:])
