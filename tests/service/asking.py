"""Asking an app without a network, and a host without its background thread."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from service.app import create_app
from service.model_host import ModelHost
from service.settings import ServiceSettings

# The Friday that the sample prices end with, before that day's bars are due.
FRIDAY = datetime(2013, 3, 1, 21, 30, tzinfo=UTC)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, now: datetime = FRIDAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def settings(home: Path, **changes: Any) -> ServiceSettings:
    values = {
        "home": home,
        "store": "",
        "tracking_uri": "",
        "model": "next-close",
        "refresh_seconds": 60,
        "open_read": True,
    }
    return ServiceSettings(**{**values, **changes})


def loaded(home: Path, clock: Clock | None = None, **changes: Any) -> FastAPI:
    """An app after its first refresh."""
    app = create_app(settings(home, **changes), clock=clock or Clock())
    host_of(app).refresh()
    return app


def host_of(app: FastAPI) -> ModelHost:
    host: ModelHost = app.state.host
    return host


def ask(app: FastAPI, path: str, method: str = "GET", **more: Any) -> httpx.Response:
    """One request; `more` is what httpx takes beside: headers, json, content."""

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.request(method, path, **more)

    return asyncio.run(go())


def assert_problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The response is a problem document of that kind; its members are returned."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["type"] == f"urn:stock-forecaster:problem:{kind}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["instance"].startswith("/")
    if status == 503:
        assert response.headers["retry-after"] == "60"
    return document
