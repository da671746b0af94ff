"""Requests at a steady rate, each on a connection of its own, and what came of every one."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from benchmarks.serving.load import answer

_LIMIT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        at: when it was sent, by `time.time`: the clock that containers have, too.
        seconds: until its answer was whole, or it had failed.
        status: of the answer; 0 where none came.
        version: of the model that answered; "" without an answer of 200.
        stale_reason: why the answer may be old, as it says itself; "" where it does not.
        process: which process answered; "" without an answer.
    """

    at: float
    seconds: float
    status: int
    version: str = ""
    stale_reason: str = ""
    process: str = ""


@dataclass(slots=True)
class Steady:
    """What asks.

    Attributes:
        host, port: where.
        request: a GET of a forecast.
        rate: how often [1/s].
        asked: what came of the requests so far, in the order of their ends.
    """

    host: str
    port: int
    request: bytes
    rate: float
    asked: list[Asked] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def between(self, begin: float, end: float) -> list[Asked]:
        """The requests that were sent in a span of `time.time`."""
        return [one for one in list(self.asked) if begin <= one.at < end]

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask in a thread of its own until the block ends."""
        thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="steady")
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    async def _run(self) -> None:
        began, count = time.perf_counter(), 0
        async with asyncio.TaskGroup() as tasks:
            while not self._over.is_set():
                tasks.create_task(self._one())
                count += 1
                # By the clock and not by pauses, so that late ones are made up for.
                await asyncio.sleep(max(0.0, began + count / self.rate - time.perf_counter()))

    async def _one(self) -> None:
        at, began = time.time(), time.perf_counter()
        try:
            async with asyncio.timeout(_LIMIT_SECONDS):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    writer.write(self.request)
                    status, head, body = await answer(reader)
                finally:
                    writer.close()
        except (OSError, EOFError, TimeoutError):
            self.asked.append(Asked(at, time.perf_counter() - began, 0))
            return
        taken = time.perf_counter() - began
        told = json.loads(body) if status == 200 else {}
        named = head.partition(b"\r\nx-request-id: ")[2][:8].decode()
        version = str(told["model"]["version"]) if told else ""
        self.asked.append(Asked(at, taken, status, version, told.get("stale_reason") or "", named))
