"""Clients for the server's own tests: plain posts, and the bare socket under them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from tests.tushare_server.server import TushareServer


def body(api: str, fields: str = "", token: str = "secret", **params: Any) -> bytes:
    """A call as the documents write it."""
    return json.dumps({"api_name": api, "token": token, "params": params, "fields": fields}).encode()


def ask(server: TushareServer, api: str, fields: str = "", *, token: str = "secret", **params: Any) -> dict[str, Any]:
    """The answer to one call, on a connection of its own."""
    status, content = post(server, body(api, fields, token, **params))
    assert status == 200
    answer: dict[str, Any] = json.loads(content)
    return answer


def rows(server: TushareServer, api: str, fields: str = "", **params: Any) -> list[list[Any]]:
    """The rows of a call that is not refused."""
    answer = ask(server, api, fields, **params)
    assert answer["code"] == 0, answer["msg"]
    items: list[list[Any]] = answer["data"]["items"]
    return items


def post(server: TushareServer, content: bytes, path: str = "/", timeout: float = 10) -> tuple[int, bytes]:
    """Status and body of a post."""
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=timeout)
    try:
        connection.request("POST", path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def call(server: TushareServer, content: bytes) -> socket.socket:
    """A connection over which a call has been sent."""
    address = urlsplit(server.url)
    connection = socket.create_connection((address.hostname, address.port or 0), timeout=10)
    connection.sendall(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content))
    return connection


def everything(connection: socket.socket) -> tuple[bytes, bytes]:
    """Headers and body, read to the end of the connection."""
    with connection:
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, content = received.partition(b"\r\n\r\n")
    return head, content


def wait_until(condition: Callable[[], bool]) -> None:
    """Come back once `condition` holds, at most ten seconds later."""
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until, "it never came to hold"
        time.sleep(0.01)
