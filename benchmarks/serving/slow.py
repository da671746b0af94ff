"""Clients that take their time: heads and bodies that drip, and many connections that say nothing at all."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import suppress
from typing import Final

import numpy as np

from benchmarks.serving.finding import Finding
from benchmarks.serving.load import answer, request

_HEAD: Final = b"GET /v1/forecasts/X HTTP/1.1\r\nHost: service\r\n"
_BODY: Final = b"POST /v1/forecasts HTTP/1.1\r\nHost: service\r\nContent-Length: 9999\r\n\r\n"
_DRIP_SECONDS: Final = 0.7

# What sets two figures apart on a quiet machine, too.
_NOISE_MS: Final = 2.0


async def drips(port: int, limit: float, connections: int) -> list[Finding]:
    """After how many seconds heads and bodies that come a byte at a time are cut, and how the client learns it.

    Args:
        port: on the loopback.
        limit: seconds that the service waits.
        connections: of each kind.
    """

    async def one(start: bytes) -> tuple[float, int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = time.perf_counter()
        writer.write(start)
        told = asyncio.ensure_future(reader.read(1024))
        while not told.done():
            if time.perf_counter() - began > 3 * limit:
                told.cancel()
                break
            writer.write(b"x")
            await asyncio.wait([told], timeout=min(_DRIP_SECONDS, limit / 4))
        taken = time.perf_counter() - began
        writer.close()
        said = b"" if told.cancelled() or told.exception() else told.result()
        return taken, int(said[9:12]) if said else 0

    found = []
    for name, start in (("heads", _HEAD), ("bodies", _BODY)):
        ended = await asyncio.gather(*(one(start) for _ in range(connections)))
        taken = [seconds for seconds, _ in ended]
        found += [
            Finding(
                "slow", f"{connections} {name} that drip: the first is cut after [s]", min(taken), limit - 0.5, True
            ),
            Finding("slow", f"{connections} {name} that drip: the last is cut after [s]", max(taken), limit + 1.0),
            Finding("slow", f"{name} cut without a 408", sum(status != 408 for _, status in ended), 0),
        ]
    return found


async def idle(port: int, sockets: int, seconds: float, rounds: int) -> list[Finding]:
    """What open connections that say nothing do to probes.

    Args:
        port: on the loopback.
        sockets: that are open meanwhile.
        seconds: of probing in each round, less than the service waits for a head.
        rounds: with and without, in turns.
    """
    without, beside, failed = [], [], 0
    for _ in range(rounds):
        p99, bad = await _probe(port, seconds)
        without.append(p99)
        open_ones = [await asyncio.open_connection("127.0.0.1", port) for _ in range(sockets)]
        p99, worse = await _probe(port, seconds)
        beside.append(p99)
        failed += bad + worse
        for _, writer in open_ones:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
    usual = statistics.median(without)
    return [
        Finding("slow", "probes that failed", failed, 0),
        Finding("slow", "probes: p99 without idle sockets [ms]", usual),
        Finding("slow", f"probes: p99 beside {sockets} of them [ms]", statistics.median(beside), 2 * usual + _NOISE_MS),
    ]


async def _probe(port: int, seconds: float) -> tuple[float, int]:
    """The p99 of probes one after the other [ms], each half of them on a connection of its own; and how many failed."""
    taken, failed, until = [], 0, time.perf_counter() + seconds
    kept = await asyncio.open_connection("127.0.0.1", port)
    paths = [request("/health/ready"), request("/health/live")]
    number = 0
    while (began := time.perf_counter()) < until:
        number += 1
        fresh = number % 2 == 1
        reader, writer = await asyncio.open_connection("127.0.0.1", port) if fresh else kept
        writer.write(paths[number // 2 % 2])
        status, _, _ = await answer(reader)
        taken.append(time.perf_counter() - began)
        failed += status != 200
        if fresh:
            writer.close()
        await asyncio.sleep(0.002)
    kept[1].close()
    return float(np.percentile(taken, 99)) * 1000.0, failed
