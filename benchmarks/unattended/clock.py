"""The year's clock, which may show another time than it is; and the clock of a process in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(slots=True)
class YearClock:
    """A clock on which sleeping takes no time.

    Attributes:
        true: the time that it is, in UTC.
        off: how far the clock is from it: somebody set it wrong.
        moved: called whenever time has passed.
    """

    true: datetime
    off: timedelta = timedelta()
    moved: Callable[[], None] = field(default=lambda: None)

    @property
    def stopped(self) -> bool:
        """The year ends from outside."""
        return False

    def now(self) -> datetime:
        """What the clock shows."""
        return self.true + self.off

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.true += timedelta(seconds=seconds)
        self.moved()


class OwnClock:
    """A process's clock: it starts at a moment of the year, and goes on as fast as the machine's."""

    def __init__(self, now: datetime) -> None:
        """Starts now."""
        self._started = now - timedelta(seconds=time.monotonic())

    @property
    def stopped(self) -> bool:
        """Such a process goes on until it is killed."""
        return False

    def now(self) -> datetime:
        """The present of the year."""
        return self._started + timedelta(seconds=time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait for real."""
        time.sleep(seconds)
