"""The outermost layer: every request gets an id and is timed, counted and logged; every answer gets safe headers."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from itertools import count
from secrets import token_hex
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.logs import request_id
from service.metrics import Metrics

_log = logging.getLogger("service.access")

# What a caller may name its request; anything else gets an id of ours.
_GIVEN: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_SAFE: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
# Of answers that are data; pages bring a policy of their own.
_DATA_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_POLICY: Final = b"content-security-policy"


class Front:
    """ASGI middleware. Plain ASGI, because every request passes."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, access_log: bool) -> None:
        """Wrap an app.

        Args:
            app: what answers.
            metrics: where requests are counted.
            access_log: whether every request is logged.
        """
        self._app = app
        self._metrics = metrics
        self._access_log = access_log
        self._process = token_hex(4)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier = self._identifier(scope)
        status = 500  # what the server answers where the app raises

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], *_SAFE, (b"x-request-id", identifier)]
                if not any(name == _POLICY for name, _ in message["headers"]):
                    headers.append(_DATA_POLICY)
                message = {"type": "http.response.start", "status": status, "headers": headers}
            await send(message)

        token = request_id.set(identifier.decode())
        began = time.perf_counter()
        try:
            await self._app(scope, receive, watch)
        finally:
            seconds = time.perf_counter() - began
            # Routing leaves the matched route here; the path itself would make a label for every typo.
            route = getattr(scope.get("route"), "path_format", "unmatched")
            self._metrics.observe(route, scope["method"], status, seconds)
            if self._access_log:
                _log.info("request", extra={"facts": _facts(scope, status, seconds)})
            request_id.reset(token)

    def _identifier(self, scope: Scope) -> bytes:
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given: bytes = value
                if _GIVEN.fullmatch(given):
                    return given
                break
        return f"{self._process}-{next(self._numbers):x}".encode()


def _facts(scope: Scope, status: int, seconds: float) -> Mapping[str, Any]:
    """What the access log says of a request: never its query or its headers, which may hold secrets."""
    return {
        "method": scope["method"],
        "path": scope["path"][:200],
        "status": status,
        "ms": round(1000 * seconds, 3),
        "client": (scope.get("client") or ("",))[0],
        "key": scope.get("state", {}).get("identity", ""),
    }
