"""What was freed goes back to the system, instead of lying about in pieces too small for the next large thing."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


def give_back() -> None:
    """Give freed memory back. Only glibc can; elsewhere nothing happens. Takes milliseconds."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    """Through ctypes, which lets other threads go on meanwhile."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
