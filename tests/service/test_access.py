"""Who may ask what, asked through the whole app; and the rule itself, route by route."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from service.access import Access, describe_access, key_in, scope_needed
from service.app import create_app
from service.auth import MalformedKeys, Scope, entry_of, new_key, read_keys
from tests.service.asking import Clock, ask, assert_problem, loaded, settings

READER, ADMIN = new_key(), new_key()
KEYS = f"desk:read:{entry_of('x', Scope.READ, READER)[7:]},{entry_of('ops', Scope.ADMIN, ADMIN)}"

# Written from the contract: what is open, what reading is, and that all else is for admins.
OPEN = ["/", "/metrics", "/docs", "/docs/start.js", "/openapi.json", "/health/live", "/health/ready", "/v2/health/live"]
READING = ["/v1/symbols", "/v1/forecasts/AAPL", "/v1/diagnostics/AAPL", "/v1/models", "/v1/models/next-close"]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def closed(trained_home: Path) -> FastAPI:
    """Two keys, and reading not open."""
    return loaded(trained_home, open_read=False, api_keys=KEYS)


@pytest.fixture(scope="module")
def opened(trained_home: Path) -> FastAPI:
    """The same keys, and reading open."""
    return loaded(trained_home, api_keys=KEYS)


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        *[("GET", path, None) for path in OPEN],
        *[("HEAD", path, None) for path in OPEN],
        ("GET", "/web/app.js", None),
        ("GET", "/v2/health/ready", None),
        *[("GET", path, Scope.READ) for path in READING],
        ("HEAD", "/v1/forecasts/AAPL", Scope.READ),
        ("POST", "/v1/forecasts", Scope.READ),
        ("GET", "/v2", Scope.READ),
        ("GET", "/v2/models/next-close/ready", Scope.READ),
        ("POST", "/v2/models/next-close/infer", Scope.READ),
        ("POST", "/v2/models/next-close/versions/1/infer", Scope.READ),
        ("GET", "/v1/jobs", Scope.ADMIN),
        ("GET", "/v1/jobs/1", Scope.ADMIN),
        ("GET", "/v1/jobsx", Scope.READ),
        ("POST", "/v1/jobs/retrain", Scope.ADMIN),
        ("POST", "/v1/models/next-close/promote", Scope.ADMIN),
        ("POST", "/v1/models/next-close/rollback", Scope.ADMIN),
        ("POST", "/v1/forecasts/AAPL", Scope.ADMIN),
        ("POST", "/v1/symbols", Scope.ADMIN),
        ("POST", "/v2/models/next-close/load", Scope.ADMIN),
        ("POST", "/v2/repository/index/infer", Scope.ADMIN),
        ("POST", "/health/live", Scope.ADMIN),
        ("DELETE", "/v1/forecasts/AAPL", Scope.ADMIN),
        ("OPTIONS", "/v1/symbols", Scope.ADMIN),
        ("get", "/v1/symbols", Scope.ADMIN),
        ("GET", "/docsx", Scope.ADMIN),
        ("GET", "/metrics/x", Scope.ADMIN),
        ("GET", "/health", Scope.ADMIN),
        ("GET", "/V1/symbols", Scope.ADMIN),
        ("GET", "//v1/symbols", Scope.ADMIN),
        ("GET", "/anything", Scope.ADMIN),
        ("GET", "", Scope.ADMIN),
    ],
)
def test_the_rule(method: str, path: str, needed: Scope | None) -> None:
    assert scope_needed(method, path) is needed


def test_every_route_that_changes_something_is_for_admins(closed: FastAPI) -> None:
    """Whatever routes there will be: what is not a question is refused to readers."""
    asked = {"/v1/forecasts", "/v2/models/{name}/infer", "/v2/models/{name}/versions/{version}/infer"}
    for path, operations in closed.openapi()["paths"].items():
        for method in set(operations) - {"get", "head"}:
            if path in asked:
                continue
            response = ask(closed, re.sub(r"\{\w+\}", "x", path), method.upper(), headers=bearer(READER))
            assert_problem(response, 403, "scope-missing")


@pytest.mark.parametrize("path", OPEN)
def test_open_to_all(closed: FastAPI, path: str) -> None:
    assert ask(closed, path).status_code in (200, 307)
    assert ask(closed, path, headers=bearer("wrong")).status_code in (200, 307)  # a proxy may add one everywhere


@pytest.mark.parametrize("path", READING)
def test_reading(closed: FastAPI, opened: FastAPI, path: str) -> None:
    refused = ask(closed, path)
    assert "Bearer KEY" in assert_problem(refused, 401, "key-needed")["detail"]
    assert refused.headers["www-authenticate"] == 'Bearer realm="stock-forecaster"'
    for key in (READER, ADMIN):
        assert ask(closed, path, headers=bearer(key)).status_code == 200
        assert ask(closed, path, headers={"X-API-Key": key}).status_code == 200
    assert ask(opened, path).status_code == 200
    assert ask(opened, path, headers=bearer(READER)).status_code == 200


@pytest.mark.parametrize("open_read", [False, True])
def test_admin_is_never_open(closed: FastAPI, opened: FastAPI, open_read: bool) -> None:
    app = opened if open_read else closed
    assert "scope admin" in assert_problem(ask(app, "/v1/jobs"), 401, "key-needed")["detail"]
    refused = ask(app, "/v1/jobs", headers=bearer(READER))
    assert "desk has not got it" in assert_problem(refused, 403, "scope-missing")["detail"]
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert ask(app, "/v1/jobs", headers=bearer(ADMIN)).json() == {"jobs": []}


@pytest.mark.parametrize("open_read", [False, True])
def test_a_wrong_key_is_told(closed: FastAPI, opened: FastAPI, open_read: bool) -> None:
    app = opened if open_read else closed
    for headers in (
        bearer(READER + "x"),
        bearer(READER[:-1]),
        bearer(""),
        {"X-API-Key": "wrong"},
        {"Authorization": f"Bearer {READER}", "X-API-Key": ADMIN},
    ):
        response = ask(app, "/v1/symbols", headers=headers)
        assert_problem(response, 401, "wrong-key")
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
        assert READER not in response.text


def test_no_keys_and_not_open_says_both_ways_out(trained_home: Path) -> None:
    app = loaded(trained_home, open_read=False)
    detail = assert_problem(ask(app, "/v1/symbols"), 401, "key-needed")["detail"]
    assert "forecaster keys new" in detail
    assert "FORECASTER_OPEN_READ=true" in detail
    admin = assert_problem(ask(app, "/v1/jobs"), 401, "key-needed")["detail"]
    assert "--scope admin" in admin
    assert "OPEN_READ" not in admin
    assert ask(app, "/health/ready").status_code == 200


def test_what_is_not_there_is_not_asked_a_key_for(closed: FastAPI) -> None:
    assert_problem(ask(closed, "/nope"), 404, "not-found")
    assert_problem(ask(closed, "/v1/symbols", "DELETE"), 405, "method-not-allowed")
    assert_problem(ask(closed, "/v1/nope"), 401, "key-needed")  # what is below /v1 is for readers to know


def test_bad_keys_end_the_start(tmp_path: Path) -> None:
    with pytest.raises(MalformedKeys, match="entry 1 of 1"):
        create_app(settings(tmp_path, api_keys="secret"), clock=Clock())


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    return None


class Asked:
    """Asks a layer that stands alone."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.layer = Access(_nothing, read_keys(KEYS), open_read=True, wrong_per_minute=60, clock=lambda: self.now)

    def status(self, key: str, host: str | None) -> tuple[int, str | None]:
        """The status and Retry-After; 200 where the request passed."""
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        client = None if host is None else (host, 1)
        headers = [(b"authorization", f"Bearer {key}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/v1/symbols", "headers": headers, "client": client}
        asyncio.run(self.layer(scope, _nothing, send))  # type: ignore[arg-type]
        if not sent:
            return 200, None
        return sent[0]["status"], dict(sent[0]["headers"]).get(b"retry-after", b"").decode() or None


def test_wrong_keys_are_limited_by_address() -> None:
    asked = Asked()
    assert [asked.status("wrong", "192.0.2.1")[0] for _ in range(61)] == [401] * 60 + [429]
    assert asked.status("wrong", "192.0.2.1") == (429, "1")  # 60 a minute: one a second
    assert asked.status(READER, "192.0.2.1")[0] == 200
    assert asked.status("wrong", "192.0.2.2")[0] == 401
    assert asked.status("wrong", None)[0] == 401
    asked.now += 1.0
    assert [asked.status("wrong", "192.0.2.1")[0] for _ in range(2)] == [401, 429]


def test_one_network_of_ipv6_is_one_address() -> None:
    asked = Asked()
    found = [asked.status("wrong", f"2001:db8::{n:x}")[0] for n in range(61)]
    assert found == [401] * 60 + [429]
    assert asked.status("wrong", "2001:db8:0:1::1")[0] == 401


def test_the_name_of_the_key_is_passed_on() -> None:
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/v1/symbols",
        "headers": [(b"x-api-key", READER.encode())],
    }
    asyncio.run(Access(_nothing, read_keys(KEYS), open_read=True)(scope, _nothing, _nothing))  # type: ignore[arg-type]
    assert scope["state"]["identity"] == "desk"


def test_below_a_prefix() -> None:
    """The routes match what follows the prefix, and so must the rule."""
    passed: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["path"])

    async def ignore(message: Any) -> None:
        return None

    layer = Access(app, read_keys(KEYS), open_read=False)
    for path in ("/api/health/live", "/health/live", "/api/v1/jobs", "/apiv1/symbols", "/health/api"):
        scope = {"type": "http", "method": "GET", "path": path, "root_path": "/api", "headers": []}
        asyncio.run(layer(scope, _nothing, ignore))  # type: ignore[arg-type]
    assert passed == ["/api/health/live", "/health/live", "/health/api"]


def test_websockets_are_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Access(_nothing, read_keys(""), open_read=True)({"type": "websocket"}, _nothing, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ([], None),
        ([(b"authorization", b"Bearer abc")], b"abc"),
        ([(b"authorization", b"bearer  abc ")], b"abc"),
        ([(b"authorization", b"Basic dXNlcjpwYXNz")], None),
        ([(b"authorization", b"Basic dXNlcjpwYXNz"), (b"x-api-key", b"abc")], b"abc"),
        ([(b"authorization", b"Bearer")], None),
        ([(b"authorization", b"Bearer ")], b""),
        ([(b"x-api-key", b"abc"), (b"authorization", b"Bearer abc")], b"abc"),
        ([(b"x-api-key", b"abc"), (b"x-api-key", b"abd")], b""),
        ([(b"x-api-key", b"abc"), (b"x-api-key", b"abd"), (b"x-api-key", b"abc")], b""),
    ],
)
def test_where_a_key_is(headers: list[tuple[bytes, bytes]], key: bytes | None) -> None:
    assert key_in(headers) == key


def test_the_description_says_what_needs_a_key(closed: FastAPI, opened: FastAPI) -> None:
    for app, reading in ((closed, [{"key": []}]), (opened, [{}, {"key": []}])):
        described = app.openapi()
        assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
        paths = described["paths"]
        assert paths["/v1/symbols"]["get"]["security"] == reading
        assert paths["/health/live"]["get"]["security"] == []
        assert paths["/v1/jobs/retrain"]["post"]["security"] == [{"key": []}]
        assert {"401", "403"} <= set(paths["/v1/jobs/retrain"]["post"]["responses"])
        assert app.openapi() == described
    document: dict[str, Any] = {"components": {}, "paths": {"/new": {"get": {"responses": {}}, "summary": "x"}}}
    describe_access(document, open_read=True)
    assert document["paths"]["/new"]["get"]["security"] == [{"key": []}]
