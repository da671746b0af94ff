"""ASGI middleware: which requests need a key, and whether the one that came is enough.

What is not named here needs the scope admin, so that a route that nobody thought of is not open.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Request

from service.auth import Identity, KeyNeeded, Keys, Scope, ScopeMissing, WrongKey
from service.buckets import Buckets, TooManyWrongKeys, address_of
from service.errors import problem_of, responses

_READS: Final = frozenset(("GET", "HEAD"))
_OPEN: Final = frozenset(("/", "/metrics", "/docs", "/openapi.json"))
_OPEN_BELOW: Final = ("/health/", "/v2/health/", "/docs/", "/web/")
_DATA: Final = frozenset(("/v1", "/v2"))
_DATA_BELOW: Final = ("/v1/", "/v2/")
_PROTOCOL: Final = "/v2/"
_JOBS: Final = "/v1/jobs"
_ASKING: Final = "/v1/forecasts"
_INFERRING: Final = ("/v2/models/", "/infer")

# A right key passes however many wrong ones came before, so that nobody behind the same proxy can be locked out.
# Who checks a service against its own description sends hundreds of wrong ones; a key of 256 random bits is not guessed
# at twenty a second.
WRONG_KEYS_PER_MINUTE: Final = 1200

_CHALLENGE: Final = 'Bearer realm="stock-forecaster"'
_BEARER: Final = b"bearer "
_METHODS: Final = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace"))


def scope_needed(method: str, path: str) -> Scope | None:
    """What a request needs; None where it is open to all.

    Args:
        method: in upper case.
        path: as the routes match it.
    """
    if method in _READS:
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            return None
        if path == _JOBS or path.startswith(f"{_JOBS}/"):
            return Scope.ADMIN
        if path.startswith(_DATA_BELOW) or path in _DATA:
            return Scope.READ
    elif method == "POST":
        below, end = _INFERRING
        if path == _ASKING or (path.startswith(below) and path.endswith(end)):
            return Scope.READ
    return Scope.ADMIN


def route_path(request: Request) -> str:
    """The path of a request as the routes match it: without the prefix that the app is mounted under."""
    path: str = request["path"]
    prefix: str = request.get("root_path", "")
    if not prefix or not path.startswith(prefix):
        return path
    rest = path[len(prefix) :]
    return rest if not rest or rest[0] == "/" else path


class Access:
    """Lets pass what is open, what reading is open to, and what comes with a key that is enough."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Keys,
        *,
        open_read: bool,
        routes: Sequence[BaseRoute] | None = None,
        wrong_per_minute: int = WRONG_KEYS_PER_MINUTE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap an app.

        Args:
            app: what answers.
            keys: those that are configured.
            open_read: whether reading needs no key.
            routes: what there is: what none of them answers is left to the app, which says so. None asks for a key.
            wrong_per_minute: wrong keys that are answered with 401 for one address; more are answered with 429.
            clock: seconds that never go back.
        """
        self._app = app
        self._keys = keys
        self._open_read = open_read
        self._routes = routes
        self._clock = clock
        self._failures = Buckets(wrong_per_minute)

    async def __call__(self, scope: Request, receive: Receive, send: Send) -> None:
        """Pass the request on, with the key's name as `scope["state"]["identity"]`, or refuse it."""
        kind = scope["type"]
        if kind != "http":
            if kind == "lifespan":
                await self._app(scope, receive, send)
            else:  # nothing here speaks WebSocket
                await send({"type": "websocket.close", "code": 1008})
            return
        needed = scope_needed(scope["method"], route_path(scope))
        if needed is None:
            await self._app(scope, receive, send)
            return
        key = key_in(scope["headers"])
        if key is None:
            if (self._open_read and needed is Scope.READ) or self._leads_nowhere(needed, scope):
                await self._app(scope, receive, send)
                return
            await _refuse(KeyNeeded(needed, configured=bool(self._keys.identities)), scope, receive, send)
            return
        identity = self._keys.identify(key)
        if identity is None:
            await self._refuse_wrong(scope, receive, send)
        elif identity.scope.admits(needed) or self._leads_nowhere(needed, scope):
            _remember(identity, scope)
            await self._app(scope, receive, send)
        else:
            _remember(identity, scope)
            await _refuse(ScopeMissing(identity.name, needed), scope, receive, send)

    def _leads_nowhere(self, needed: Scope, scope: Request) -> bool:
        """Whether no route answers it, so that the app's own 404 or 405 says more than a question for a key."""
        return (
            needed is Scope.ADMIN
            and self._routes is not None
            and not any(route.matches(scope)[0] is Match.FULL for route in self._routes)
        )

    async def _refuse_wrong(self, scope: Request, receive: Receive, send: Send) -> None:
        wait = self._failures.take(address_of(scope), self._clock())
        if wait is None:
            await _refuse(WrongKey(configured=bool(self._keys.identities)), scope, receive, send)
        else:
            spent = TooManyWrongKeys(self._failures.per_minute)
            await problem_of(spent, scope["path"], retry_after=wait)(scope, receive, send)


def key_in(headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    """The key of a request; None where there is none, empty where there are two that differ.

    Another kind of `Authorization`, such as a proxy's own, is none.
    """
    found = None
    for name, value in headers:
        if name == b"x-api-key":
            key = value.strip()
        elif name == b"authorization" and value[:7].lower() == _BEARER:
            key = value[7:].strip()
        else:
            continue
        found = key if found is None or found == key else b""
    return found


def describe_access(document: dict[str, Any], *, open_read: bool) -> None:
    """Add to an OpenAPI document which operation needs which key, by the rule that `Access` goes by.

    Args:
        document: is changed; a second time changes nothing.
        open_read: whether reading needs no key.
    """
    document["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key made by `forecaster keys new`. As `X-API-Key: KEY` it is taken, too.",
        }
    }
    key: list[dict[str, list[str]]] = [{"key": []}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method not in _METHODS:
                continue
            needed = scope_needed(method.upper(), path)
            if needed is None:
                operation["security"] = []
                continue
            optional = open_read and needed is Scope.READ
            operation["security"] = [{}, *key] if optional else key
            if path in _DATA or path.startswith(_PROTOCOL):
                continue  # errors of that protocol have a form of their own, which its routes describe
            refusals = (WrongKey,) if optional else (KeyNeeded, WrongKey)
            expected = responses(*refusals) | (responses(ScopeMissing) if needed is Scope.ADMIN else {})
            for status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                if status in expected:
                    operation["responses"].setdefault(str(status.value), expected[status])


def _remember(identity: Identity, scope: Request) -> None:
    scope.setdefault("state", {})["identity"] = identity.name


async def _refuse(error: KeyNeeded | WrongKey | ScopeMissing, scope: Request, receive: Receive, send: Send) -> None:
    response = problem_of(error, scope["path"])
    reason = {WrongKey: ', error="invalid_token"', ScopeMissing: ', error="insufficient_scope"'}.get(type(error), "")
    response.headers["WWW-Authenticate"] = _CHALLENGE + reason
    await response(scope, receive, send)
