"""A server that sends exactly the bytes it is told to, on a real socket: for what a proper HTTP server never does."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, Self

# What to do with a connection on which a request came; whether it stays open for another one.
Act = Callable[[socket.socket], bool]

GOOD: Final = {"code": 0, "msg": None, "data": {"fields": ["ts_code", "close"], "items": [["600519.SH", 1700.0]]}}


class Request(NamedTuple):
    """What came over the wire."""

    line: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: int


def raw(*pieces: bytes, keep: bool = False) -> Act:
    """These bytes, then the end of the connection."""

    def act(connection: socket.socket) -> bool:
        for piece in pieces:
            connection.sendall(piece)
        return keep

    return act


def head(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(payload: object, status: str = "200 OK", *headers: str) -> Act:
    """A whole answer, after which the connection stays open."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
    return raw(head(status, body, *headers), body, keep=True)


def refused(code: int, message: str | None) -> Act:
    return answer({"code": code, "msg": message, "data": None})


def drip(before: bytes, piece: bytes, seconds: float = 0.05) -> Act:
    """Some bytes at once, and then one piece after the other without end: never silent for long."""

    def act(connection: socket.socket) -> bool:
        connection.sendall(before)
        over = threading.Event()
        while not over.wait(seconds):
            connection.sendall(piece)
        return False

    return act


def hang(connection: socket.socket) -> bool:
    """Nothing until the client is gone."""
    while connection.recv(4096):
        pass
    return False


def reset(connection: socket.socket) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


class ScriptedServer:
    """Does one act of its script for each request; the last act is repeated.

    Attributes:
        requests: what came, in order.
    """

    def __init__(self, *script: Act) -> None:
        self.script: Sequence[Act] = script or (answer(GOOD),)
        self.requests: list[Request] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/dataapi"

    def __enter__(self) -> Self:
        self._run(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def _run(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self._run(self._serve, connection, len(self._open))

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                headers = dict(_header(one) for one in iter(stream.readline, b"\r\n"))
                body = stream.read(int(headers["content-length"]))
                self.requests.append(Request(line.decode().strip(), headers, json.loads(body), number))
                act = self.script[min(len(self.requests), len(self.script)) - 1]
                if not act(connection):
                    break


def _header(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    return name.lower(), value.strip()
