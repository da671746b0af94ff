"""Connections that are slow, idle, too many or too long, on a real socket."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import anyio
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from service.protocol import HEAD_BYTES, Patience, PatientProtocol, Turns

WAIT = 0.3


class App:
    """Answers with the length of the body; below /slow it waits until it may."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.begun += 1
        while scope["path"] == "/slow" and not self.go.is_set():
            await anyio.sleep(0.01)
        told = str(len(body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(told))]})
        await send({"type": "http.response.body", "body": told})


@contextmanager
def listening(app: App, most: int = 64) -> Iterator[tuple[int, uvicorn.Server, threading.Thread]]:
    protocol = partial(PatientProtocol, patience=Patience(WAIT, most))
    config = uvicorn.Config(app, http=protocol, lifespan="off", log_config=None, timeout_graceful_shutdown=5)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    bound = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield bound.getsockname()[1], server, thread
    finally:
        app.go.set()
        server.should_exit = True
        thread.join(timeout=10)
        bound.close()
    assert not thread.is_alive()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def read(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """The next answer: status, headers, body; status 0 where the connection ended without one."""
    content = b""
    while b"\r\n\r\n" not in content:
        piece = connection.recv(65_536)
        if not piece:
            assert not content
            return 0, {}, b""
        content += piece
    head, _, body = content.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65_536)
    return int(status.split()[1]), headers, body


def get(connection: socket.socket, path: str = "/") -> None:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def problem(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    status, headers, body = answer
    assert headers["content-type"] == "application/problem+json"
    document: Any = json.loads(body)
    assert document["status"] == status
    assert document["title"]
    return status, document["type"].rsplit(":", 1)[1]


def test_a_head_that_drips_is_cut() -> None:
    with listening(App()) as (port, _, _), connected(port) as slow:
        began = time.monotonic()
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        for _ in range(100):
            time.sleep(0.02)  # a byte now and then does not buy time
            try:
                slow.sendall(b"X")
            except OSError:
                break
        assert WAIT <= time.monotonic() - began < 10 * WAIT


def test_what_comes_too_late_is_told_so() -> None:
    with listening(App()) as (port, _, _), connected(port) as head, connected(port) as body:
        head.sendall(b"GET / HTT")
        body.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome")
        assert problem(read(head)) == (408, "request-timeout")
        assert problem(read(body)) == (408, "request-timeout")
        assert head.recv(10) == b""
        assert body.recv(10) == b""


def test_who_says_nothing_is_hung_up_on_without_a_word() -> None:
    with listening(App()) as (port, _, _), connected(port) as idle:
        assert idle.recv(10) == b""


def test_a_body_in_pieces_has_time_of_its_own() -> None:
    with listening(App()) as (port, _, _), connected(port) as patient:
        patient.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n")
        time.sleep(0.7 * WAIT)
        patient.sendall(b"Content-Length: 6\r\n\r\nabc")
        time.sleep(0.7 * WAIT)
        patient.sendall(b"def")
        status, _, body = read(patient)
        assert (status, body) == (200, b"6")


def test_an_answer_may_take_longer_than_a_request() -> None:
    app = App()
    with listening(app) as (port, _, _), connected(port) as waiting:
        get(waiting, "/slow")
        time.sleep(2 * WAIT)
        app.go.set()
        assert read(waiting)[0] == 200
        get(waiting)  # and the connection is as good as before
        assert read(waiting)[0] == 200


def test_a_long_head_is_refused() -> None:
    with listening(App()) as (port, _, _), connected(port) as long:
        long.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ")
        for _ in range(HEAD_BYTES // 4096 + 2):
            try:
                long.sendall(b"x" * 4096)
                time.sleep(0.001)
            except OSError:
                break
        assert problem(read(long)) == (431, "head-too-large")


def test_more_than_may_be_under_way_is_refused_at_once_and_probes_are_not() -> None:
    app = App()
    with listening(app, most=2) as (port, server, _):
        under_way = [connected(port) for _ in range(2)]
        for one in under_way:
            get(one, "/slow")
        while app.begun < 2:
            time.sleep(0.01)
        with connected(port) as third:
            # Its body is read past, and the connection goes on.
            third.sendall(b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            answer = read(third)
            assert problem(answer) == (503, "busy")
            assert int(answer[1]["retry-after"]) >= 1
            get(third, "/health/live")
            assert read(third)[0] == 200
            app.go.set()
            assert [read(one)[0] for one in under_way] == [200, 200]
            while server.server_state.tasks:
                time.sleep(0.01)
            get(third)
            assert read(third)[0] == 200
        for one in under_way:
            one.close()


def test_a_refusal_keeps_to_its_place_and_to_its_method() -> None:
    app = App()
    with listening(app, most=1) as (port, _, _), connected(port) as first, connected(port) as other:
        get(first, "/slow")
        while app.begun < 1:
            time.sleep(0.01)
        # Three at once over one connection: refused without a body, refused with one, and a probe that has a body.
        other.sendall(
            b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
            b"POST /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde"
        )
        content = b""
        while piece := other.recv(65_536):
            content += piece
        app.go.set()
        assert read(first)[0] == 200
    head, _, rest = content.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    second, _, rest = rest.partition(b"\r\n\r\n")
    assert second.startswith(b"HTTP/1.1 503 ")
    document, probe = json.JSONDecoder().raw_decode(rest.decode())
    assert document["type"].endswith(":busy")
    assert rest.decode()[probe:].startswith("HTTP/1.1 200 OK")
    assert rest.endswith(b"\r\n\r\n5")  # its own body, all of it


def test_the_last_refusal_of_a_connection_says_so() -> None:
    app = App()
    with listening(app, most=1) as (port, _, _), connected(port) as first, connected(port) as last:
        get(first, "/slow")
        while app.begun < 1:
            time.sleep(0.01)
        last.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        status, headers, _ = read(last)
        assert (status, headers["connection"]) == (503, "close")
        assert last.recv(10) == b""
        app.go.set()
        assert read(first)[0] == 200


def test_refusals_take_turns() -> None:
    turns = Turns()
    # A thousand a second, and no more than two seconds in line.
    assert turns.pause(50.0) == 0.0
    assert [round(turns.pause(50.0), 6) for _ in range(3)] == [0.001, 0.002, 0.003]
    assert turns.pause(51.0) == 0.0
    assert max(turns.pause(51.0) for _ in range(5000)) == 2.0


def test_stopping_answers_what_was_asked_and_what_is_just_being_asked() -> None:
    app = App()
    with listening(app) as (port, server, thread), connected(port) as busy, connected(port) as reused:
        get(reused)
        assert read(reused)[0] == 200
        get(busy, "/slow")
        while app.begun < 2:
            time.sleep(0.01)
        server.should_exit = True
        time.sleep(0.3)  # it has begun to stop
        get(reused)
        status, headers, _ = read(reused)
        assert (status, headers["connection"]) == (200, "close")
        app.go.set()
        status, headers, _ = read(busy)
        assert (status, headers["connection"]) == (200, "close")
        thread.join(timeout=5)
        assert not thread.is_alive()


def test_idle_connections_take_no_place_of_others() -> None:
    with listening(App(), most=4) as (port, _, _):
        idle = [connected(port) for _ in range(100)]
        with connected(port) as one:
            get(one)
            assert read(one)[0] == 200
        for each in idle:
            each.close()


@pytest.mark.parametrize("garbage", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_is_refused(garbage: bytes) -> None:
    with listening(App()) as (port, _, _), connected(port) as one:
        one.sendall(garbage)
        assert read(one)[0] == 400
