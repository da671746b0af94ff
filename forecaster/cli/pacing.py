"""What is said while a provider with limits is asked: what it will cost, how far it is, and why it waits."""

from __future__ import annotations

import sys
import time
from typing import Final

from rich.progress import Progress, TaskID

from data.providers.base import Batch, Plan

# Where there is no terminal, a line now and then.
_SECONDS_A_LINE: Final = 15.0
_SHORTEST_WAIT_TOLD: Final = 1.0


def duration(seconds: float) -> str:
    """Seconds as people say them: 48 s, 3 min, 2 h 10 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


class CallsShown:
    """Progress in calls, on stderr.

    Attributes:
        plan: what was announced, None before that.
    """

    def __init__(self, shown: Progress) -> None:
        """Shows nothing yet."""
        self.plan: Plan | None = None
        self._shown = shown
        self._task: TaskID | None = None
        self._done = 0
        self._began = self._told = time.monotonic()

    def say(self, text: str) -> None:
        """A line beside the progress."""
        self._shown.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def announce(self, plan: Plan) -> None:
        """What will be asked, before it is."""
        self.plan = plan
        least = f"at least {duration(plan.seconds)}" if plan.seconds >= 60 else "about a minute or less"
        self.say(f"to fetch: {plan.text}" + (f", {least}" if plan.calls else ""))
        self._task = self._shown.add_task("", total=plan.calls or None)
        self._began = self._told = time.monotonic()

    def advance(self, batch: Batch) -> None:
        """A piece came."""
        if self.plan is None or self._task is None:
            return
        self._done += batch.calls
        now = time.monotonic()
        rate = self._done / max(now - self._began, 1.0) * 60
        left = max(self.plan.calls - self._done, 0)
        text = f"{self._done:,} calls made, {left:,} left, {rate:,.0f} a minute"
        self._shown.update(self._task, advance=batch.calls, description=text)
        if not sys.stderr.isatty() and now - self._told >= _SECONDS_A_LINE:
            self._told = now
            self.say(text)

    def waits(self, seconds: float, why: str) -> None:
        """The provider pauses."""
        if seconds >= _SHORTEST_WAIT_TOLD:
            self.say(f"waiting {duration(seconds)}: {why}")
