"""At which moment a command is killed: anywhere, or at a spot that shows itself on disk, and a little later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Due = Callable[[float], bool]
"""Told how long a command has run [s], whether it is time."""


@dataclass(frozen=True, slots=True)
class Aim:
    """When to kill.

    Attributes:
        spot: in words.
        look: made anew for each command: tells whether the spot is reached.
        later: how long after that [s].
    """

    spot: str
    look: Callable[[], Callable[[], bool]]
    later: float

    def armed(self) -> Due:
        """For a command that begins now."""
        look, reached = self.look(), float("inf")

        def due(seconds: float) -> bool:
            nonlocal reached
            if reached == float("inf") and look():
                reached = seconds
            return seconds >= reached + self.later

        return due


def anywhere(seconds: float) -> Aim:
    """So long after the command began."""
    return Aim("anywhere", lambda: lambda: True, seconds)


def commits(database: Path, number: int, later: float) -> Aim:
    """After so many writes to a registry's database."""

    def look() -> Callable[[], bool]:
        before, seen = _state(database), 0

        def reached() -> bool:
            nonlocal before, seen
            now = _state(database)
            seen += now != before
            before = now
            return seen >= number

        return reached

    return Aim("a write to the registry", look, later)


def appears(spot: str, folder: Path, pattern: str, later: float, number: int = 1) -> Aim:
    """When so many more files or folders match than before."""

    def look() -> Callable[[], bool]:
        before = _count(folder, pattern)
        return lambda: _count(folder, pattern) >= before + number

    return Aim(spot, look, later)


def step_runs(record: Path, step: str, later: float) -> Aim:
    """While the record of a pass says that a step runs."""

    def reached() -> bool:
        try:
            told = json.loads(record.read_bytes())
        except (OSError, ValueError):
            return False
        return any(one["name"] == step and one["state"] == "running" for one in told["steps"])

    return Aim(f"step {step}", lambda: reached, later)


def _state(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _count(folder: Path, pattern: str) -> int:
    try:
        return sum(1 for _ in folder.glob(pattern))
    except OSError:  # a folder that goes while it is looked at
        return 0
