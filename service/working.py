"""Answers that have to be worked out: so many at a time, a few more in line, and no longer than they may take.

Look-ups need none of this. What runs here runs in a thread, and Python cannot end a thread: where the time is over the
client gets its answer, and the place is free again when the thread has come to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from threading import Lock
from typing import Any, Final, ParamSpec, TypeVar

from service import refused
from service.refusals import TookTooLong, TooMuchWork

# So many wait for each that is worked on.
_LINE: Final = 16

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Workbench:
    """Runs functions in threads.

    Attributes:
        at_a_time: how many run at once; sixteen times as many wait.
        seconds: how long one may take, waiting included [s].
    """

    def __init__(self, at_a_time: int, seconds: float) -> None:
        """Starts no thread yet."""
        self.at_a_time = at_a_time
        self.seconds = seconds
        self._taken = 0
        self._counting = Lock()
        self._threads = ThreadPoolExecutor(at_a_time, thread_name_prefix="work")

    async def run(self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        """What `work` returns or raises.

        Raises:
            TooMuchWork: as many wait already as may.
            TookTooLong: it was not ready in time; it may still run on.
        """
        with self._counting:
            if self._taken >= self.at_a_time * (1 + _LINE):
                refused.work.inc()
                raise TooMuchWork(self.at_a_time)
            self._taken += 1
        # The context holds the request's id, which the thread's log lines should carry.
        started = self._threads.submit(copy_context().run, partial(work, *args, **kwargs))
        started.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self.seconds):
                return await asyncio.wrap_future(started)
        except TimeoutError:
            if started.done() and not started.cancelled():
                raise  # the work's own
            raise TookTooLong(self.seconds) from None

    def close(self) -> None:
        """Take no more work; what runs may end, what waits does not begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _done(self, _: Any) -> None:
        with self._counting:
            self._taken -= 1
