"""A clock that a test moves."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta


class SimulatedClock:
    """A `data.clock.Clock` on which sleeping takes no time. Safe to share between threads.

    Attributes:
        slept: seconds of each sleep, in order.
    """

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"expected a moment with a time zone, got {start.isoformat()}")
        self.slept: list[float] = []
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The simulated present, in the start's time zone."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by so many seconds, at once, and remember them."""
        if seconds < 0:
            raise ValueError(f"expected seconds of at least 0, got {seconds}")
        with self._lock:
            self.slept.append(seconds)
            self._now += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass that nobody slept."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
