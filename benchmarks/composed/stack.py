"""The stack of `deploy/compose.yaml`, by the words that Docker Compose and podman-compose both take."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.error import HTTPError

from benchmarks.serving.load import request
from benchmarks.serving.servers import fetch

PATIENCE_SECONDS: Final = 300.0

# What MLflow cannot answer without its database.
_ASK: Final = (
    "import urllib.request as r;"
    "r.urlopen('http://mlflow:5000/api/2.0/mlflow/registered-models/search?max_results=1', timeout=5); print('asked')"
)


@dataclass(frozen=True, slots=True)
class Stack:
    """What is under trial.

    Attributes:
        compose: the command, without its verb.
        folder: of the compose file.
        port: of the service, on the loopback.
        key: that may read; "" where everybody may.
    """

    compose: tuple[str, ...]
    folder: Path
    port: int
    key: str

    def run(self, *words: str, given: str = "", checked: bool = True) -> str:
        """What one command of compose prints, which gets `given` as its input.

        Raises:
            subprocess.CalledProcessError: it failed, and that matters.
        """
        command = [*self.compose, *words]
        done = subprocess.run(command, cwd=self.folder, input=given, capture_output=True, text=True, check=checked)
        return done.stdout

    def inside(
        self,
        container: str,
        *words: str,
        given: str = "",
        environment: Mapping[str, str] = MappingProxyType({}),
        checked: bool = True,
    ) -> str:
        """What a command inside a container prints."""
        named = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        return self.run("exec", "-T", *named, container, *words, given=given, checked=checked)

    def life(self, container: str) -> str:
        """What tells one start of a container from the next: when its first process began; "" while there is none."""
        told = self.inside(container, "cat", "/proc/1/stat", checked=False)
        return told.rpartition(")")[2].split()[19] if ")" in told else ""

    def get(self, path: str) -> Any:
        """The service's answer.

        Raises:
            OSError: there is none, or none of 200.
        """
        return json.loads(fetch(self.port, path, headers={"X-API-Key": self.key} if self.key else {}))

    def ready(self) -> Any | None:
        """What the service says that it answers from; None where it has nothing to answer from.

        Raises:
            OSError: it does not answer at all.
        """
        try:
            return self.get("/health/ready")
        except HTTPError as error:
            if error.code != 503:
                raise
            return None

    def request(self) -> bytes:
        """A GET of a forecast that is not stale now."""
        symbol = next(one["symbol"] for one in self.get("/v1/symbols")["symbols"] if one["stale"] is False)
        return request(f"/v1/forecasts/{symbol}", headers=f"X-API-Key: {self.key}\r\n" * bool(self.key))

    def whole(self) -> bool:
        """Whether the service answers, from what the registry says now, and the registry answers others, too."""
        try:
            told = self.ready()
        except OSError:
            return False
        if told is None or told["last_error"] is not None:
            return False
        return "asked" in self.inside("scheduler", "python", "-c", _ASK, checked=False)


def waited(until: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> float:
    """Seconds until something holds.

    Raises:
        SystemExit: it took too long.
    """
    began = time.perf_counter()
    while not until():
        if time.perf_counter() - began > seconds:
            raise SystemExit(f"expected {what} within {seconds:g} s; it did not happen")
        time.sleep(0.1)
    return time.perf_counter() - began
