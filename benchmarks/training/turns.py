"""Being asked in turns: a line in, the seconds for some windows out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def take_turns(work: Callable[[], object]) -> None:
    """Do the work once to warm up, and once for every line on stdin; print the seconds that it took."""
    print(_seconds(work), flush=True)
    for _ in sys.stdin:
        print(_seconds(work), flush=True)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
