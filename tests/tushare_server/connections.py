"""HTTP/1.1 connections: one thread each, kept alive, and gone at once when the server closes."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

Handle = Callable[[BaseHTTPRequestHandler, bytes], None]

_LARGEST_BODY: Final = 1 << 20
_FAREWELL: Final = 2.0


class Listener(ThreadingHTTPServer):
    """Accepts connections and hands each request with its body to `handle`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handle: Handle) -> None:
        self.handle = handle
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def server_bind(self) -> None:
        """Without the look-up of the machine's name, which may ask a network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def stop(self) -> None:
        """Close the port and every connection, and wait a moment for their threads."""
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._open:
                _shut(connection)
        until = time.monotonic() + _FAREWELL
        while self._open and time.monotonic() < until:
            time.sleep(0.002)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection while it is open."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Forget it afterwards."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes is no news; anything else is a mistake of this server's and is printed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body go out separately, and would wait for each other
    server: Listener

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.send_error(411)
            return
        body = self.rfile.read(int(length))
        if len(body) == int(length):
            self.server.handle(self, body)

    def do_GET(self) -> None:
        self.server.handle(self, b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what came is in the server's `calls`."""


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
