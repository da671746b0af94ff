"""Promotion and rollback over REST."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from forecaster.promotion.decisions import Decided, Decisions
from forecaster.promotion.evidence import Evidence
from forecaster.promotion.gate import decide
from forecaster.promotion.thresholds import Thresholds
from forecaster.registry import Registry
from service.auth import Scope, entry_of, new_key
from tests.forecaster.promotion.evident import GOOD
from tests.service.asking import ask, assert_problem, host_of, loaded, settings
from tests.service.test_host import broken_registry, bundle_of, flip_a_byte

KEY = new_key()
KEYS = entry_of("ops", Scope.ADMIN, KEY)

REASONLESS: tuple[dict[str, Any], ...] = (
    {"version": "2", "force": True},
    {"version": "2", "why": "no force"},
    {"version": "2", "force": True, "why": " "},
)


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
    """By force: the versions are one and the same, so that none is better."""
    return post(app, "next-close/promote", json={"version": version, "force": True, "why": "a test"})


def ask_for(app: FastAPI, version: str) -> httpx.Response:
    return post(app, "next-close/promote", json={"version": version})


def decided(home: Path, version: str, evidence: Evidence) -> None:
    """What a pass would have kept."""
    made = Decided(
        name="next-close",
        version=version,
        run=registry_of(home).get(version).run_id,
        at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        by="pass next-close/2026-11-20",
        evidence=replace(evidence, challenger=version, champion="1"),
        thresholds=Thresholds(),
        decision=decide(evidence, Thresholds()),
    )
    Decisions(home / "decisions").write(made)


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


def test_a_version_serves_that_passed_the_gate_beside_what_serves_now(app: FastAPI, home: Path) -> None:
    document = assert_problem(ask_for(app, "2"), 409, "not-weighed")
    assert document["detail"].startswith("version 2 of next-close was not weighed beside version 1, which serves")
    decided(home, "2", GOOD)
    decided(home, "3", replace(GOOD, leaks=2))
    refused = assert_problem(ask_for(app, "3"), 409, "gate-refuses")
    assert refused["reasons"] == ["the future reaches it in 2 places"]
    assert (ask_for(app, "1").status_code, ask_for(app, "2").status_code) == (200, 200)
    assert ask(app, "/v1/forecasts/AAPL").json()["model"]["version"] == "2"
    told = ask(app, "/v1/models/next-close/versions/3").json()["decisions"]
    assert [(one["against"], one["promote"], one["reasons"], one["forced"]) for one in told] == [
        ("1", False, refused["reasons"], None)
    ]
    # What was shown beside version 1 says nothing about version 2.
    decided(home, "3", GOOD)
    assert_problem(ask_for(app, "3"), 409, "not-weighed")
    # Somebody went back from it, and has seen what the gate has not.
    assert champion(post(app, "next-close/rollback")) == "1"
    assert "went back" in assert_problem(ask_for(app, "2"), 409, "gate-refuses")["detail"]


def test_a_decision_about_a_version_of_the_same_number_does_not_count(app: FastAPI, home: Path) -> None:
    decided(home, "2", GOOD)
    (file,) = (home / "decisions" / "next-close").iterdir()
    file.write_text(file.read_text().replace(registry_of(home).get("2").run_id, "0" * 32))
    assert_problem(ask_for(app, "2"), 409, "not-weighed")


def test_who_forces_a_version_and_why_is_kept_before_it_serves(app: FastAPI, home: Path) -> None:
    decided(home, "2", replace(GOOD, leaks=2))
    assert promote(app, "2").status_code == 200
    told = ask(app, "/v1/models/next-close/versions/2").json()["decisions"]
    (forced, refused) = sorted(told, key=lambda one: one["forced"] is None)
    assert forced["forced"] == {"who": "key ops", "why": "a test"}
    assert forced["reasons"] == refused["reasons"]  # on the evidence that there was
    assert refused["forced"] is None

    (home / "decisions").rename(home / "elsewhere")
    (home / "decisions").write_text("no folder")
    assert_problem(promote(app, "3"), 503, "decisions-unwritable")
    assert champion(ask(app, "/v1/models/next-close")) == "2"


def test_a_decision_that_cannot_be_read_promotes_nothing(app: FastAPI, home: Path) -> None:
    decided(home, "2", GOOD)
    (file,) = (home / "decisions" / "next-close").iterdir()
    file.write_text("{}")
    response = ask_for(app, "2")
    assert_problem(response, 503, "corrupt-decision")
    assert str(home) not in response.text
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
    for body in ({}, {"version": 2}, {"version": "../1"}, {"version": "2", "more": 1}, [], None, *REASONLESS):
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
