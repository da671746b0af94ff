"""Promotion and rollback over REST."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from forecaster.registry import Registry
from service.auth import Scope, entry_of, new_key
from tests.service.asking import ask, assert_problem, host_of, loaded, settings
from tests.service.test_host import broken_registry, bundle_of, flip_a_byte

KEY = new_key()
KEYS = entry_of("ops", Scope.ADMIN, KEY)


def registry_of(home: Path) -> Registry:
    where = settings(home)
    return Registry(where.registry_uri, where.artifacts, where.model)


@pytest.fixture
def app(home: Path) -> FastAPI:
    """Three versions of the same model, the first of which serves."""
    registry = registry_of(home)
    for _ in range(2):
        registry.register(bundle_of(home), params={}, metrics={}, curves={}, tags={})
    return loaded(home, api_keys=KEYS)


def post(app: FastAPI, path: str, **more: Any) -> httpx.Response:
    return ask(app, f"/v1/models/{path}", "POST", headers={"X-API-Key": KEY}, **more)


def promote(app: FastAPI, version: str) -> httpx.Response:
    return post(app, "next-close/promote", json={"version": version})


def champion(response: httpx.Response) -> str:
    (found,) = (one["version"] for one in response.json()["versions"] if "champion" in one["aliases"])
    return str(found)


def test_promote_and_roll_back(app: FastAPI) -> None:
    response = promote(app, "3")
    assert response.status_code == 200
    assert response.json()["serving"]["version"] == "3"
    assert champion(response) == "3"
    assert response.json() == ask(app, "/v1/models/next-close").json()
    assert ask(app, "/v1/forecasts/AAPL").json()["model"]["version"] == "3"
    again = promote(app, "3")
    assert (again.status_code, champion(again)) == (200, "3")

    promote(app, "2")
    back = post(app, "next-close/rollback")
    assert (back.status_code, champion(back), back.json()["serving"]["version"]) == (200, "3", "3")
    assert champion(post(app, "next-close/rollback")) == "1"
    nothing = assert_problem(post(app, "next-close/rollback"), 409, "no-earlier-champion")
    assert nothing["name"] == "next-close"
    assert champion(ask(app, "/v1/models/next-close")) == "1"


def test_a_damaged_version_is_refused_before_anything_moves(app: FastAPI, home: Path) -> None:
    registry = registry_of(home)
    before = ask(app, "/v1/forecasts/AAPL").content
    flip_a_byte(registry.bundle_path(registry.get("2")) / "model.onnx")
    response = promote(app, "2")
    document = assert_problem(response, 409, "unusable-version")
    assert (document["name"], document["version"]) == ("next-close", "2")
    assert "model.onnx" in document["detail"]
    assert str(home) not in response.text
    assert registry.by_alias().version == "1"
    assert ask(app, "/v1/forecasts/AAPL").content == before

    (registry.bundle_path(registry.get("3")) / "bundle.json").unlink()
    assert "bundle.json" in assert_problem(promote(app, "3"), 409, "unusable-version")["detail"]


def test_a_damaged_version_is_not_rolled_back_to(app: FastAPI, home: Path) -> None:
    promote(app, "2")
    promote(app, "3")
    registry = registry_of(home)
    flip_a_byte(registry.bundle_path(registry.get("2")) / "evidence.parquet")
    assert_problem(post(app, "next-close/rollback"), 409, "unusable-version")
    assert registry.by_alias().version == "3"
    assert host_of(app).last_error is None
    # What was the order of champions still is.
    registry.rollback()
    assert registry.by_alias().version == "2"


def test_going_back_needs_no_prices(app: FastAPI, home: Path) -> None:
    promote(app, "2")
    (home / "prices").rename(home / "elsewhere")
    assert champion(post(app, "next-close/rollback")) == "1"
    # What can be served meanwhile is what was made before, and says so.
    answer = ask(app, "/v1/forecasts/AAPL").json()
    assert (answer["model"]["version"], answer["stale"]) == ("2", True)
    (home / "elsewhere").rename(home / "prices")
    host_of(app).refresh()
    answer = ask(app, "/v1/forecasts/AAPL").json()
    assert (answer["model"]["version"], answer["stale"]) == ("1", False)


def test_what_is_not_there(app: FastAPI) -> None:
    assert_problem(promote(app, "9"), 404, "unknown-version")
    assert_problem(post(app, "nope/promote", json={"version": "1"}), 404, "unknown-model")
    assert_problem(post(app, "nope/rollback"), 404, "unknown-model")
    for body in ({}, {"version": 2}, {"version": "../1"}, {"version": "2", "more": 1}, [], None):
        assert_problem(post(app, "next-close/promote", json=body), 422, "invalid-request")
    assert_problem(post(app, "next-close/promote", content=b"{"), 422, "invalid-request")


def test_the_registry_is_away(trained_home: Path, tmp_path: Path) -> None:
    app = loaded(trained_home, api_keys=KEYS)
    host_of(app).registry = Registry(broken_registry(tmp_path), tmp_path, "next-close")
    for response in (promote(app, "1"), post(app, "next-close/rollback")):
        assert_problem(response, 503, "registry-unavailable")
        assert "secret-password" not in response.text


def test_promotions_at_the_same_time(app: FastAPI, home: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda n: promote(app, str(n % 3 + 1)), range(8)))
    assert {one.status_code for one in answers} == {200}
    held = host_of(app).snapshot
    assert held is not None
    assert held.model.version == registry_of(home).by_alias().version
