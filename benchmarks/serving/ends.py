"""The end of a server, and of one of its workers, under load."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.serving.finding import Finding
from benchmarks.serving.load import answer
from benchmarks.serving.servers import Server

CONNECTIONS: Final = 16
_LOADED_SECONDS: Final = 1.5
_LIMIT_SECONDS: Final = 30.0

# The service names its requests after the process that answers them.
_PROCESS: Final = re.compile(rb"\r\nx-request-id: ([0-9a-f]{8})-")


@dataclass(slots=True)
class Ends:
    """What came of requests around an end.

    Attributes:
        status: how many answers had each status.
        unanswered: by the process that the connection had last heard from ("" where from none), requests that went out
            on an open connection and got no answer.
        refused: connections that were not made.
        closed: connections that were found closed before a request was sent.
        processes: which answered, and when last.
    """

    status: Counter[int] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    closed: int = 0
    processes: dict[str, float] = field(default_factory=dict)


async def _ask(port: int, requests: Sequence[bytes], place: int, ends: Ends, over: asyncio.Event, kept: bool) -> None:
    """Ask until nobody takes the connection, or it is over; each time anew unless connections are kept."""
    reader = writer = None
    process = ""
    while not over.is_set():
        if reader is None or writer is None:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                ends.refused += 1
                return
            process = ""
        if reader.at_eof():
            ends.closed += 1
            writer.close()
            reader = None
            continue
        place = (place + 1) % len(requests)
        try:
            writer.write(requests[place])
            status, head, _ = await asyncio.wait_for(answer(reader), _LIMIT_SECONDS)
        except (OSError, EOFError, TimeoutError):
            ends.unanswered[process] += 1
            writer.close()
            reader = None
            continue
        ends.status[status] += 1
        named = _PROCESS.search(head)
        process = named[1].decode() if named else process
        ends.processes[process] = time.perf_counter()
        if not kept or b"connection: close" in head:
            writer.close()
            reader = None
    if reader is not None and writer is not None:
        writer.close()


def sigterm(
    server: Server, requests: Sequence[bytes], part: str, *, kept: bool, loaded: float = _LOADED_SECONDS
) -> list[Finding]:
    """SIGTERM while connections ask without a pause."""

    async def go() -> tuple[Ends, float, int]:
        ends, over = Ends(), asyncio.Event()
        asking = [
            asyncio.create_task(_ask(server.port, requests, number * 7, ends, over, kept))
            for number in range(CONNECTIONS)
        ]
        await asyncio.sleep(loaded)
        began = time.perf_counter()
        server.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(server.process.wait, 2 * _LIMIT_SECONDS)
        seconds = time.perf_counter() - began
        await asyncio.gather(*asking)
        return ends, seconds, code

    ends, seconds, code = uvloop.run(go())
    failed = sum(count for status, count in ends.status.items() if status != 200)
    part = f"{part}, connections {'kept' if kept else 'made anew'}"
    return [
        Finding("sigterm", f"{part}: answered", ends.status[200], 1, True),
        Finding("sigterm", f"{part}: sent, but without an answer", sum(ends.unanswered.values()), 0),
        Finding("sigterm", f"{part}: another status", failed, 0),
        Finding("sigterm", f"{part}: found closed before asking", ends.closed),
        Finding("sigterm", f"{part}: exit code", code, 0),
        Finding("sigterm", f"{part}: exit after [s]", seconds, _LIMIT_SECONDS),
    ]


def kill_worker(server: Server, requests: Sequence[bytes], *, loaded: float = _LOADED_SECONDS) -> list[Finding]:
    """SIGKILL of one worker of two while connections ask without a pause."""

    async def go() -> tuple[Ends, float, list[int]]:
        ends, over = Ends(), asyncio.Event()
        before = workers_of(server.pid)
        asking = [
            asyncio.create_task(_ask(server.port, requests, number * 7, ends, over, kept=number % 2 == 0))
            for number in range(CONNECTIONS)
        ]
        asked = time.perf_counter()
        while len(ends.processes) < 2 and time.perf_counter() - asked < _LIMIT_SECONDS:
            await asyncio.sleep(0.05)
        await asyncio.sleep(loaded)
        began = time.perf_counter()
        os.kill(before[0], signal.SIGKILL)
        # The new one has taken up requests when a third process has answered.
        while len(ends.processes) < 3 and time.perf_counter() - began < _LIMIT_SECONDS:
            await asyncio.sleep(0.05)
        back = time.perf_counter() - began
        await asyncio.sleep(loaded)
        after = workers_of(server.pid)
        over.set()
        await asyncio.gather(*asking)
        return ends, back, [one for one in after if one not in before]

    ends, back, new = uvloop.run(go())
    dead = min(ends.processes, key=lambda process: ends.processes[process])
    others = sum(count for process, count in ends.unanswered.items() if process not in (dead, ""))
    failed = sum(count for status, count in ends.status.items() if status != 200)
    return [
        Finding("workers", "answered", ends.status[200], 1, True),
        Finding("workers", "without an answer, on connections of the killed one", ends.unanswered[dead], CONNECTIONS),
        Finding("workers", "without an answer, on connections it had just taken", ends.unanswered[""], CONNECTIONS),
        Finding("workers", "without an answer, on connections of others", others, 0),
        Finding("workers", "another status than 200, of the new one too", failed, 0),
        Finding("workers", "connections refused", ends.refused, 0),
        Finding("workers", "workers started anew", len(new), 1, True),
        Finding("workers", "seconds until the new one answered", back, _LIMIT_SECONDS),
    ]


def workers_of(pid: int) -> list[int]:
    """The processes of a server's workers."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
