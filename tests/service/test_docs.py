from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from fastapi import FastAPI

from service.schemas.problem import Problem
from tests.service.asking import ask, assert_problem


@pytest.fixture
def described(app: FastAPI) -> dict[str, Any]:
    found: dict[str, Any] = ask(app, "/openapi.json").json()
    return found


def test_the_page_loads_everything_from_this_server(app: FastAPI) -> None:
    page = ask(app, "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "//" not in page.text
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 5
    for link in links:
        found = ask(app, f"/{link}")
        assert found.status_code == 200, link
    start = ask(app, "/docs/start.js").text
    assert "validatorUrl: null" in start
    assert not re.search(r"https?://", start)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("name", "media_type", "size"),
    [
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8", 1_732_839),
        ("swagger-ui.css", "text/css; charset=utf-8", 187_956),
        ("favicon-32x32.png", "image/png", 628),
    ],
)
def test_assets(app: FastAPI, name: str, media_type: str, size: int) -> None:
    response = ask(app, f"/docs/swagger-ui-5.35.0/{name}")
    assert response.headers["content-type"] == media_type
    assert "immutable" in response.headers["cache-control"]
    assert response.headers.get("content-encoding") == (None if name.endswith("png") else "gzip")
    assert len(response.content) == size  # httpx has decompressed it


@pytest.mark.parametrize("name", ["LICENSE", "swagger-ui.css.gz", "..%2fdocs.html", "%2e%2e"])
def test_no_other_file_is_served(app: FastAPI, name: str) -> None:
    assert_problem(ask(app, f"/docs/swagger-ui-5.35.0/{name}"), 404, "not-found")


def test_paths(described: dict[str, Any]) -> None:
    assert set(described["paths"]) == {
        "/v1/forecasts",
        "/v1/forecasts/{symbol}",
        "/v1/diagnostics/{symbol}",
        "/v1/prices/{symbol}",
        "/v1/gates/{symbol}",
        "/v1/symbols",
        "/v1/models",
        "/v1/models/{name}",
        "/v1/models/{name}/versions/{version}",
        "/v1/models/{name}/promote",
        "/v1/models/{name}/rollback",
        "/v1/jobs",
        "/v1/jobs/{id}",
        "/v1/jobs/retrain",
        "/v1/schedule",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/{name}",
        "/v2/models/{name}/ready",
        "/v2/models/{name}/infer",
        "/v2/models/{name}/versions/{version}",
        "/v2/models/{name}/versions/{version}/ready",
        "/v2/models/{name}/versions/{version}/infer",
        "/health/live",
        "/health/ready",
    }


def test_every_error_is_described_as_a_problem_document(described: dict[str, Any]) -> None:
    operations = [
        (path, operation)
        for path, several in described["paths"].items()
        for operation in several.values()
        if not path.startswith("/v2")  # whose errors are as the protocol wants them
    ]
    assert len(operations) > 15
    for path, operation in operations:
        responses = operation["responses"]
        assert "default" in responses, path
        for status, response in responses.items():
            if status in ("200", "202"):
                continue
            (media_type,) = response["content"]
            assert media_type == "application/problem+json"
            content = response["content"][media_type]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            for example in content["examples"].values():
                assert str(Problem.model_validate(example["value"]).status) == status
    statuses = set(described["paths"]["/v1/forecasts/{symbol}"]["get"]["responses"])
    assert statuses == {"200", "401", "404", "409", "422", "503", "504", "default"}


def test_references_lead_somewhere(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    for name in re.findall(r'"\$ref": ?"#/components/schemas/(\w+)"', ask_text(described)):
        assert name in schemas
    assert "HTTPValidationError" not in schemas


def test_a_stranger_finds_words(described: dict[str, Any]) -> None:
    assert "same as yesterday" in described["info"]["description"]
    told = {tag["name"] for tag in described["tags"]}
    used = {tag for several in described["paths"].values() for one in several.values() for tag in one["tags"]}
    assert told == used
    assert {"forecasts", "diagnostics", "prices", "gates", "symbols", "models", "jobs", "inference", "health"} == told
    schemas = described["components"]["schemas"]
    assert schemas["ForecastAnswer"]["examples"][0]["symbol"] == "600519.SH"
    for name in ("Errors", "Bias", "Lag", "Significance", "Coverage", "LevelCoverage", "Verdict", "NextClose"):
        for field, facts in schemas[name]["properties"].items():
            assert "description" in facts or "$ref" in facts, f"{name}.{field}"


def ask_text(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document)


def test_the_license_of_swagger_ui_travels_with_it() -> None:
    from importlib.resources import files

    folder = files("service") / "web" / "swagger"
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert "SmartBear" in (folder / "NOTICE").read_text()
    bundle = gzip.decompress((folder / "swagger-ui-bundle.js.gz").read_bytes())
    assert b"swagger-ui-bundle.js.LICENSE.txt" in bundle[:200]
    assert (folder / "swagger-ui-bundle.js.LICENSE.txt").is_file()
