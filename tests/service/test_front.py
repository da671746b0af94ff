"""What every request passes: ids, safe headers, limits of bodies, the access log."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from service.app import create_app
from service.logs import OneLine, request_id
from tests.service.asking import Clock, ask, assert_problem, host_of, loaded, settings


@pytest.mark.parametrize(
    "path", ["/v1/forecasts/AAPL", "/v1/forecasts/%00", "/v1/symbols", "/nowhere", "/metrics", "/docs", "/"]
)
def test_every_answer_has_an_id_and_safe_headers(app: FastAPI, path: str) -> None:
    headers = ask(app, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert len(headers.get_list("content-security-policy")) == 1
    assert headers["x-request-id"]


def test_ids_differ_unless_the_caller_gives_a_good_one(app: FastAPI) -> None:
    def told(**headers: str) -> str:
        return ask(app, "/health/live", headers=headers).headers["x-request-id"]

    assert told() != told()
    assert told(**{"X-Request-ID": "desk-7.a_B"}) == "desk-7.a_B"
    for bad in ("", "a b", "x" * 65, "a\tb", 'a"b'):
        assert told(**{"X-Request-ID": bad}) not in (bad, "")


def test_an_unforeseen_error_has_an_id_too(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = loaded(trained_home)
    monkeypatch.setattr(host_of(app), "current", lambda: 1 / 0)
    response = ask(app, "/v1/forecasts/AAPL")
    assert_problem(response, 500, "internal-error")
    assert response.headers["x-request-id"]
    assert response.headers["x-content-type-options"] == "nosniff"


def test_the_access_log_tells_no_query_and_no_key(trained_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(settings(trained_home), clock=Clock(), access_log=True)
    with caplog.at_level(logging.INFO, logger="service.access"):
        ask(app, "/health/live?token=secret", headers={"X-Request-ID": "mine"})
    (record,) = [one for one in caplog.records if one.name == "service.access"]
    token = request_id.set("mine")
    line = OneLine().format(record)
    request_id.reset(token)
    assert ' request=mine message="request" method="GET" path="/health/live" status=200 ms=' in line
    assert "secret" not in line


def pieces(count: int) -> Iterator[bytes]:
    yield from [b"x" * 1024] * count


@pytest.mark.parametrize("body", [b"x" * 2049, pieces(3)])
def test_a_body_that_is_too_large(trained_home: Path, body: bytes | Iterator[bytes]) -> None:
    app = loaded(trained_home, max_body_bytes=2048)

    async def stream() -> object:
        for piece in [body] if isinstance(body, bytes) else body:
            yield piece

    import asyncio

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            content = body if isinstance(body, bytes) else stream()
            return await client.post("/v1/forecasts", content=content)  # type: ignore[arg-type]

    assert "2048 bytes" in assert_problem(asyncio.run(go()), 413, "body-too-large")["detail"]


def test_pages_of_others_may_not_ask_unless_they_are_named(trained_home: Path) -> None:
    origin = {"Origin": "https://desk.example"}
    closed = ask(loaded(trained_home), "/v1/forecasts/AAPL", headers=origin)
    assert "access-control-allow-origin" not in closed.headers
    named = loaded(trained_home, cors_origins=("https://desk.example",))
    assert (
        ask(named, "/v1/forecasts/AAPL", headers=origin).headers["access-control-allow-origin"]
        == "https://desk.example"
    )
    other = ask(named, "/v1/forecasts/AAPL", headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers


def test_log_lines_are_one_line_whatever_they_hold() -> None:
    record = logging.LogRecord("service.x", logging.INFO, "", 0, "two\nlines", None, None)
    record.facts = {"path": 'a"b\nc'}
    line = OneLine().format(record)
    assert "\n" not in line
    assert json.loads(line.partition("path=")[2]) == 'a"b\nc'


@pytest.mark.parametrize(
    ("path", "packed"),
    [
        ("/v1/forecasts/AAPL", True),
        ("/v1/prices/AAPL", True),
        ("/openapi.json", True),
        ("/metrics", True),
        ("/", True),
        ("/health/live", False),
        ("/v2", False),
    ],
)
def test_who_takes_gzip_gets_it_where_it_is_worth_it(app: FastAPI, path: str, packed: bool) -> None:
    response = ask(app, path, headers={"Accept-Encoding": "gzip"})
    assert (response.headers.get("content-encoding") == "gzip") is packed
    plain = ask(app, path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    if not path.startswith(("/metrics", "/health")):
        assert response.content == plain.content  # httpx has decompressed it
