from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.schemas.batch import ForecastsAnswer
from tests.service.asking import FRIDAY, Clock, ask, assert_problem, host_of, loaded

SYMBOLS = ["MSFT", "AAPL", "IBM", "FB", "GOOG"]

# Uncompressed, so that its length is that of the answer.
PLAIN = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


def post(app: FastAPI, body: Any) -> httpx.Response:
    """POST to /v1/forecasts; text and bytes go out as they are."""
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return ask(app, "/v1/forecasts", "POST", content=content, headers=PLAIN)


@pytest.fixture(scope="module")
def small(trained_home: Path) -> FastAPI:
    """An app that takes five symbols at a time."""
    return loaded(trained_home, max_batch=5)


def test_many_forecasts_are_the_single_ones_in_the_order_asked(app: FastAPI) -> None:
    response = post(app, {"symbols": SYMBOLS})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert int(response.headers["content-length"]) == len(response.content)
    answer = response.json()
    assert answer["forecasts"] == [ask(app, f"/v1/forecasts/{symbol}").json() for symbol in SYMBOLS]
    assert answer["refused"] == {}
    ready = ask(app, "/health/ready").json()
    assert (answer["model"], answer["data_version"]) == (ready["model"], ready["data_version"])
    ForecastsAnswer.model_validate_json(response.content)


def test_many_verdicts_in_chinese_are_the_single_ones(app: FastAPI) -> None:
    chinese = {"Accept-Language": "zh-CN"}
    body = json.dumps({"symbols": ["AAPL", "TSLA", "IBM"]})
    response = ask(app, "/v1/forecasts", "POST", content=body, headers=PLAIN | chinese)
    assert response.headers["content-language"] == "zh"
    answer = response.json()
    assert answer["forecasts"] == [
        ask(app, f"/v1/forecasts/{symbol}", headers=chinese).json() for symbol in ("AAPL", "IBM")
    ]
    assert answer["forecasts"][0]["verdict"]["text"] == answer["forecasts"][0]["verdict"]["text_zh"] != ""
    assert list(answer["refused"]) == ["TSLA"]
    assert post(app, body).headers["content-language"] == "en"


def test_what_has_no_forecast_says_why_beside_the_others(app: FastAPI) -> None:
    answer = post(app, {"symbols": ["TSLA", "AAPL", "VOW.DE"]}).json()
    assert [one["symbol"] for one in answer["forecasts"]] == ["AAPL"]
    assert list(answer["refused"]) == ["TSLA", "VOW.DE"]
    # Each is what asking for it alone is answered with.
    for symbol, problem in answer["refused"].items():
        assert problem == ask(app, f"/v1/forecasts/{symbol}").json()


def test_only_refusals_and_a_known_symbol_without_a_forecast(trained_home: Path) -> None:
    app = loaded(trained_home)
    host = host_of(app)
    reason = ask(app, "/v1/forecasts/TSLA").json()["detail"]
    held = host.current()
    forecasts = {symbol: one for symbol, one in held.forecasts.items() if symbol != "FB"}
    host.snapshot = replace(held, forecasts=forecasts, refusals={"FB": ValueError("a secret")})
    answer = post(app, {"symbols": ["FB", "TSLA"]}).json()
    assert answer["forecasts"] == []
    assert answer["refused"]["TSLA"]["detail"] == reason
    assert answer["refused"]["FB"]["status"] == 500
    assert "secret" not in json.dumps(answer)


def test_thousands_come_whole_and_from_one_snapshot(trained_home: Path) -> None:
    """More than go out in one piece, and a swap in the middle changes nothing of what was begun."""
    app = loaded(trained_home, Clock(FRIDAY))
    host = host_of(app)
    held = host.current()
    names = [f"S{number:04}" for number in range(1000)]
    one = held.forecasts["AAPL"]
    host.snapshot = replace(held, forecasts=dict.fromkeys(names, one), listed=frozenset(names))
    response = post(app, {"symbols": [*names, *(f"X{number}" for number in range(300))]})
    answer = response.json()
    assert answer["forecasts"] == [json.loads(one.body)] * 1000
    assert len(answer["refused"]) == 300
    assert answer["refused"]["X7"]["symbol"] == "X7"
    assert int(response.headers["content-length"]) == len(response.content)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "body"),
        ("[", "body"),
        ("null", "body"),
        ('"AAPL"', "body"),
        ({}, "body.symbols"),
        ({"symbols": []}, "body.symbols"),
        ({"symbols": "AAPL"}, "body.symbols"),
        ({"symbols": ["AAPL", "aapl"]}, "body.symbols.1"),
        ({"symbols": ["AAPL\n"]}, "body.symbols.0"),
        ({"symbols": ["../x"]}, "body.symbols.0"),
        ({"symbols": ["AAPL", 5]}, "body.symbols.1"),
        ({"symbols": ["AAPL", "IBM", "AAPL"]}, "body.symbols.2"),
        ({"symbols": ["A", "B", "C", "D", "E", "F"]}, "body.symbols"),
        ({"symbols": ["AAPL"], "more": 1}, "body.more"),
        ({"symbols": ["AAPL"], "symbol": "AAPL"}, "body."),
        (b'{"symbols": ["\xff"]}', "body"),
        (b'{"symbols":' + b"[" * 100_000, "body"),
    ],
)
def test_what_cannot_be_asked_for(small: FastAPI, body: Any, told: str) -> None:
    problem = assert_problem(post(small, body), 422, "invalid-request")
    assert told in problem["detail"]
    assert len(json.dumps(problem)) < 600


def test_input_is_not_echoed(small: FastAPI) -> None:
    for body in ({"symbols": ["x" * 5000]}, {"x" * 5000: 1}, {"symbols": ["AAPL"], "x" * 5000: 1}):
        response = post(small, body)
        assert response.status_code == 422
        assert "x" * 200 not in response.text


def test_before_there_are_answers_there_is_a_reason(tmp_path: Path) -> None:
    response = post(loaded(tmp_path), {"symbols": ["AAPL"]})
    assert response.status_code == 503
    assert response.headers["retry-after"] == "60"


def test_the_documentation_has_what_is_read(app: FastAPI) -> None:
    document = ask(app, "/openapi.json").json()
    operation = document["paths"]["/v1/forecasts"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    assert set(content["examples"]) == {"many", "bars", "columns"}
    schemas = document["components"]["schemas"]
    assert [one["$ref"].rpartition("/")[2] for one in content["schema"]["oneOf"]] == ["ManySymbols", "OwnBars"]
    assert schemas["ManySymbols"]["properties"]["symbols"]["maxItems"] == 10_000
    assert set(schemas["Bar"]["required"]) == {"session", "open", "high", "low", "close", "volume"}
    assert {"409", "413", "422", "503", "504"} <= set(operation["responses"])
    # Every reference leads somewhere.
    text = json.dumps(document)
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in schemas


def test_a_batch_is_as_old_as_its_snapshot(trained_home: Path) -> None:
    clock = Clock(FRIDAY)
    app = loaded(trained_home, clock)
    before = post(app, {"symbols": ["AAPL"]}).json()["forecasts"][0]
    assert not before["stale"]
    clock.now += timedelta(days=4)
    host_of(app).refresh()
    assert post(app, {"symbols": ["AAPL"]}).json()["forecasts"][0]["stale"]
