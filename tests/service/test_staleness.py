"""Stale or not, by the exchange's own calendar and a clock that is passed in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from data.ingest import ingest
from data.providers.sample import SampleProvider
from data.sessions import Calendars
from data.store import PriceStore
from tests.service.asking import Clock, ask, host_of, loaded


@pytest.mark.parametrize(
    ("now", "stale"),
    [
        # The prices end with Friday 2013-03-01. New York closes at 21:00 UTC in winter, bars are due at 22:00.
        (datetime(2013, 3, 1, 21, 1, tzinfo=UTC), False),
        (datetime(2013, 3, 1, 22, 1, tzinfo=UTC), False),
        (datetime(2013, 3, 3, 12, 0, tzinfo=UTC), False),
        (datetime(2013, 3, 4, 20, 59, tzinfo=UTC), False),
        (datetime(2013, 3, 4, 21, 59, tzinfo=UTC), False),
        (datetime(2013, 3, 4, 22, 1, tzinfo=UTC), True),
        (datetime(2013, 3, 9, 12, 0, tzinfo=UTC), True),
    ],
)
def test_stale_once_a_newer_bar_is_due(trained_home: Path, now: datetime, stale: bool) -> None:
    app = loaded(trained_home, Clock(now))
    answer = ask(app, "/v1/forecasts/AAPL").json()
    assert answer["stale"] is stale
    assert ask(app, "/v1/symbols").json()["symbols"][0]["stale"] is stale
    assert ask(app, "/health/ready").json()["stale"] == (5 if stale else 0)
    if not stale:
        assert answer["stale_reason"] is None


def test_the_reason_names_both_sessions(trained_home: Path) -> None:
    app = loaded(trained_home, Clock(datetime(2013, 3, 6, 12, 0, tzinfo=UTC)))
    reason = ask(app, "/v1/forecasts/AAPL").json()["stale_reason"]
    assert "2013-03-01" in reason
    assert "2013-03-05" in reason


def test_beyond_the_calendar_nobody_can_tell(trained_home: Path) -> None:
    app = loaded(trained_home, Clock(datetime(2031, 1, 2, 12, 0, tzinfo=UTC)))
    answer = ask(app, "/v1/forecasts/AAPL").json()
    assert answer["stale"] is True
    assert "2030-12-31" in answer["stale_reason"]


def test_a_providers_days_tell_beyond_it(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = pd.DataFrame({"exchange": "XNYS", "day": pd.date_range("2031-01-01", "2031-01-03")})
    told = days.assign(is_open=[False, True, True])
    monkeypatch.setattr(PriceStore, "calendars", lambda self: Calendars(told))
    # New York closes at 21:00 UTC; at 12:00 on the 3rd the session of the 2nd is the last that is due.
    app = loaded(trained_home, Clock(datetime(2031, 1, 3, 12, 0, tzinfo=UTC)))
    reason = ask(app, "/v1/forecasts/AAPL").json()["stale_reason"]
    assert reason == "the prices end with 2013-03-01, and the session of 2031-01-02 should be there by now"


def test_a_refresh_notices_a_newly_due_session(trained_home: Path) -> None:
    clock = Clock(datetime(2013, 3, 4, 21, 59, tzinfo=UTC))
    app = loaded(trained_home, clock)
    clock.now = datetime(2013, 3, 4, 22, 1, tzinfo=UTC)
    assert ask(app, "/v1/forecasts/AAPL").json()["stale"] is False
    host_of(app).refresh()
    assert ask(app, "/v1/forecasts/AAPL").json()["stale"] is True
    assert host_of(app).outcomes == {"rebuilt": 2, "unchanged": 0, "failed": 0}


@pytest.mark.parametrize(
    ("last", "following"),
    [
        (date(2013, 3, 1), date(2013, 3, 4)),  # a weekend
        (date(2013, 2, 15), date(2013, 2, 19)),  # Washington's Birthday on the Monday after
        (date(2012, 10, 26), date(2012, 10, 31)),  # hurricane Sandy closed New York for two days
        (date(2012, 7, 3), date(2012, 7, 5)),  # Independence Day
    ],
)
def test_the_target_is_the_next_session(trained_home: Path, tmp_path: Path, last: date, following: date) -> None:
    store = tmp_path / "prices"
    ingest(SampleProvider(), PriceStore(store), now=datetime.now(UTC), symbols=["IBM"], end=last)
    answer = ask(loaded(trained_home, store=str(store)), "/v1/forecasts/IBM").json()
    assert (answer["as_of"], answer["target_session"]) == (last.isoformat(), following.isoformat())
