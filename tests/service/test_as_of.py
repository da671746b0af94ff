from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from fastapi import FastAPI

from data.bars import Bars
from data.store import PriceStore
from forecaster.bundle import read_bundle
from forecaster.cli.main import main
from service.schemas.forecasts import ForecastAnswer
from tests.service.asking import Clock, ask, assert_problem, host_of, loaded


def as_of(app: FastAPI, symbol: str, day: str, **more: Any) -> Any:
    return ask(app, f"/v1/forecasts/{symbol}?as_of={day}", **more)


def spans(app: FastAPI) -> tuple[date, date]:
    """The last days whose outcomes are in the calibration before the held-out span and after it."""
    network = host_of(app).current().network
    assert network.before is not None
    assert network.before.through is not None
    assert network.calibration.through is not None
    return network.before.through.item(), network.calibration.through.item()


# Before the held-out span, within it, and its last day but one; a Sunday counts as the Friday before.
DAYS = ("2010-03-15", "2012-12-03", "2013-01-20", "2013-02-28")


@pytest.mark.parametrize("day", DAYS)
def test_it_says_what_the_command_line_says(
    app: FastAPI, trained_home: Path, day: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECASTER_HOME", str(trained_home))
    for symbol in ("AAPL", "IBM"):
        response = as_of(app, symbol, day)
        assert response.status_code == 200
        answer = response.json()
        ForecastAnswer.model_validate(answer)
        told = CliRunner().invoke(main, ["predict", symbol, "--as-of", day, "--json"], catch_exceptions=False)
        (expected,) = json.loads(told.output)["forecasts"]
        assert answer["as_of"] <= day < answer["target_session"]
        # Whether it is stale depends on the clock, which is the present on the command line.
        for name in ("stale", "stale_reason"):
            answer.pop(name), expected.pop(name)
        assert answer == expected


def test_the_newest_day_and_later_ones_say_what_is_said_now(app: FastAPI) -> None:
    now = ask(app, "/v1/forecasts/IBM")
    for day in ("2013-03-01", "2013-03-03", "2031-01-01", "9999-12-31"):
        assert as_of(app, "IBM", day).text == now.text
    assert as_of(app, "IBM", "2013-02-28").text != now.text


def test_an_earlier_forecast_is_stale_and_can_be_kept(app: FastAPI) -> None:
    response = as_of(app, "IBM", "2012-12-03")
    answer = response.json()
    assert (answer["as_of"], answer["target_session"]) == ("2012-12-03", "2012-12-04")
    assert answer["stale"]
    assert "the prices end with 2012-12-03" in answer["stale_reason"]
    again = as_of(app, "IBM", "2012-12-03", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304
    chinese = as_of(app, "IBM", "2012-12-03", headers={"Accept-Language": "zh"}).json()
    assert chinese["verdict"]["text"] == answer["verdict"]["text_zh"]


def test_the_future_does_not_reach_back(home: Path) -> None:
    """Prices after the day are turned upside down; what is said as of the day stays, later ones change."""
    days = ("2010-03-15", "2012-12-03", "2013-01-18")
    app = loaded(home)
    before, after = spans(app)
    assert date(2010, 3, 15) < before < date(2012, 12, 3) < date(2013, 1, 18) < after
    told = {day: as_of(app, "IBM", day).text for day in days}
    later = as_of(app, "IBM", "2013-02-20").json()["forecast"]
    store = PriceStore(host_of(app).settings.store_uri)
    for day in reversed(days):
        frame = store.read().frame
        future = frame["session"] > pd.Timestamp(day)
        scale = np.exp(np.random.default_rng(1).normal(0, 0.2, len(frame)))
        for name in ("open", "high", "low", "close", "adj_factor"):
            frame[name] = np.where(future, frame[name] * scale, frame[name])
        store.upsert(Bars(frame))
        host_of(app).refresh()
        assert as_of(app, "IBM", day).text == told[day]
    assert as_of(app, "IBM", "2013-02-20").json()["forecast"] != later


def test_outcomes_of_the_held_out_span_widen_or_narrow_it(app: FastAPI) -> None:
    """Within the span the calibration has seen what came by the day, and neither less nor more."""
    held = host_of(app).current()
    network = held.network
    bundle = read_bundle(held.bundle.path)
    answer = as_of(app, "IBM", "2013-01-18").json()["forecast"]["quantiles"]
    bars = PriceStore(host_of(app).settings.store_uri).read(["IBM"], end=date(2013, 1, 18))
    said = []
    for calibration in (network.before, network.calibration):
        made = network.forecasts(bars, held.calendars, calibration=calibration)["IBM"]
        assert not isinstance(made, Exception)
        said.append(made.quantiles[0].tolist())
    assert list(answer.values()) not in said
    # The held-out forecast of the next session is the one that was made with what was known by then.
    evidence = bundle.evidence()
    row = evidence[(evidence["symbol"] == "IBM") & (evidence["origin"].astype(str) == "2013-01-18")].iloc[0]
    scale = row["previous_close"] / as_of(app, "IBM", "2013-01-18").json()["last_close"]
    for level, price in answer.items():
        assert price * scale == pytest.approx(row[level], rel=1e-9)


@pytest.mark.parametrize(
    "day", ["yesterday", "2012-6-29", "2012-02-30", "20120629", "1340928000", "2012-06-29T00:00", ""]
)
def test_what_is_no_day(app: FastAPI, day: str) -> None:
    assert "as_of" in assert_problem(as_of(app, "IBM", day), 422, "invalid-request")["detail"]


def test_where_there_is_too_little_to_forecast_from(app: FastAPI) -> None:
    # Facebook's first session was 2012-05-18.
    problem = assert_problem(as_of(app, "FB", "2012-05-17"), 409, "not-enough-history")
    assert problem["found"] == 0
    problem = assert_problem(as_of(app, "FB", "2012-05-21"), 409, "not-enough-history")
    assert problem["found"] == 2
    assert "up to 2012-05-21" in problem["detail"]
    assert_problem(as_of(app, "FB", "0001-01-01"), 409, "not-enough-history")
    assert_problem(as_of(app, "TSLA", "2012-06-29"), 404, "unknown-symbol")
    assert_problem(as_of(app, "VOW.DE", "2012-06-29"), 422, "unknown-exchange")
    assert_problem(as_of(app, "ibm", "2012-06-29"), 422, "malformed-symbol")


def test_the_clock_decides_what_is_stale(trained_home: Path) -> None:
    app = loaded(trained_home, Clock(datetime(2012, 6, 29, 12, tzinfo=UTC)))
    assert not as_of(app, "IBM", "2012-06-28").json()["stale"]
