"""A clock whose sleep ends when the process is told to end."""

from __future__ import annotations

import os
import select
import signal
from datetime import UTC, datetime
from types import FrameType
from typing import Protocol


class Waiting(Protocol):
    """What tells the time, waits, and says when to stop."""

    @property
    def stopped(self) -> bool:
        """Whether this process was told to end."""
        ...

    def now(self) -> datetime:
        """The present, with a time zone."""
        ...

    def sleep(self, seconds: float) -> None:
        """Come back after so many seconds, or sooner."""
        ...


class UntilSignal:
    """The machine's own clock, and the signals SIGTERM and SIGINT.

    A pipe, since a signal that comes between a look at a flag and the sleep would be slept through.
    """

    def __init__(self) -> None:
        """From now on both signals are noted; for the main thread."""
        self.stopped = False
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._writes, False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told)

    def now(self) -> datetime:
        """The present in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait for real."""
        select.select([self._reads], [], [], max(seconds, 0))

    def _told(self, number: int, frame: FrameType | None) -> None:
        if not self.stopped:
            self.stopped = True
            os.write(self._writes, b"!")
