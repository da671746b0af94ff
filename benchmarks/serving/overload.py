"""Ten times as many connections as usual, and more, that ask without a pause whatever they are answered."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

import uvloop

from benchmarks.serving.finding import Finding
from benchmarks.serving.load import Told, run
from benchmarks.serving.servers import Server

USUAL: Final = 16


def overload(server: Server, requests: Sequence[bytes], many: Sequence[int], seconds: float) -> list[Finding]:
    """The usual load before and after each larger one; what is refused, and what that does to the rest.

    Args:
        server: what is asked.
        requests: what is asked for.
        many: connections of the larger loads, ten times the usual first.
        seconds: of each load.
    """
    usual = [_load(server, requests, USUAL, seconds)]
    at_rest = server.memory()
    found = []
    for connections in many:
        told = _load(server, requests, connections, seconds)
        grown = server.memory() / at_rest
        usual.append(_load(server, requests, USUAL, seconds))
        unloaded = statistics.mean(one.percentile(99) for one in usual[-2:])
        part = f"x{connections / USUAL:g}"
        failed = sum(count for status, count in told.status.items() if status not in (200, 503))
        without = sum(not retry_after for retry_after in told.refused)
        found += [
            Finding("overload", f"{part}: answers a second", told.rate),
            Finding("overload", f"{part}: refused with 503", told.status[503], 1, at_least=True),
            Finding("overload", f"{part}: refused without Retry-After", without, 0),
            Finding("overload", f"{part}: any other status, or no answer", failed, 0),
            Finding("overload", f"{part}: p99 of what is accepted [ms]", told.percentile(99)),
            Finding("overload", f"{part}: that p99 by the usual load's", told.percentile(99) / unloaded, 5.0),
            Finding("overload", f"{part}: memory by what it was", grown, 1.10),
        ]
    told_usual = statistics.median(one.percentile(99) for one in usual)
    return [Finding("overload", f"{USUAL} connections: p99 [ms]", told_usual), *found]


def _load(server: Server, requests: Sequence[bytes], connections: int, seconds: float) -> Told:
    return uvloop.run(run(server.port, requests, connections=connections, seconds=seconds))
