from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from forecaster.registry import Registry
from tests.service.asking import ask, assert_problem, host_of, loaded, settings
from tests.service.test_host import bundle_of, flip_a_byte


def test_list(app: FastAPI) -> None:
    (entry,) = ask(app, "/v1/models").json()["models"]
    assert entry["name"] == "next-close"
    assert entry["serving"]["version"] == "1"


def test_versions_and_their_facts(home: Path) -> None:
    where = settings(home)
    registry = Registry(where.registry_uri, where.artifacts, where.model)
    second = registry.register(bundle_of(home), params={}, metrics={}, curves={}, tags={"spec_hash": "abc"})
    registry.set_alias("challenger", second)
    app = loaded(home)

    versions = ask(app, "/v1/models/next-close").json()["versions"]
    assert [(one["version"], one["aliases"], one["serving"]) for one in versions] == [
        ("2", ["challenger"], False),
        ("1", ["champion"], True),
    ]
    facts = ask(app, "/v1/models/next-close/versions/1").json()["facts"]
    assert facts["spec"]["units"] == [4]
    assert facts["training"]["windows"]["test"] == 5 * 80
    assert facts["training"]["held_out_to"] == "2013-03-01"
    assert 0 <= facts["parity"]["largest"] <= 1e-5
    assert facts["symbols"] == 5
    assert {"keras", "onnxruntime"} <= set(facts["libraries"])
    assert "history" not in facts["training"]
    assert ask(app, "/v1/models/next-close/versions/2").json()["facts"] == facts


def test_a_refresh_follows_the_champion(home: Path) -> None:
    app = loaded(home)
    where = settings(home)
    registry = Registry(where.registry_uri, where.artifacts, where.model)
    registry.promote(registry.register(bundle_of(home), params={}, metrics={}, curves={}, tags={}))
    host_of(app).refresh()
    assert ask(app, "/v1/forecasts/AAPL").json()["model"]["version"] == "2"


def test_unknown_model_and_version(app: FastAPI) -> None:
    unknown = assert_problem(ask(app, "/v1/models/nope"), 404, "unknown-model")
    assert unknown["name"] == "nope"
    assert_problem(ask(app, "/v1/models/nope/versions/1"), 404, "unknown-model")
    assert assert_problem(ask(app, "/v1/models/next-close/versions/9"), 404, "unknown-version")["version"] == "9"
    long = assert_problem(ask(app, "/v1/models/" + "x" * 5000), 404, "unknown-model")
    assert "x" * 41 not in str(long)


def test_a_damaged_version_that_does_not_serve(home: Path) -> None:
    where = settings(home)
    registry = Registry(where.registry_uri, where.artifacts, where.model)
    second = registry.register(bundle_of(home), params={}, metrics={}, curves={}, tags={})
    flip_a_byte(registry.bundle_path(second) / "model.onnx")
    app = loaded(home)
    assert ask(app, "/health/ready").status_code == 200
    assert_problem(ask(app, "/v1/models/next-close/versions/2"), 503, "unusable-model")
