"""What asks: connections that each send the next request as soon as the last answer is whole.

It speaks HTTP/1.1 over plain streams, since a client library would take longer than the servers that it measures.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class Told:
    """What came of a run.

    Attributes:
        seconds: how long it ran.
        status: how many answers had each status; 0 stands for a connection that ended without one.
        latencies: of answers with 200, in seconds.
        refused: of answers with 429 or 503, whether each had Retry-After.
    """

    seconds: float = 0.0
    status: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    refused: list[bool] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers with 200 in a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """Of the latencies, in milliseconds."""
        return float(np.percentile(self.latencies, percent)) * 1000.0 if self.latencies else float("nan")


def request(path: str, body: bytes = b"", headers: str = "") -> bytes:
    """A GET, or a POST with a JSON body."""
    if not body:
        return f"GET {path} HTTP/1.1\r\nHost: service\r\n{headers}\r\n".encode()
    head = f"POST {path} HTTP/1.1\r\nHost: service\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Status, head and body of the next answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.find(b"content-length:")
    length = int(lower[at + 15 : lower.index(b"\r", at)]) if at >= 0 else 0
    return int(head[9:12]), lower, await reader.readexactly(length)


async def run(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
) -> Told:
    """Ask for some time.

    Args:
        port: on the loopback.
        requests: sent in turns, each connection from a place of its own.
        connections: how many at a time.
        seconds: how long.
    """
    told = Told()
    until = time.perf_counter() + seconds

    async def connection(place: int) -> None:
        reader = writer = None
        while (now := time.perf_counter()) < until:
            try:
                if reader is None or writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
                place = (place + 1) % len(requests)
                writer.write(requests[place])
                status, head, _ = await answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                told.status[0] += 1
                reader = None
                continue
            told.status[status] += 1
            if status == 200:
                told.latencies.append(time.perf_counter() - now)
            elif status in (429, 503):
                told.refused.append(b"\r\nretry-after:" in head)
            if b"connection: close" in head:
                writer.close()
                reader = None
        if writer is not None:
            writer.close()

    began = time.perf_counter()
    step = max(1, len(requests) // connections)
    await asyncio.gather(*(connection(number * step) for number in range(connections)))
    told.seconds = time.perf_counter() - began
    return told
