"""A command as a process: killed with all that it has started, or let be."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from benchmarks.killing.aims import Aim
from benchmarks.killing.nursery import Forked, Nursery

_LOOK_SECONDS: Final = 0.002
_LONGEST_SECONDS: Final = 600.0
_WORKER: Final = "forecaster.pipeline.worker"

# Of those that a killed command has started, each looks once a second whether it is still there.
_ORPHAN_SECONDS: Final = 10.0


class Reach(StrEnum):
    """Who is killed."""

    GROUP = "its group"
    ALL = "all at once"
    WORKER = "its worker"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes:
        killed: whether it, or its worker, was.
        code: the exit code; a signal's number below zero.
        out, err: what it printed.
        seconds: how long it took.
        outlived: what was still there long after the command was killed.
    """

    killed: bool
    code: int
    out: str
    err: str
    seconds: float
    outlived: tuple[str, ...]


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    aim: Aim | None,
    reach: Reach = Reach.GROUP,
    nursery: Nursery | None = None,
) -> Ended:
    """A command, killed when `aim` says so; None lets it be.

    Args:
        command: the program and its arguments.
        environment: the command's.
        folder: where it works, and where what it prints is kept.
        aim: when to kill.
        reach: whom.
        nursery: where it is forked; None starts the program.
    """
    out, err = (folder.parent / f"command.{kind}" for kind in ("out", "err"))
    began, due, started = time.monotonic(), None if aim is None else aim.armed(), set[int]()
    killed = False
    process: subprocess.Popen[bytes] | Forked
    with out.open("wb") as told, err.open("wb") as said:
        if nursery is not None:
            process = nursery.begin(command, environment, folder, out, err)
        else:
            process = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=told, stderr=said, start_new_session=True
            )
        try:
            while process.poll() is None:
                seconds = time.monotonic() - began
                if seconds > _LONGEST_SECONDS:
                    said.flush()
                    raise SystemExit(f"{' '.join(command)} takes longer than {_LONGEST_SECONDS:g} s: {err.read_text()}")
                if due is not None and not killed and due(seconds):
                    started = set(_below(process.pid))
                    killed = _killed(process, started, reach)
                time.sleep(_LOOK_SECONDS if not killed else 0.05)
        finally:
            if process.poll() is None:
                _kill({process.pid, *_below(process.pid)})
    code = process.wait()
    outlived = _outlived(started - {process.pid}) if killed else ()
    text = [one.read_text(encoding="utf-8", errors="replace") for one in (out, err)]
    return Ended(killed, code, *text, time.monotonic() - began, outlived)


def _killed(process: subprocess.Popen[bytes] | Forked, started: set[int], reach: Reach) -> bool:
    """Kill; whether there was anybody."""
    if process.poll() is not None:
        return False
    if reach is Reach.WORKER:
        workers = [one for one in started if _WORKER in _line(one)]
        for one in workers:
            with suppress(ProcessLookupError):
                os.killpg(one, signal.SIGKILL)
        if workers:
            return True
    if reach is Reach.ALL:
        _kill(started | {process.pid})
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def _kill(some: set[int]) -> None:
    for one in some:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def _outlived(some: set[int]) -> tuple[str, ...]:
    """Those that have not ended by themselves; they are ended."""
    until = time.monotonic() + _ORPHAN_SECONDS
    while (left := {one for one in some if _line(one)}) and time.monotonic() < until:
        time.sleep(0.02)
    told = tuple(sorted(_line(one) for one in left))
    _kill(left)
    return told


def _below(pid: int) -> Iterator[int]:
    """The processes that a process has started, and those that these have."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    yield from found - {pid}


def _line(pid: int) -> str:
    """The command line of a process; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
