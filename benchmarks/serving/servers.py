"""Starting what answers, and waiting until it does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.error import HTTPError

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers.

    Attributes:
        port: on the loopback.
        process: its own, not those that it starts.
        seconds: from its start to its first good answer [s].
    """

    port: int
    process: subprocess.Popen[Any]
    seconds: float

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid

    def memory(self) -> float:
        """What it holds now, in MiB."""
        return resident_mib(self.pid)


def resident_mib(pid: int | str) -> float:
    """What a process holds now, in MiB; "self" is this one."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
    return found


def fetch(port: int, path: str, body: bytes | None = None, headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """The answer to one request, past any proxy that the environment names."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=body, headers={"Content-Type": "application/json", **headers}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=60) as response:
        content: bytes = response.read()
    return content


@contextmanager
def running(
    command: Sequence[str], port: int, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server as a child, ended on the way out.

    Args:
        command: what to run with this Python.
        port: where it will listen.
        ready: a path that it answers with 200 when it can answer.
        environment: the child's; None passes ours on.
    """
    began = time.perf_counter()
    env = dict(os.environ if environment is None else environment) | {"PYTHONPATH": str(ROOT)}
    process: subprocess.Popen[Any] = subprocess.Popen(
        [sys.executable, *command], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                fetch(port, ready)
                break
            except (HTTPError, OSError):
                if process.poll() is not None:
                    raise SystemExit(f"{' '.join(command)} ended with code {process.returncode}") from None
                if time.perf_counter() - began > 300:
                    raise SystemExit(f"{' '.join(command)} does not answer") from None
                time.sleep(0.02)
        yield Server(port, process, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait()
