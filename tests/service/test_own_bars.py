from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from fastapi import FastAPI

from data.bars import COLUMNS, Bars
from data.store import PriceStore
from service.schemas.forecasts import ForecastAnswer
from tests.service.asking import FRIDAY, Clock, ask, assert_problem, host_of, loaded
from tests.service.tiny_model import NEXT_THREE

SYMBOLS = ("AAPL", "FB", "IBM")

Rows = list[dict[str, Any]]


def post(app: FastAPI, symbol: str, bars: Any, **headers: str) -> httpx.Response:
    return ask(app, "/v1/forecasts", "POST", json={"symbol": symbol, "bars": bars}, headers=headers)


def frame(home: Path, symbol: str, count: int) -> pd.DataFrame:
    return PriceStore(home / "prices").tail(symbol, count).frame


def rows_of(table: pd.DataFrame) -> Rows:
    """Bars as a client would send them; the sample does not know amounts."""
    rows = [dict(zip(COLUMNS[1:], row, strict=True)) for row in table[[*COLUMNS[1:]]].itertuples(index=False)]
    return [{**row, "session": str(row["session"].date()), "amount": None} for row in rows]


def columns_of(rows: Rows) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.fixture(scope="module")
def rows(trained_home: Path) -> Rows:
    """The newest 60 bars of IBM."""
    return rows_of(frame(trained_home, "IBM", 60))


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("form", [list, columns_of])
def test_the_stores_own_bars_give_the_stores_own_answer(
    app: FastAPI, trained_home: Path, symbol: str, form: Callable[[Rows], Any]
) -> None:
    """300 bars decide a forecast: every digit of it is that of the whole history."""
    sent = rows_of(frame(trained_home, symbol, 300))
    response = post(app, symbol, form(sent))
    assert response.status_code == 200
    assert response.text == ask(app, f"/v1/forecasts/{symbol}").text


def test_fewer_bars_and_three_sessions_ahead_give_what_a_table_gives(trained_home: Path) -> None:
    """The way over arrays and the one over tables are two; they must not part."""
    app = loaded(trained_home, model=NEXT_THREE)
    held = host_of(app).current()
    for symbol in SYMBOLS:
        table = frame(trained_home, symbol, 75)
        expected = held.network.forecasts(Bars(table), held.calendars, calibration=held.calibration)[symbol]
        assert not isinstance(expected, Exception)
        answer = post(app, symbol, rows_of(table)).json()
        told = [answer["forecast"], *answer["path"]]
        assert [list(step["quantiles"].values()) for step in told] == expected.quantiles.tolist()
        assert answer["last_close"] == expected.last_close
        assert [step["session"] for step in answer["path"]] == ["2013-03-05", "2013-03-06"]


def test_the_order_does_not_matter_and_nothing_is_kept(app: FastAPI, rows: Rows) -> None:
    before = PriceStore(host_of(app).settings.store_uri).version()
    one, other = post(app, "IBM", rows), post(app, "IBM", rows[::-1])
    assert one.status_code == 200
    assert one.text == other.text
    assert one.headers["cache-control"] == "no-store"
    assert PriceStore(host_of(app).settings.store_uri).version() == before


def test_a_share_that_nobody_knows(app: FastAPI, rows: Rows) -> None:
    answer = post(app, "600519.SH", rows).json()
    ForecastAnswer.model_validate(answer)
    # 2013-03-04 is a Monday, and no holiday in Shanghai.
    assert (answer["symbol"], answer["target_session"]) == ("600519.SH", "2013-03-04")
    assert answer["verdict"]["code"] == "insufficient_data"
    assert answer["diagnostics"]["sample"]["status"] == "insufficient data"
    assert answer["forecast"]["close"] != answer["last_close"] == rows[-1]["close"]


def test_prices_that_need_no_factor_may_come_without(app: FastAPI, rows: Rows) -> None:
    """A factor of 1 is none, one of 2 in every bar only a scale; one that doubles makes half a fall."""
    plain = [{name: value for name, value in row.items() if name not in ("adj_factor", "amount")} for row in rows]
    answer = post(app, "IBM", plain).json()
    assert answer == post(app, "IBM", [{**row, "adj_factor": 1} for row in plain]).json()
    doubled = post(app, "IBM", [{**row, "adj_factor": 2} for row in plain]).json()
    assert doubled["forecast"]["close"] == pytest.approx(answer["forecast"]["close"], rel=1e-6)
    split = [{**row, "adj_factor": 1 + (number >= 50)} for number, row in enumerate(plain)]
    jump = post(app, "IBM", split).json()["forecast"]["interval"]
    interval = answer["forecast"]["interval"]
    assert jump["upper"] - jump["lower"] > 2 * (interval["upper"] - interval["lower"])


def test_staleness_is_told_by_the_calendar(trained_home: Path, rows: Rows) -> None:
    clock = Clock(FRIDAY)
    app = loaded(trained_home, clock)
    assert not post(app, "IBM", rows).json()["stale"]
    answer = post(app, "IBM", rows[:-2]).json()
    assert (answer["as_of"], answer["target_session"], answer["stale"]) == ("2013-02-27", "2013-02-28", True)
    assert "2013-02-28 should be there" in answer["stale_reason"]
    clock.now += timedelta(days=4)
    assert post(app, "IBM", rows).json()["stale"]


def test_verdicts_come_in_the_language_asked_for(app: FastAPI, rows: Rows) -> None:
    response = post(app, "IBM", rows, **{"Accept-Language": "zh-CN"})
    verdict = response.json()["verdict"]
    assert response.headers["content-language"] == "zh"
    assert verdict["text"] == verdict["text_zh"]


def changed(rows: Rows, row: int, **cells: Any) -> Rows:
    return [{**one, **cells} if number == row else one for number, one in enumerate(rows)]


# The names are those of the quarantine: see Reason in data/bars.py.
@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"session": "2013-03-04"}, "in_the_future"),
        ({"close": 0}, "price_not_positive"),
        ({"low": -1.5}, "price_not_positive"),
        ({"high": 1.0}, "high_low_inconsistent"),
        ({"low": 1e6}, "high_low_inconsistent"),
        ({"volume": -1}, "negative_volume"),
        ({"amount": -1}, "negative_volume"),
        ({"adj_factor": 0}, "bad_factor"),
    ],
)
def test_a_bad_bar_is_named_with_the_rule_it_breaks(app: FastAPI, rows: Rows, cells: dict[str, Any], rule: str) -> None:
    for sent in (changed(rows, 7, **cells), columns_of(changed(rows, 7, **cells))):
        problem = assert_problem(post(app, "IBM", sent), 422, "bad-bar")
        assert (problem["row"], problem["rule"]) == (7, rule)
        assert "bars[7]" in problem["detail"]
        assert rule in problem["detail"]


def test_a_factor_stands_in_every_bar_or_in_none(app: FastAPI, rows: Rows) -> None:
    without = {name: value for name, value in rows[4].items() if name != "adj_factor"}
    problem = assert_problem(post(app, "IBM", [*rows[:4], without, *rows[5:]]), 422, "bad-bar")
    assert (problem["row"], problem["rule"]) == (4, "missing_value")


def test_a_session_twice_is_refused_whatever_it_says(app: FastAPI, rows: Rows) -> None:
    same = assert_problem(post(app, "IBM", [*rows, rows[20]]), 422, "bad-bar")
    assert (same["row"], same["rule"]) == (60, "duplicate")
    other = assert_problem(post(app, "IBM", [*rows, {**rows[20], "volume": 5}]), 422, "bad-bar")
    assert (other["row"], other["rule"]) == (20, "conflicting_duplicate")


@pytest.mark.parametrize(
    ("cells", "where"),
    [
        ({"open": "205.1"}, "bars.3.open"),
        ({"open": True}, "bars.3.open"),
        ({"open": None}, "bars.3.open"),
        ({"volume": [1]}, "bars.3.volume"),
        ({"session": 20130104}, "bars.3.session"),
        ({"session": "2013-1-4"}, "bars.3.session"),
        ({"session": "2013-02-30"}, "bars.3.session"),
        ({"session": "2013-01-04T00:00:00"}, "bars.3.session"),
        ({"opne": 1.0}, "bars.3.opne"),
    ],
)
def test_what_is_no_bar_is_named(app: FastAPI, rows: Rows, cells: dict[str, Any], where: str) -> None:
    problem = assert_problem(post(app, "IBM", changed(rows, 3, **cells)), 422, "invalid-request")
    assert f"'body.{where}'" in problem["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1" + 400 * "0", "1" * 5000])
def test_what_no_number_can_hold(app: FastAPI, rows: Rows, number: str) -> None:
    body = json.dumps({"symbol": "IBM", "bars": changed(rows, 3, open="here")}).replace('"here"', number)
    assert_problem(ask(app, "/v1/forecasts", "POST", content=body), 422, "invalid-request")


def test_what_is_no_request_for_a_forecast_from_bars(app: FastAPI, rows: Rows) -> None:
    bodies: list[Any] = [
        {"symbol": "IBM"},
        {"bars": rows},
        {"symbol": "ibm", "bars": rows},
        {"symbol": "IBM.XX", "bars": rows},
        {"symbol": "IBM\n", "bars": rows},
        {"symbol": ["IBM"], "bars": rows},
        {"symbol": "IBM", "bars": []},
        {"symbol": "IBM", "bars": {}},
        {"symbol": "IBM", "bars": "all"},
        {"symbol": "IBM", "bars": [rows]},
        {"symbol": "IBM", "bars": {**columns_of(rows), "open": columns_of(rows)["open"][:-1]}},
        {"symbol": "IBM", "bars": changed([{**row, "adj_factor": 1} for row in rows], 0, adj_factor=None)},
        {"symbol": "IBM", "bars": [rows[0]] * 5001},
        {"symbol": "IBM", "bars": rows, "horizon": 3},
    ]
    for body in bodies:
        assert_problem(ask(app, "/v1/forecasts", "POST", json=body), 422, "invalid-request")


def test_too_few_bars_say_how_many_are_needed(app: FastAPI, rows: Rows) -> None:
    needed = host_of(app).current().network.least_bars
    assert post(app, "IBM", rows[-needed:]).status_code == 200
    problem = assert_problem(post(app, "IBM", rows[-needed + 1 :]), 409, "not-enough-history")
    assert (problem["needed"], problem["found"], problem["symbol"]) == (needed, needed - 1, "IBM")
    assert "were sent" in problem["detail"]


def test_numbers_beyond_all_measure_end_in_a_problem(app: FastAPI, rows: Rows) -> None:
    for scale in (1e-320, 1e300):
        sent = [{**row, **{name: row[name] * scale for name in ("open", "high", "low", "close")}} for row in rows]
        for factor in (1e-300, 1.0, 1e300):
            response = post(app, "IBM", [{**row, "adj_factor": factor, "volume": 1e308} for row in sent])
            assert response.status_code in (200, 422)
            assert "NaN" not in response.text
    infinite = [
        {**row, "open": 1e300, "high": 1e300, "low": 1e300, "close": 1e300, "adj_factor": 1e300} for row in rows
    ]
    assert_problem(post(app, "IBM", infinite), 422, "extreme-bars")


def test_days_that_no_calendar_knows(app: FastAPI, rows: Rows) -> None:
    early = [{**row, "session": row["session"].replace("20", "19", 1)} for row in rows]
    assert post(app, "IBM", [{**row, "session": f"1{row['session'][1:]}"} for row in rows]).status_code == 422
    # XNYS is known from 1990 on, and 1912 and 1913 are before.
    problem = assert_problem(post(app, "IBM", early), 422, "day-unknown")
    assert problem["exchange"] == "XNYS"


def test_a_large_request_gives_the_same_from_a_thread(app: FastAPI, trained_home: Path) -> None:
    """2000 bars go another way than 300, to the same answer."""
    sent = rows_of(frame(trained_home, "IBM", 2000))
    assert len(json.dumps(sent)) > 1 << 17
    assert post(app, "IBM", sent).text == ask(app, "/v1/forecasts/IBM").text
