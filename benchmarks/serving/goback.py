"""How long a rollback takes until it is what is served: by REST, by the command line, and after new prices."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.serving.changes import next_bars
from benchmarks.serving.finding import Finding
from benchmarks.serving.home import WHY, environment
from benchmarks.serving.servers import ROOT, Server, fetch
from data.store import PriceStore
from forecaster.registry import Registry
from forecaster.settings import Settings

_LIMIT_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 120.0

# The champion before is made ready some seconds after prices have come.
_PAUSE_SECONDS: Final = 30.0


def go_back(home: Path, server: Server, key: str, rounds: int) -> list[Finding]:
    """The longest of some rollbacks of each kind.

    Args:
        home: of two versions; it is changed.
        server: what serves from it.
        key: may promote.
        rounds: of REST and of the command line; new prices come once.
    """
    asker = _Asker(home, server.port, key)
    rest, command = [], []
    for _ in range(rounds):
        rest.append(asker.timed(asker.by_rest))
        command.append(asker.timed(asker.by_command))
    asker.new_prices()
    later = asker.timed(asker.by_rest, pause=_PAUSE_SECONDS)
    told = f"rollback by %s, the longest of {rounds} [s]"
    return [
        Finding("rollback", told % "REST", max(rest), _LIMIT_SECONDS),
        Finding("rollback", told % "command, after the alias moved", max(command), _LIMIT_SECONDS),
        Finding("rollback", f"by REST, {_PAUSE_SECONDS:g} s after new prices [s]", later, _LIMIT_SECONDS),
    ]


class _Asker:
    """Promotes, goes back, and looks at what is served."""

    def __init__(self, home: Path, port: int, key: str) -> None:
        self._home, self._port, self._key = home, port, key
        where = Settings(home=home, store="", tracking_uri="")
        self._store = PriceStore(where.store_uri)
        self._registry = Registry(where.registry_uri, where.artifacts, where.model)
        self._model = where.model

    def timed(self, back: Callable[[str], float], pause: float = 0.0) -> float:
        """Seconds from a rollback to what it changes; the other version is promoted before."""
        champion = self._registry.by_alias().version
        other = next(one.version for one in self._registry.versions() if one.version != champion)
        self._post("promote", {"version": other, "force": True, "why": WHY})
        self._until(other)
        time.sleep(pause)
        return self._until(champion, back(champion))

    def by_rest(self, champion: str) -> float:
        """Goes back; gives when."""
        begun = time.perf_counter()
        self._post("rollback", {})
        return begun

    def by_command(self, champion: str) -> float:
        """Goes back; gives when the alias was moved, since a program takes seconds to start."""
        command = [sys.executable, "-m", "forecaster.cli.main", "models", "rollback"]
        with subprocess.Popen(command, env=environment(self._home), cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            while self._registry.by_alias().version != champion:
                if process.poll() not in (None, 0):
                    raise SystemExit("forecaster models rollback failed")
                time.sleep(0.01)
            return time.perf_counter()

    def new_prices(self) -> None:
        """A bar of each symbol, served."""
        self._store.upsert(next_bars(self._store))
        begun, wanted = time.perf_counter(), self._store.version()
        while json.loads(fetch(self._port, "/health/ready"))["data_version"] != wanted:
            _patience(begun)

    def _post(self, path: str, body: dict[str, object]) -> None:
        fetch(self._port, f"/v1/models/{self._model}/{path}", json.dumps(body).encode(), {"X-API-Key": self._key})

    def _until(self, version: str, begun: float | None = None) -> float:
        begun = time.perf_counter() if begun is None else begun
        while json.loads(fetch(self._port, "/health/ready"))["model"]["version"] != version:
            _patience(begun)
        return time.perf_counter() - begun


def _patience(begun: float) -> None:
    if time.perf_counter() - begun > _PATIENCE_SECONDS:
        raise SystemExit(f"nothing has changed for {_PATIENCE_SECONDS:g} s")
    time.sleep(0.01)
