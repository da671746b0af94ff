"""A symbol's bars, for plotting."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from fastapi import FastAPI

from data.bars import validate
from data.store import PriceStore
from service.app import create_app
from service.schemas.prices import PRICES, PricesAnswer
from tests.service.asking import ask, assert_problem, host_of, loaded, settings

# Traded two for one from the second session on.
SPLIT = pd.DataFrame(
    {
        "symbol": "SPLIT",
        "session": ["2013-02-26", "2013-02-27", "2013-02-28"],
        "open": [96.0, 49.0, 50.0],
        "high": [102.0, 52.0, 53.0],
        "low": [94.0, 48.0, 49.0],
        "close": [100.0, 50.0, 51.0],
        "volume": [1000.0, 3000.0, 2500.0],
        "adj_factor": [1.0, 2.0, 2.0],
    }
)


def put(home: Path, table: pd.DataFrame) -> None:
    checked = validate(table, source="test")
    assert checked.quarantine.empty
    PriceStore(settings(home).store_uri).upsert(checked.bars)


def test_prices_are_on_the_scale_of_the_last_session(home: Path) -> None:
    put(home, SPLIT)
    app = loaded(home)
    answer = ask(app, "/v1/prices/SPLIT").json()
    # By hand: before the split a share was two of today's, so its prices halve and its volume doubles.
    assert answer == {
        "symbol": "SPLIT",
        "adjusted": "forward",
        "session": ["2013-02-26", "2013-02-27", "2013-02-28"],
        "open": [48.0, 49.0, 50.0],
        "high": [51.0, 52.0, 53.0],
        "low": [47.0, 48.0, 49.0],
        "close": [50.0, 50.0, 51.0],
        "volume": [2000.0, 3000.0, 2500.0],
        "data_version": 1,
    }
    assert ask(app, "/v1/prices/SPLIT?sessions=2").json()["open"] == [49.0, 50.0]

    # Later bars do not show before the forecasts know them, too.
    later = SPLIT.tail(1).assign(session="2013-03-01", close=25.0, low=24.0, adj_factor=4.0)
    put(home, later)
    assert ask(app, "/v1/prices/SPLIT").json() == answer
    host_of(app).refresh()
    moved = ask(app, "/v1/prices/SPLIT").json()
    assert (moved["data_version"], moved["close"]) == (2, [25.0, 25.0, 25.5, 25.0])


def test_as_many_sessions_as_asked_for(app: FastAPI) -> None:
    assert len(ask(app, "/v1/prices/AAPL").json()["session"]) == 250
    assert len(ask(app, "/v1/prices/FB").json()["session"]) == 196  # listed on 2012-05-18
    many = ask(app, "/v1/prices/AAPL?sessions=2500").json()
    assert {len(many[name]) for name in ("session", "open", "high", "low", "close", "volume")} == {2500}
    assert (many["session"][-1], many["close"][-1]) == ("2013-03-01", 430.47)


@pytest.mark.parametrize("sessions", ["0", "-1", "2501", "x", "1.5", "", "9" * 5000])
def test_no_other_number_of_sessions(app: FastAPI, sessions: str) -> None:
    document = assert_problem(ask(app, f"/v1/prices/AAPL?sessions={sessions}"), 422, "invalid-request")
    assert "sessions" in document["detail"]
    assert len(document["detail"]) <= 200


def test_symbols_without_prices(app: FastAPI) -> None:
    assert_problem(ask(app, "/v1/prices/TSLA"), 404, "unknown-symbol")
    assert_problem(ask(app, "/v1/prices/VOD.L"), 422, "unknown-exchange")
    assert_problem(ask(app, "/v1/prices/..%2fetc"), 422, "malformed-symbol")


def test_no_answers_before_anything_is_loaded(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path))
    assert_problem(ask(app, "/v1/prices/AAPL"), 503, "not-ready")
    assert_problem(ask(app, "/v1/gates/AAPL"), 503, "not-ready")


def test_a_version_that_is_gone_is_told_without_its_address(home: Path) -> None:
    put(home, SPLIT)
    app = loaded(home)
    assert host_of(app).current().data_version == 1
    bars = Path(settings(home).store_uri) / "bars"
    bars.rename(bars.with_name("moved"))
    put(home, SPLIT)  # a new table, at version 0
    document = assert_problem(ask(app, "/v1/prices/SPLIT"), 503, "prices-replaced")
    assert str(home) not in str(document)


def test_the_documented_example_has_the_documented_shape() -> None:
    PricesAnswer.model_validate(PRICES)
