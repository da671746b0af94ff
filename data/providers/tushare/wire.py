"""Connections that end in time, and what went wrong with them.

requests counts its timeout anew with every byte, so that a server which sends one now and then holds a caller for ever.
Here a timer cuts the connection from outside.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http.client import HTTPMessage
from http.client import HTTPResponse as RawResponse
from threading import Lock, Timer
from typing import Any, Final

import requests
from requests import exceptions as failures
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import LocationValueError
from urllib3.util.response import assert_header_parsing

# Every exception of requests, and whether another try would meet the same.
LASTING: Final[Mapping[type[Exception], bool]] = {
    failures.RequestException: False,
    failures.InvalidJSONError: True,
    failures.JSONDecodeError: False,
    failures.HTTPError: False,
    failures.ConnectionError: False,
    failures.ProxyError: False,
    failures.SSLError: False,
    failures.Timeout: False,
    failures.ConnectTimeout: False,
    failures.ReadTimeout: False,
    failures.URLRequired: True,
    failures.TooManyRedirects: True,
    failures.MissingSchema: True,
    failures.InvalidSchema: True,
    failures.InvalidURL: True,
    failures.InvalidHeader: True,
    failures.InvalidProxyURL: True,
    failures.ChunkedEncodingError: False,
    failures.ContentDecodingError: False,
    failures.StreamConsumedError: False,
    failures.RetryError: False,
    failures.UnrewindableBodyError: False,
}


class Deadline:
    """The end of one try. requests counts its timeout anew with every byte, so the connection is cut from outside."""

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._lock = Lock()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Cut the connection if the block is not done in time."""
        timer = Timer(self._seconds, self._cut)
        timer.daemon = True
        before = _running.set(self)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            _running.reset(before)
            with self._lock:
                self._socket = None

    def watch(self, connected: socket.socket) -> None:
        """Take the connection that is to be cut."""
        with self._lock:
            if self.over:
                raise TimeoutError("connected too late")
            # TLS through a proxy with TLS wraps the socket into something that is none.
            self._socket = getattr(connected, "socket", connected)

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            if self._socket is not None:
                with suppress(OSError):
                    # A TLS socket's own shutdown would wait for the thread that reads.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_running: ContextVar[Deadline | None] = ContextVar("_running", default=None)


class _RawResponse(RawResponse):
    """An answer that the deadline cuts off."""

    headers: HTTPMessage

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        if (deadline := _running.get()) is not None:
            deadline.watch(sock)
        super().__init__(sock, *args, **kwargs)

    def begin(self) -> None:
        super().begin()
        # Else urllib3 logs malformed headers, with whatever the server put there.
        assert_header_parsing(self.headers)


class _Connection(HTTPConnection):
    response_class = _RawResponse


class _TlsConnection(HTTPSConnection):
    response_class = _RawResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Makes connections that know the deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager


class Session(requests.Session):
    """A session whose connections know the deadline, and which goes nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: asked even where redirects are not followed, and then the whole body would be read beforehand."""
        return None


def lasts(error: Exception) -> bool:
    """Whether another try would meet the same."""
    if isinstance(error, (LocationValueError, UnicodeError)):
        return True
    return next((LASTING[kind] for kind in type(error).__mro__ if kind in LASTING), False)


def reason_of(error: BaseException) -> str:
    """What the innermost of chained exceptions is: in the system's words, else by its name.

    Other texts hold pieces of what the server sent, in forms in which the token would not be recognised.
    """
    named = type(error)
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
        # A bare ValueError says less than what was made from it.
        if type(error).__module__.partition(".")[0] in ("http", "requests", "urllib3"):
            named = type(error)
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return error.strerror
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", named.__name__).lower()
