"""Two machines, as far as the network knows: namespaces of Linux with a cable between them. They share their disk."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# What a process has in memory that has fitted a model.
_FITTING = ("tensorflow", "statsmodels", "/arch/")


@dataclass(frozen=True)
class Node:
    """One of the two."""

    name: str
    address: str

    def start(self, *command: str, log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """A process on it."""
        with log.open("ab") as file:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.name, *command], env=dict(env), stdout=file, stderr=file
            )

    def processes(self) -> list[int]:
        found = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False)
        return [int(one) for one in found.stdout.split()]

    def at_work(self) -> list[int]:
        """The processes on it that have fitted a model, other than the one that asked for it."""
        return [pid for pid in self.processes() if _has_fitted(pid)]

    def power_off(self) -> None:
        """Nothing on it has a chance to say so."""
        for _ in range(3):  # some start others
            for pid in self.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)


def _has_fitted(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False
    return b"--engine" not in command and any(name in maps for name in _FITTING)


@contextmanager
def two_nodes() -> Iterator[tuple[Node, Node]]:
    """Needs root, and `ip` of iproute2."""
    nodes = tuple(Node(f"forecaster-{os.getpid()}-{k}", f"10.77.0.{k}") for k in (1, 2))
    first, second = nodes
    try:
        for node in nodes:
            _ip("netns", "add", node.name)
        _ip("link", "add", "cable", "netns", first.name, "type", "veth", "peer", "name", "cable", "netns", second.name)
        for node in nodes:
            _ip("-n", node.name, "address", "add", f"{node.address}/24", "dev", "cable")
            for device in ("lo", "cable"):
                _ip("-n", node.name, "link", "set", device, "up")
        yield first, second
    finally:
        for node in nodes:
            node.power_off()
            subprocess.run(["ip", "netns", "delete", node.name], capture_output=True, check=False)


def until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
