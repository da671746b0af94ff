"""New champions and new prices under full load."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import uvloop

from benchmarks.serving.finding import Finding
from benchmarks.serving.home import FORCED, WHY, environment
from benchmarks.serving.load import answer
from benchmarks.serving.seen import Change, Seen, State
from benchmarks.serving.servers import ROOT, Server, fetch
from data.bars import Bars
from data.errors import CalendarBounds
from data.sessions import Calendars
from data.store import PriceStore
from data.symbols import exchange_of
from forecaster.registry import Registry
from forecaster.settings import Settings

CONNECTIONS: Final = 16
_MODEL: Final = "next-close"
_PATIENCE_SECONDS: Final = 60.0


def changes_under_load(
    home: Path, server: Server, key: str, requests: Sequence[bytes], promotions: int, updates: int
) -> list[Finding]:
    """Promotions and updates of the prices in turns, while connections ask without a pause.

    Args:
        home: of the server, with two versions of its model.
        server: what is asked; one process.
        key: may promote.
        requests: GETs of forecasts.
        promotions, updates: how many; every second promotion is the command line's.
    """
    before = server.memory()
    seen, changes = uvloop.run(_under_load(server.port, requests, _Driver(home, server.port, key), promotions, updates))
    failed = sum(count for status, count in seen.status.items() if status != 200)
    versions = {state for answers in seen.answers.values() for _, _, state in answers}
    taken = [one.settled - one.begun for one in changes[1:]]
    return [
        Finding("promotions", "promotions and updates of the prices", len(changes) - 1, promotions + updates, True),
        Finding("promotions", "seconds from an order to its effect, the median", float(np.median(taken))),
        Finding("promotions", "seconds from an order to its effect, the longest", max(taken)),
        Finding("promotions", "requests that were answered", seen.status[200], 1, True),
        Finding("promotions", "requests that failed", failed, 0),
        Finding("promotions", "pairs of model and data version that were seen", len(versions)),
        Finding("promotions", "different answers that were seen", seen.contents()),
        Finding("promotions", "answers that are not whole or contradict themselves", sum(seen.faults.values()), 0),
        Finding("promotions", "answers of what did not serve, or out of order", seen.out_of_order(changes), 0),
        Finding("promotions", "memory, by what it was", server.memory() / before),
    ]


async def _under_load(
    port: int, requests: Sequence[bytes], driver: _Driver, promotions: int, updates: int
) -> tuple[Seen, list[Change]]:
    seen, ended = Seen(), asyncio.Event()

    async def connection(number: int) -> None:
        place, reader, writer = number * max(1, len(requests) // CONNECTIONS), None, None
        while not ended.is_set():
            sent = time.perf_counter()
            try:
                if reader is None or writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                place = (place + 1) % len(requests)
                writer.write(requests[place])
                status, head, body = await answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                seen.status[0] += 1
                reader = None
                continue
            seen.status[status] += 1
            if status == 200:
                seen.take(number, requests[place], sent, time.perf_counter(), head, body)
        if writer is not None:
            writer.close()

    asking = [asyncio.create_task(connection(number)) for number in range(CONNECTIONS)]
    try:
        changes = await asyncio.to_thread(driver.drive, promotions, updates)
    finally:
        ended.set()
        await asyncio.gather(*asking)
    return seen, changes


class _Driver:
    """Changes what is served, one change after the other."""

    def __init__(self, home: Path, port: int, key: str) -> None:
        self._home, self._port, self._key = home, port, key
        settings = Settings(home=home, store="", tracking_uri="")
        self._store = PriceStore(settings.store_uri)
        self._versions = [
            int(one.version)
            for one in Registry(settings.registry_uri, settings.artifacts, settings.model).versions()[:2]
        ]

    def drive(self, promotions: int, updates: int) -> list[Change]:
        """All changes, the first being what is served now."""
        changes = [Change(0.0, 0.0, self._served())]
        promoted = updated = 0
        while promoted < promotions or updated < updates:
            model, data = changes[-1].state
            if promoted < promotions:
                other = next(one for one in self._versions if one != model)
                act = self._promote_by_rest if promoted % 2 == 0 else self._promote_by_command
                changes.append(self._change(lambda act=act, other=other: act(other), (other, data)))
                promoted += 1
            if updated < updates:
                model = changes[-1].state[0]
                changes.append(self._change(self._update, (model, data + 1)))
                updated += 1
        return changes

    def _change(self, act: Callable[[], object], after: State) -> Change:
        begun = time.perf_counter()
        act()
        while self._served() != after:
            if time.perf_counter() - begun > _PATIENCE_SECONDS:
                raise SystemExit(f"{after} is not served after {_PATIENCE_SECONDS:g} s: {self._ready()}")
            time.sleep(0.02)
        return Change(begun, time.perf_counter(), after)

    def _ready(self) -> Any:
        return json.loads(fetch(self._port, "/health/ready"))

    def _served(self) -> State:
        told = self._ready()
        return int(told["model"]["version"]), int(told["data_version"])

    def _promote_by_rest(self, version: int) -> None:
        body = json.dumps({"version": str(version), "force": True, "why": WHY}).encode()
        fetch(self._port, f"/v1/models/{_MODEL}/promote", body, {"X-API-Key": self._key})

    def _promote_by_command(self, version: int) -> None:
        command = [sys.executable, "-m", "forecaster.cli.main", "models", "promote", str(version), *FORCED]
        subprocess.run(command, env=environment(self._home), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    def _update(self) -> None:
        self._store.upsert(next_bars(self._store))


def next_bars(store: PriceStore) -> Bars:
    """A bar of every symbol for its next session; its newest one told anew where no session after that is known."""
    newest = store.newest()
    held = store.read(start=newest["session"].min().date()).frame
    last = held[held["session"] == held.groupby("symbol")["session"].transform("max")].copy()
    calendars, random = store.calendars(), np.random.default_rng(store.version())
    following = {
        key: _following(calendars, *key) for key in zip(last["symbol"].map(exchange_of), last["session"], strict=True)
    }
    keys = zip(last["symbol"].map(exchange_of), last["session"], strict=True)
    last["session"] = np.array([following[key] for key in keys], dtype=held["session"].dtype)
    factor = np.exp(random.normal(0.0, 0.01, len(last)))
    for name in ("open", "high", "low", "close"):
        last[name] *= factor
    return Bars(last.sort_values(["symbol", "session"], ignore_index=True))


def _following(calendars: Calendars, exchange: str, session: pd.Timestamp) -> np.datetime64:
    """The next session that has one after it; else this one, since a forecast needs to know what it is for."""
    try:
        following = calendars.exchange(exchange).next_sessions(session.date(), 2)[0]
    except CalendarBounds:
        following = session.date()
    return np.datetime64(following, "s")
