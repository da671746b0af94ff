"""What a fault sees of a call, and the queue that faults wait in."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

_LOOK_EVERY: Final = 0.02


@dataclass(frozen=True)
class Wire:
    """One call that the limits let through: the right answer, and the means to send it, another one, or none.

    Attributes:
        api: the interface.
        token: what the call came with.
        row_limit: rows that fit into an answer.
        right: the right answer.
        ask: gives the right answer for other parameters, whatever the interface requires.
        params: the call's own parameters.
        record: takes the rows that go out, and whether the call is refused.
        released, closing: set when hung calls shall be answered, and when the server goes.
        handler: the connection.
    """

    api: str
    token: str
    row_limit: int
    right: dict[str, Any]
    ask: Callable[[Mapping[str, Any]], dict[str, Any]]
    params: Mapping[str, Any]
    record: Callable[[int, bool], None]
    released: threading.Event
    closing: threading.Event
    handler: BaseHTTPRequestHandler

    def answer(self, payload: object) -> None:
        """Send `payload` as JSON, with status 200."""
        self.record(_rows(payload), isinstance(payload, dict) and payload.get("code") not in (0, "0"))
        self.head(200, len(body := encoded(payload)))
        self.handler.wfile.write(body)

    def send(self, status: int, body: bytes = b"", *, kind: str = "text/html", **headers: str) -> None:
        """Send something else. Names of headers come with underscores: `Retry_After="5"`."""
        self.record(0, status != 200)
        self.head(status, len(body), kind=kind, **headers)
        self.handler.wfile.write(body)

    def head(self, status: int, length: int | None, *, kind: str = "application/json", **headers: str) -> None:
        """Send the headers; without a length, the body ends with the connection."""
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", f"{kind}; charset=utf-8")
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        if length is None:
            self.handler.send_header("Connection", "close")
        else:
            self.handler.send_header("Content-Length", str(length))
        self.handler.end_headers()

    def hang(self, seconds: float | None = None) -> bool:
        """Stay silent until released, at most `seconds`; True unless the client or the server went away."""
        left = seconds
        while not self.closing.is_set() and not _gone(self.handler.connection):
            if self.released.is_set() or (left is not None and left <= 0):
                return True
            self.released.wait(_LOOK_EVERY if left is None else min(_LOOK_EVERY, left))
            left = None if left is None else left - _LOOK_EVERY
        self.handler.close_connection = True
        return False


Fault = Callable[[Wire], None]


@dataclass
class _Waiting:
    fault: Fault
    api: str | None
    after: int
    times: int | None


class FaultQueue:
    """Faults in the order in which they were put in. Safe to share between threads."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()

    def put(self, fault: Fault, times: int | None, api: str | None, after: int) -> None:
        """Let `fault` befall `times` calls (None: all) of `api` (None: any), once `after` such calls have passed."""
        with self._lock:
            self._waiting.append(_Waiting(fault, api, after, times))

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._waiting.clear()

    def take(self, api: str) -> Fault | None:
        """The fault that befalls the next call of `api`: the first that is due."""
        with self._lock:
            taken: Fault | None = None
            for one in [one for one in self._waiting if one.api in (None, api)]:
                if one.after > 0:
                    one.after -= 1
                elif taken is None:
                    taken = one.fault
                    one.times = None if one.times is None else one.times - 1
            self._waiting = [one for one in self._waiting if one.times != 0]
            return taken


def encoded(payload: object) -> bytes:
    """`payload` as the bytes of its JSON."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _rows(payload: object) -> int:
    data = payload.get("data") if isinstance(payload, dict) else None
    return len(data["items"]) if isinstance(data, dict) and "items" in data else 0


def _gone(connection: socket.socket) -> bool:
    """Whether the other end has closed; what it may have sent stays to be read."""
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):
        return True
