"""What was freed goes back to the system, instead of lying about in pieces too small for the next large thing."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any, Final

# glibc's mallopt.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8

# Larger than anything that a request needs, which would wait for fresh pages each time.
_LARGE_BYTES: Final = 1 << 20
_KEPT_BYTES: Final = 1 << 26
_ARENAS: Final = 2


def keep_small() -> None:
    """Have large pieces of memory be pieces of their own, which go back at once; for the start of a process.

    By itself glibc stops doing so after the first large ones were freed, and each thread keeps what it freed apart.
    Arrow brings an allocator of its own, which keeps more. Reloads would make the process larger for a while.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(_ARENA_MAX, _ARENAS)
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)  # what is freed in small pieces goes back by `give_back`


def give_back() -> None:
    """Give freed memory back. Only glibc can; elsewhere nothing happens. Takes milliseconds."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


@cache
def _of_glibc(name: str) -> Any:
    """A function; through ctypes, which lets other threads go on meanwhile."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
