from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from service.examples import FORECAST
from service.schemas.forecasts import ForecastAnswer
from tests.service.asking import ask, assert_problem, loaded
from tests.service.test_symbols import add_bars, days
from tests.service.tiny_model import NEXT_CLOSE, NEXT_THREE

SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")

# The answer that was agreed upon, word for word; its names and nesting must not drift.
AGREED = json.loads("""
{
  "symbol": "600519.SH", "as_of": "2026-11-20", "target_session": "2026-11-23", "last_close": 1700.0,
  "forecast": {"close": 1702.3, "change": 0.00135, "probability_up": 0.53,
               "quantiles": {"0.05": 1658.1, "0.5": 1702.3, "0.95": 1747.9},
               "interval": {"level": 0.9, "lower": 1658.1, "upper": 1747.9}},
  "baseline": {"name": "last_close", "close": 1700.0},
  "diagnostics": {
    "sample": {"first": "2025-11-03", "last": "2026-11-20", "sessions": 250},
    "errors": {"mae": 21.4, "rmse": 29.8, "mape": 0.0126, "bias": -0.4, "mase": 0.998, "skill_vs_naive": 0.002,
               "directional_accuracy": 0.516},
    "lag": {"best_lag": 1, "correlation": 0.97, "echo": 0.96, "level_lag": 1},
    "significance": {"diebold_mariano": -0.41, "dm_p_value": 0.68, "pt_p_value": 0.31},
    "coverage": {"level": 0.9, "observed": 0.896}},
  "verdict": {"code": "no_better_than_naive",
              "text": "Over 250 sessions this model did not beat yesterday's close (p = 0.68)."},
  "model": {"name": "next-close", "version": "3", "trained_through": "2026-11-13"},
  "stale": false
}
""")


def missing_fields(agreed: dict[str, Any], found: dict[str, Any], where: str = "") -> list[str]:
    missing = []
    for name, value in agreed.items():
        if name not in found:
            missing.append(f"{where}{name}")
        elif isinstance(value, dict):
            missing += missing_fields(value, found[name], f"{where}{name}.")
    return missing


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_agreed_field_is_there(app: FastAPI, symbol: str) -> None:
    response = ask(app, f"/v1/forecasts/{symbol}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert missing_fields(AGREED, answer) == []
    assert missing_fields({"stale_reason": None, "path": [], "diagnostics": {"lag": {"text": ""}}}, answer) == []
    assert "correlogram" not in answer["diagnostics"]["lag"]
    ForecastAnswer.model_validate(answer)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_numbers_fit_together(app: FastAPI, symbol: str) -> None:
    answer = ask(app, f"/v1/forecasts/{symbol}").json()
    forecast = answer["forecast"]
    quantiles = {float(level): price for level, price in forecast["quantiles"].items()}
    assert list(quantiles) == [0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95]
    assert list(quantiles.values()) == sorted(quantiles.values())
    assert forecast["close"] == quantiles[0.5]
    assert forecast["interval"] == {"level": 0.9, "lower": quantiles[0.05], "upper": quantiles[0.95]}
    assert forecast["change"] == pytest.approx(forecast["close"] / answer["last_close"] - 1, abs=1e-15)
    assert 0.05 <= forecast["probability_up"] <= 0.95
    assert answer["baseline"] == {"name": "last_close", "close": answer["last_close"]}
    assert answer["path"] == []
    assert answer["model"]["name"] == "next-close"
    assert answer["diagnostics"]["sample"]["sessions"] == 80


def test_prices_are_as_traded_and_full_precision(app: FastAPI) -> None:
    # bokeh-sampledata's last row of AAPL: 2013-03-01, close 430.47.
    response = ask(app, "/v1/forecasts/AAPL")
    answer = response.json()
    assert (answer["as_of"], answer["last_close"]) == ("2013-03-01", 430.47)
    assert repr(answer["forecast"]["close"]) in response.text
    assert len(repr(answer["forecast"]["close"])) > 12


def test_a_longer_horizon_adds_the_further_sessions(trained_home: Path) -> None:
    app = loaded(trained_home, model=NEXT_THREE)
    answer = ask(app, "/v1/forecasts/IBM").json()
    assert answer["target_session"] == "2013-03-04"
    assert [step["session"] for step in answer["path"]] == ["2013-03-05", "2013-03-06"]
    for step in answer["path"]:
        assert step["interval"]["lower"] <= step["close"] <= step["interval"]["upper"]
        assert step["close"] == step["quantiles"]["0.5"]


@pytest.mark.parametrize("model", [NEXT_CLOSE, NEXT_THREE])
def test_the_bytes_are_those_of_the_documented_shape(home: Path, model: str) -> None:
    """Answers are written without going through their schema; they are as the schema would write them."""
    add_bars(home, "OTHER", days(date(2012, 1, 2), 200))  # the model was not judged on it
    app = loaded(home, model=model)
    for symbol in (*SYMBOLS, "OTHER"):
        for query in ("", "?as_of=2013-02-01"):
            body = ask(app, f"/v1/forecasts/{symbol}{query}").text
            assert body == ForecastAnswer.model_validate_json(body).model_dump_json()
    assert ask(app, "/v1/forecasts/OTHER").json()["verdict"]["code"] == "insufficient_data"


def test_numbers_beyond_all_bounds_cost_one_symbol_its_forecast_and_no_other(home: Path) -> None:
    before = ask(loaded(home), "/v1/forecasts/AAPL").content
    add_bars(home, "HUGE", days(date(2012, 1, 2), 200), close=1e300, factor=1e300)
    app = loaded(home)
    assert ask(app, "/v1/forecasts/AAPL").json() == json.loads(before)
    problem = assert_problem(ask(app, "/v1/forecasts/HUGE"), 409, "no-finite-forecast")
    assert "forecaster doctor" in problem["detail"]
    assert_problem(ask(app, "/v1/forecasts/HUGE?as_of=2012-06-01"), 409, "no-finite-forecast")
    entry = next(one for one in ask(app, "/v1/symbols").json()["symbols"] if one["symbol"] == "HUGE")
    assert (entry["forecast"], entry["reason"]) == (False, problem["detail"])


def test_the_documented_example_has_the_documented_shape() -> None:
    assert missing_fields(AGREED, FORECAST) == []
    ForecastAnswer.model_validate(FORECAST)
