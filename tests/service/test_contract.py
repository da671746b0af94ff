"""The service keeps to its OpenAPI document: Schemathesis sends what that allows and what it forbids, with all checks.

What a random tool hardly ever sends, and still should get what is documented, is sent by hand at the end.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, StopReason, from_schema
from schemathesis.engine.events import EngineFinished, FatalError, NonFatalError, ScenarioFinished
from schemathesis.schemas import BaseSchema
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Request

from service.auth import Scope, entry_of, new_key
from service.jobs.jobs import Jobs
from service.jobs.record import Job, State
from service.oip.packing import LENGTH_HEADER
from service.routes.jobs import known_jobs
from tests.service.asking import Clock, loaded, settings

KEY: Final = new_key()
ENTRY: Final = entry_of("ops", Scope.ADMIN, KEY)
AS_ADMIN: Final = {"Authorization": f"Bearer {KEY}"}

# Every list is tried at its longest, and one of ten thousand symbols takes half a minute to think up.
BATCH: Final = 20

PHASES: Final = frozenset(("examples", "coverage", "fuzzing", "stateful"))
CONFIG: Final[dict[str, Any]] = {
    "seed": 20261121,
    "generation": {"max-examples": 5, "database": "none", "no-shrink": True},
    "phases": {"stateful": {"max-steps": 4}},
}


def without_lifespan(app: ASGIApp) -> ASGIApp:
    """The app as it was loaded; nothing is refreshed beside the test."""

    async def bare(scope: Request, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await app(scope, receive, send)

    return bare


def contract_of(app: FastAPI, headers: dict[str, str]) -> BaseSchema:
    """The document, which then asks that app."""
    config = SchemathesisConfig.from_dict({**CONFIG, "headers": headers})
    return schemathesis.openapi.from_asgi("/openapi.json", without_lifespan(app), config=config)


class WithoutProcesses(Jobs):
    """Trainings that are asked for and written down, and never begin."""

    def _begin(self, job: Job, lock: int) -> None:
        assert job.state is State.QUEUED


@pytest.fixture
def own(home: Path) -> FastAPI:
    """An app that may be changed."""
    limits: dict[str, Any] = {"api_keys": ENTRY, "max_batch": BATCH}
    made = loaded(home, **limits)
    jobs = WithoutProcesses(settings(home, **limits), Clock())
    made.dependency_overrides[known_jobs] = lambda: jobs
    return made


@pytest.mark.parametrize("headers", [{}, AS_ADMIN], ids=["open", "admin"])
def test_contract(own: FastAPI, headers: dict[str, str]) -> None:
    scenarios: Counter[tuple[str, Status]] = Counter()
    problems: list[str] = []
    for event in from_schema(contract_of(own, headers)).execute():
        if isinstance(event, ScenarioFinished):
            scenarios[event.phase.value, event.status] += 1
        elif isinstance(event, NonFatalError):
            problems.append(f"{event.label}: {event.value}")
        elif isinstance(event, FatalError):
            problems.append(str(event.exception))
        elif isinstance(event, EngineFinished):
            problems += [f"{one.operation}: {one.title}: {one.message}" for one in event.failures]
            assert event.stop_reason is StopReason.COMPLETED
    assert not problems, "\n".join(problems)
    assert {status for _, status in scenarios} <= {Status.SUCCESS, Status.SKIP}
    assert {phase for phase, status in scenarios if status is Status.SUCCESS} == PHASES
    assert scenarios["coverage", Status.SUCCESS] == scenarios["fuzzing", Status.SUCCESS] == 26


@pytest.fixture(scope="module")
def contract(app: FastAPI) -> BaseSchema:
    return contract_of(app, {})


@pytest.mark.parametrize(
    ("path", "symbol", "more", "status"),
    [
        ("/v1/forecasts/{symbol}", "AAPL", {"query": {"as_of": "2012-06-29"}}, 200),
        ("/v1/forecasts/{symbol}", "AAPL", {"query": {"as_of": "1990-01-02"}}, 409),
        ("/v1/forecasts/{symbol}", "AAPL", {"headers": {"Accept-Language": "zh"}}, 200),
        ("/v1/forecasts/{symbol}", "TSLA", {}, 404),
        ("/v1/forecasts/{symbol}", "AAPL.XX", {}, 422),
        ("/v1/prices/{symbol}", "IBM", {"query": {"sessions": 2500}}, 200),
        ("/v1/gates/{symbol}", "FB", {"query": {"as_of": "2012-12-31"}}, 200),
        ("/v1/diagnostics/{symbol}", "GOOG", {}, 200),
    ],
)
def test_answers_about_a_symbol(
    contract: BaseSchema, path: str, symbol: str, more: dict[str, Any], status: int
) -> None:
    case = contract[path]["GET"].Case(path_parameters={"symbol": symbol}, **more)
    assert case.call_and_validate().status_code == status


@pytest.mark.parametrize(
    ("count", "change", "status"),
    [(60, {}, 200), (2, {}, 409), (60, {"high": 1.0}, 422)],
    ids=["enough", "too few", "high below low"],
)
def test_own_bars(contract: BaseSchema, count: int, change: dict[str, Any], status: int) -> None:
    days = np.busday_offset("2012-06-01", np.arange(count), roll="forward").astype(str).tolist()
    bar = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 100, **change}
    bars: list[Any] = [{"session": day, **bar, "close": 10 + number % 3 / 4} for number, day in enumerate(days)]
    case = contract["/v1/forecasts"]["POST"].Case(body={"symbol": "NEW", "bars": bars}, media_type="application/json")
    assert case.call_and_validate().status_code == status


@pytest.mark.parametrize(("binary", "media_type"), [(False, "application/json"), (True, "application/octet-stream")])
def test_the_network(contract: BaseSchema, binary: bool, media_type: str) -> None:
    """By the shape that the model's metadata tells, which an OpenAPI document cannot know."""
    metadata = contract["/v2/models/{name}"]["GET"].Case(path_parameters={"name": "next-close"}).call_and_validate()
    _, sessions, features = metadata.json()["inputs"][0]["shape"]
    tensor: dict[str, Any] = {"name": "window", "datatype": "FP32", "shape": [1.0, sessions, features]}
    case = contract["/v2/models/{name}/infer"]["POST"].Case(
        path_parameters={"name": "next-close"},
        body={
            "inputs": [{**tensor, "data": [0.5] * (sessions * features)}],
            "parameters": {"binary_data_output": binary},
        },
        media_type="application/json",
    )
    answer = case.call_and_validate()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == [media_type]
    if binary:
        (length,) = answer.headers[LENGTH_HEADER.lower()]
        head = json.loads(answer.content[: int(length)])
        assert head["outputs"][0]["parameters"]["binary_data_size"] == len(answer.content) - int(length)
