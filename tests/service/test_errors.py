from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from data import errors as data
from forecaster import errors as forecaster
from forecaster.promotion import errors as promotion
from service.errors import KINDS, kind_of
from tests.service.asking import ask, assert_problem, loaded


@pytest.mark.parametrize("path", ["/nope", "/v1", "/v1/forecast", "/v1/models/next-close/", "/docs/", "/%2e%2e/x"])
def test_nothing_there(app: FastAPI, path: str) -> None:
    assert_problem(ask(app, path), 404, "not-found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_wrong_method(app: FastAPI, method: str) -> None:
    response = ask(app, "/v1/forecasts/AAPL", method)
    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET"


def test_unforeseen_errors_and_bad_parameters(trained_home: Path) -> None:
    app = loaded(trained_home)

    @app.get("/v1/fails")
    async def fails() -> None:
        raise RuntimeError("a secret")

    @app.get("/v1/typed")
    async def typed(number: int) -> int:
        return number

    response = ask(app, "/v1/fails")
    assert_problem(response, 500, "internal-error")
    assert "secret" not in response.text
    invalid = assert_problem(ask(app, "/v1/typed?number=" + "x" * 100), 422, "invalid-request")
    assert "query.number" in invalid["detail"]
    assert "xxx" not in str(invalid)


def test_every_kind_has_a_name_of_its_own() -> None:
    names = [kind.name for kind in KINDS.values()]
    assert len(set(names)) == len(names)


# What a request or a refresh can meet. The others belong to training and to reading files: they cannot
# happen here, and where they did, they would be internal errors.
FORESEEN = {
    data.UnknownVersion: 503,
    data.MalformedSymbol: 422,
    data.UnknownExchange: 422,
    data.UnknownSymbol: 404,
    data.CalendarBounds: 503,
    data.EmptyStore: 503,
    data.StoreUnavailable: 503,
    data.UnsupportedStore: 503,
    data.UnscaledSymbol: 409,
    forecaster.NotEnoughHistory: 409,
    forecaster.NotFinite: 409,
    forecaster.CorruptBundle: 503,
    forecaster.UnsupportedBundle: 503,
    forecaster.NoModel: 503,
    forecaster.UnknownVersion: 404,
    forecaster.RegistryUnavailable: 503,
    promotion.NotWeighed: 409,
    promotion.GateRefuses: 409,
    promotion.CorruptDecision: 503,
}


def leaves(error: type[Exception]) -> set[type[Exception]]:
    below = error.__subclasses__()
    return set().union(*map(leaves, below)) if below else {error}


def test_every_domain_error_has_a_status() -> None:
    for error in leaves(data.DataError) | leaves(forecaster.ForecasterError):
        assert kind_of(error.__new__(error)).status == FORESEEN.get(error, 500), error
