"""What can be asked for, and what comes back for anything else."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from fastapi import FastAPI

from data.bars import validate
from data.store import PriceStore
from service.examples import SYMBOLS
from service.schemas.symbols import SymbolsAnswer
from tests.service.asking import ask, assert_problem, loaded, settings

RESOURCES = ("forecasts", "diagnostics")


def add_bars(home: Path, symbol: str, sessions: list[date], close: float = 10.0, factor: float = 1.0) -> None:
    """Flat bars of one symbol into the store."""
    table = pd.DataFrame({"symbol": symbol, "session": [day.isoformat() for day in sessions]})
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    checked = validate(table.assign(**prices, volume=1000.0, adj_factor=factor), source="test")
    assert checked.quarantine.empty
    PriceStore(settings(home).store_uri).upsert(checked.bars)


def days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=one) for one in range(count)]


def test_listing(app: FastAPI) -> None:
    listing = ask(app, "/v1/symbols").json()
    assert [entry["symbol"] for entry in listing["symbols"]] == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    # FB was listed on 2012-05-18; the sample ends 2013-03-01, 196 sessions later.
    assert listing["symbols"][1] == {
        "symbol": "FB",
        "exchange": "XNYS",
        "first": "2012-05-18",
        "last": "2013-03-01",
        "sessions": 196,
        "forecast": True,
        "reason": None,
        "as_of": "2013-03-01",
        "stale": False,
        "stale_reason": None,
    }
    SymbolsAnswer.model_validate(SYMBOLS)


def test_symbols_that_cannot_be_forecast_say_why(home: Path) -> None:
    add_bars(home, "SHORT", days(date(2013, 2, 25), 3))
    add_bars(home, "VOD.L", days(date(2013, 2, 18), 10))
    add_bars(home, "NEWER", days(date(2013, 2, 4), 26))
    app = loaded(home)

    short = assert_problem(ask(app, "/v1/forecasts/SHORT"), 409, "not-enough-history")
    # A window of 5 sessions, and 20 before it for the feature that looks furthest back.
    assert (short["symbol"], short["needed"], short["found"]) == ("SHORT", 25, 3)
    exchange = assert_problem(ask(app, "/v1/forecasts/VOD.L"), 422, "unknown-exchange")
    assert (exchange["symbol"], exchange["suffix"]) == ("VOD.L", "L")
    entries = {entry["symbol"]: entry for entry in ask(app, "/v1/symbols").json()["symbols"]}
    assert entries["SHORT"]["forecast"] is False
    assert entries["SHORT"]["reason"] == short["detail"]
    assert entries["VOD.L"]["exchange"] is None

    # Long enough for a window but younger than the model: a forecast without a record.
    newer = ask(app, "/v1/forecasts/NEWER").json()
    missing = {"status": "insufficient data", "needed": 60, "sessions": 0}
    assert set(newer["diagnostics"]) == {"sample", "errors", "bias", "lag", "significance", "coverage"}
    assert all(section == missing for section in newer["diagnostics"].values())
    assert newer["verdict"]["code"] == "insufficient_data"
    empty = ask(app, "/v1/diagnostics/NEWER").json()
    assert empty["errors"] == missing
    assert empty["series"].pop("naive_quantiles") is None
    assert all(values == [] for values in empty["series"].pop("quantiles").values())
    assert all(values == [] for values in empty["series"].values())
    assert (empty["in_sample_mae"], empty["in_sample_mse"]) == (None, None)


@pytest.mark.parametrize("resource", RESOURCES)
def test_unknown_symbol(app: FastAPI, resource: str) -> None:
    document = assert_problem(ask(app, f"/v1/{resource}/TSLA"), 404, "unknown-symbol")
    assert document["symbol"] == "TSLA"
    assert document["instance"] == f"/v1/{resource}/TSLA"
    assert "forecaster fetch TSLA" in document["detail"]


@pytest.mark.parametrize("resource", RESOURCES)
def test_unknown_exchange(app: FastAPI, resource: str) -> None:
    assert assert_problem(ask(app, f"/v1/{resource}/VOD.L"), 422, "unknown-exchange")["suffix"] == "L"


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "aapl",
        "AAPL/",
        "AAPL%20",
        "AAPL%0A",
        "AAPL%0AX",
        "AAPL%00",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "%25",
        "A" * 10_240,
        "贵州茅台",
        "\uff21\uff21\uff30\uff2c",  # AAPL in full-width letters
        "%F0%9F%9A%80",
        "%FF%FE",
        "AAPL';DROP TABLE bars;--",
    ],
    ids=lambda path: ascii(path)[:24],
)
def test_malformed_symbols(app: FastAPI, resource: str, path: str) -> None:
    document = assert_problem(ask(app, f"/v1/{resource}/{path}"), 422, "malformed-symbol")
    assert "such as AAPL or 600519.SH" in document["detail"]
    assert len(document["symbol"]) <= 40
    assert "A" * 41 not in str(document)


def test_a_malformed_symbol_is_malformed_even_without_a_model(tmp_path: Path) -> None:
    assert_problem(ask(loaded(tmp_path), "/v1/forecasts/..%2f"), 422, "malformed-symbol")
