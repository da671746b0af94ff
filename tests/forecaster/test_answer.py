from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.sessions import Calendars
from forecaster.answer import Answers
from forecaster.bundle import Bundle
from forecaster.diagnostics.diagnostics import diagnose, to_dict
from forecaster.forecast import Forecast
from forecaster.version import Version
from tests.forecaster.diagnostics.records import noisy

BUNDLE = Bundle(Path("somewhere"), {"training": {"trained_through": "2012-02-29"}})
VERSION = Version("next-close", "3", ("champion",), datetime(2013, 3, 1, tzinfo=UTC), {}, "run")
CALENDARS = Calendars()
MONDAY_MORNING = datetime(2013, 3, 4, 13, 0, tzinfo=UTC)

FORECAST = Forecast(
    symbol="AAPL",
    as_of=date(2013, 3, 1),
    target_sessions=(date(2013, 3, 4), date(2013, 3, 5)),
    last_close=400.0,
    levels=(0.05, 0.5, 0.95),
    quantiles=np.array([[390.0, 404.0, 420.0], [380.0, 390.0, 430.0]]),
)


def answers(now: datetime, calendars: Calendars = CALENDARS) -> Answers:
    return Answers(BUNDLE, VERSION, calendars, now)


def test_an_answer_says_what_to_expect_and_what_to_compare_it_with() -> None:
    found = answers(MONDAY_MORNING).of(FORECAST, None)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["symbol"], found["as_of"], found["target_session"]) == ("AAPL", "2013-03-01", "2013-03-04")
    assert found["last_close"] == 400.0
    assert found["baseline"] == {"name": "last_close", "close": 400.0}
    assert found["forecast"] == {
        "close": 404.0,
        "change": pytest.approx(0.01),
        "probability_up": pytest.approx(1 - (0.05 + 0.45 * 10 / 14)),
        "quantiles": {"0.05": 390.0, "0.5": 404.0, "0.95": 420.0},
        "interval": {"level": 0.9, "lower": 390.0, "upper": 420.0},
    }
    assert found["path"] == [
        {
            "session": "2013-03-05",
            "close": 390.0,
            "quantiles": {"0.05": 380.0, "0.5": 390.0, "0.95": 430.0},
            "interval": {"level": 0.9, "lower": 380.0, "upper": 430.0},
        }
    ]
    assert found["model"] == {"name": "next-close", "version": "3", "trained_through": "2012-02-29"}


def test_without_evidence_no_figure_is_made_up() -> None:
    found = answers(MONDAY_MORNING).of(FORECAST, None)
    missing = {"status": "insufficient data", "needed": 60, "sessions": 0}
    assert found["diagnostics"] == dict.fromkeys(
        ("sample", "errors", "bias", "lag", "significance", "coverage"), missing
    )
    assert found["verdict"]["code"] == "insufficient_data"


def test_with_evidence_the_figures_are_those_of_the_diagnostics() -> None:
    known = diagnose(noisy(1, 100), 1.5)
    found = answers(MONDAY_MORNING).of(FORECAST, to_dict(known))
    assert known.errors is not None
    assert known.lag is not None
    assert found["diagnostics"]["sample"]["sessions"] == 100
    assert found["diagnostics"]["errors"]["mae"] == known.errors.mae
    assert found["diagnostics"]["lag"]["best_lag"] == known.lag.best_lag
    assert "correlogram" not in found["diagnostics"]["lag"]
    # The record ends in April 2024, years after the forecast: nothing is stale.
    assert found["verdict"] == {
        "code": known.verdict.code.value,
        "text": known.verdict.text,
        "text_zh": known.verdict.text_zh,
        "codes": [code.value for code in known.verdict.codes],
    }


# New York had 125 sessions after 2012-08-28 up to 2013-03-01: counted on a calendar, without Labor Day, Thanksgiving,
# Christmas, New Year's Day, Martin Luther King's and Presidents' Day, and the two days of the hurricane Sandy.
@pytest.mark.parametrize(("last", "gap"), [("2012-08-29", 124), ("2012-08-28", 125), ("2012-08-27", 126)])
def test_evidence_that_ends_long_before_the_forecast_is_stale(last: str, gap: int) -> None:
    record = noisy(1, 100)
    session = np.datetime64(last, "D") - np.arange(100)[::-1]
    known = diagnose(replace(record, session=session), 1.5)
    assert answers(MONDAY_MORNING).evidence_gap(last, "AAPL", FORECAST.as_of) == gap
    found = answers(MONDAY_MORNING).of(FORECAST, to_dict(known))["verdict"]
    if gap <= 125:
        assert found["text"] == known.verdict.text
        return
    assert found["code"] == "stale"
    assert found["codes"] == ["stale", *(code.value for code in known.verdict.codes)]
    assert found["text"].startswith("Its evidence is stale: it ends 126 sessions before this forecast, more than 125.")
    assert found["text"].endswith(known.verdict.text)
    assert found["text_zh"].endswith(known.verdict.text_zh)


def test_where_the_calendar_ends_the_known_part_of_the_gap_counts() -> None:
    # 23, 24, 26, 27, 30 and 31 December; the calendar ends with the year.
    assert answers(MONDAY_MORNING).evidence_gap("2030-12-20", "AAPL", date(2031, 12, 31)) == 6
    assert answers(MONDAY_MORNING).evidence_gap(None, "AAPL", date(2031, 12, 31)) is None


# New York closes at 16:00, which is 21:00 UTC in winter; a bar is due one hour later.
@pytest.mark.parametrize(
    ("now", "stale"),
    [
        (datetime(2013, 3, 1, 22, 0, tzinfo=UTC), False),
        (datetime(2013, 3, 3, 12, 0, tzinfo=UTC), False),
        (datetime(2013, 3, 4, 21, 59, 59, tzinfo=UTC), False),
        (datetime(2013, 3, 4, 22, 0, tzinfo=UTC), True),
        (datetime(2013, 4, 1, 12, 0, tzinfo=UTC), True),
    ],
)
def test_a_forecast_is_stale_once_a_newer_bar_is_due(now: datetime, stale: bool) -> None:
    found = answers(now).of(FORECAST, None)
    assert found["stale"] is stale
    assert (found["stale_reason"] is not None) is stale


def test_the_reason_names_both_sessions() -> None:
    assert answers(datetime(2013, 3, 4, 22, 0, tzinfo=UTC)).stale_reason(FORECAST) == (
        "the prices end with 2013-03-01, and the session of 2013-03-04 should be there by now"
    )


def test_beyond_the_calendar_a_forecast_counts_as_stale() -> None:
    found = answers(datetime(2031, 1, 2, tzinfo=UTC)).of(FORECAST, None)
    assert found["stale"] is True
    assert found["stale_reason"].startswith("whether newer prices are due is not known: ")


def test_the_calendars_that_are_given_decide_what_is_due() -> None:
    days = pd.DataFrame({"exchange": "XNYS", "day": pd.date_range("2031-01-01", "2031-01-03")})
    calendars = Calendars(days.assign(is_open=[False, True, True]))
    # 18:00 in New York, two hours after the close of the first session of 2031.
    assert answers(datetime(2031, 1, 2, 23, 0, tzinfo=UTC), calendars).stale_reason(FORECAST) == (
        "the prices end with 2013-03-01, and the session of 2031-01-02 should be there by now"
    )
