"""Each container's processes killed at a stroke, as by the kernel when memory ends, while requests run."""

from __future__ import annotations

import time
from typing import Final

from benchmarks.composed.stack import Stack, waited
from benchmarks.serving.finding import Finding
from benchmarks.serving.steady import Steady

CONTAINERS: Final = ("scheduler", "mlflow", "postgres", "service")
_BACK_SECONDS: Final = 120.0
_AFTERWARDS_SECONDS: Final = 2.0


def crashes(stack: Stack, steady: Steady) -> list[Finding]:
    """Whether compose's engine starts again what ended, and only the service's own end costs answers."""
    return [one for container in CONTAINERS for one in _crash(stack, steady, container)]


def _crash(stack: Stack, steady: Steady, container: str) -> list[Finding]:
    before, began = stack.life(container), time.time()
    # All but the first process, which ends when that one does that it has started.
    stack.inside(container, "sh", "-c", "kill -9 -1", checked=False)
    again = waited(lambda: stack.life(container) not in ("", before), f"{container} started again")
    back = again + waited(stack.whole, f"answers from the registry after {container} was killed")
    ended = time.time()
    time.sleep(_AFTERWARDS_SECONDS)
    asked = steady.between(began, ended)
    failed = [one for one in asked if one.status != 200]
    late = [one for one in steady.between(ended, ended + _AFTERWARDS_SECONDS) if one.status != 200]
    own = container == "service"
    part = f"{container} killed"
    return [
        Finding("crashes", f"{part}: started again by the engine after [s]", again, _BACK_SECONDS),
        Finding("crashes", f"{part}: all as before after [s]", back, _BACK_SECONDS),
        Finding("crashes", f"{part}: requests meanwhile", len(asked), 1, True),
        Finding("crashes", f"{part}: requests meanwhile that failed", len(failed), None if own else 0),
        Finding("crashes", f"{part}: requests afterwards that failed", len(late), 0),
    ]
