"""What may be published, when, and how often."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from data.errors import StoreBusy
from forecaster.forecast import Forecast
from forecaster.ledger.publishing import CLOCK_SLACK, Published, Reason, publish
from forecaster.ledger.table import Ledger
from tests.forecaster.ledger.publishers import (
    CALENDARS,
    LEVELS,
    NEW_YORK,
    SESSIONS,
    bars_of,
    checked,
    evening,
    flat,
    forecast,
    made_by,
    publish_one,
)

# A Friday, and the Monday after it: New York opens at 14:30 UTC in winter.
FRIDAY, MONDAY = date(2022, 1, 7), date(2022, 1, 10)
OPENS = datetime(2022, 1, 10, 14, 30, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


def reasons(done: Published) -> list[Reason]:
    return [one.reason for one in done.refused]


def test_what_is_written_down(ledger: Ledger) -> None:
    now = datetime(2022, 1, 8, 1, 2, 3, 456789, tzinfo=UTC)
    bars = checked(bars_of("AAPL", {FRIDAY: 100.0}, {FRIDAY: 1.5}))
    one = forecast("AAPL", FRIDAY, change=0.01)
    assert publish([one], ledger, made_by("3"), bars, CALENDARS, now) == Published(1, 0, ())
    (row,) = ledger.read().to_dict("records")
    assert row["name"] == "next-close"
    assert row["version"] == "3"
    assert row["symbol"] == "AAPL"
    assert (row["as_of"].date(), row["target_session"].date(), row["step"]) == (FRIDAY, MONDAY, 1)
    assert row["published_at"].to_pydatetime() == now
    assert (row["last_close"], row["adj_factor"], row["data_version"]) == (100.0, 1.5, 7)
    assert [row[str(level)] for level in LEVELS] == one.quantiles[0].tolist()
    assert all(np.isnan(row[f"naive {level}"]) for level in LEVELS)  # one bar is no history
    summary = ledger.summary().iloc[0]
    assert (summary["forecasts"], summary["symbols"], summary["through"].date()) == (1, 1, MONDAY)
    assert summary["since"].to_pydatetime() == summary["newest"].to_pydatetime() == now
    assert ledger.published_after(now - timedelta(microseconds=1)) == now
    assert ledger.published_after(now) is None


def test_an_empty_ledger(ledger: Ledger) -> None:
    assert ledger.version() is None
    assert ledger.published_after(OPENS) is None
    assert ledger.read("next-close").empty
    assert ledger.summary().empty
    assert ledger.keys("next-close", FRIDAY) == set()
    assert publish([], ledger, made_by(), flat("AAPL", days=[FRIDAY]), CALENDARS, OPENS) == Published(0, 0, ())
    assert not Path(ledger.uri).exists()


def test_the_first_forecast_counts_for_ever(ledger: Ledger) -> None:
    first = forecast("AAPL", FRIDAY, change=0.01)
    assert publish_one(ledger, first, evening(FRIDAY)).published == 1
    held = ledger.read()
    for later, by in (
        (first, made_by()),
        (forecast("AAPL", FRIDAY, change=0.05), made_by()),
        (forecast("AAPL", FRIDAY, change=0.05), made_by("2")),
        (forecast("AAPL", date(2022, 1, 6), change=0.05), made_by()),  # for Friday: that one is new, but too late
    ):
        done = publish_one(ledger, later, evening(FRIDAY) + timedelta(hours=1), by=by)
        assert done.published == 0
        assert done.already == (later.target_sessions[0] == MONDAY)
    assert ledger.read().equals(held)
    assert ledger.version() == 0
    # Another model has forecasts of its own.
    other = publish_one(ledger, first, evening(FRIDAY) + timedelta(hours=2), by=made_by("1", "other"))
    assert other == Published(1, 0, ())
    assert set(ledger.read("other")["name"]) == {"other"}


@pytest.mark.parametrize(
    ("before", "published"), [(timedelta(microseconds=1), 1), (timedelta(0), 0), (-timedelta(days=2), 0)]
)
def test_at_the_opening_it_is_too_late(ledger: Ledger, before: timedelta, published: int) -> None:
    done = publish_one(ledger, forecast("AAPL", FRIDAY), OPENS - before)
    assert done.published == published == 1 - done.too_late
    if not published:
        (refusal,) = done.refused
        assert (refusal.symbol, refusal.target_session, refusal.step) == ("AAPL", MONDAY, 1)
        assert "AAPL: the session of 2022-01-10 opened at 2022-01-10 14:30 UTC" in refusal.text
        assert ledger.version() is None


def test_once_published_it_is_not_too_late_any_more(ledger: Ledger) -> None:
    publish_one(ledger, forecast("AAPL", FRIDAY), evening(FRIDAY))
    assert publish_one(ledger, forecast("AAPL", FRIDAY), OPENS + timedelta(hours=1)) == Published(0, 1, ())


def test_one_of_many_steps_may_be_too_late(ledger: Ledger) -> None:
    done = publish_one(ledger, forecast("AAPL", FRIDAY, horizon=3), OPENS)
    assert (done.published, reasons(done), done.refused[0].step) == (2, [Reason.TOO_LATE], 1)
    held = ledger.read()
    assert held["step"].tolist() == [2, 3]
    assert held["target_session"].dt.strftime("%m-%d").tolist() == ["01-11", "01-12"]


def test_a_session_that_is_not_over_is_nothing_to_forecast_from(ledger: Ledger) -> None:
    closes = datetime(2022, 1, 7, 21, 0, tzinfo=UTC)
    assert reasons(publish_one(ledger, forecast("AAPL", FRIDAY), closes - timedelta(minutes=1))) == [Reason.UNFINISHED]
    assert publish_one(ledger, forecast("AAPL", FRIDAY), closes).published == 1


def test_a_session_that_no_calendar_knows_is_refused(ledger: Ledger) -> None:
    def about(session: date, symbol: str = "AAPL") -> Forecast:
        return Forecast(symbol, FRIDAY, (session,), 100.0, LEVELS, np.array([[90.0, 100.0, 110.0]]))

    for one in (about(date(2031, 1, 2)), about(date(2022, 1, 8)), about(MONDAY, "AAPL.XX")):
        assert reasons(publish_one(ledger, one, evening(FRIDAY))) == [Reason.UNKNOWN_SESSION]
    # The present lies outside, too.
    assert reasons(publish_one(ledger, about(MONDAY), datetime(2031, 1, 2, tzinfo=UTC))) == [Reason.UNKNOWN_SESSION]


def test_what_is_no_number_is_not_published(ledger: Ledger) -> None:
    nothing = Forecast("AAPL", FRIDAY, (MONDAY,), 100.0, LEVELS, np.array([[90.0, np.nan, 110.0]]))
    assert reasons(publish_one(ledger, nothing, evening(FRIDAY))) == [Reason.UNDEFINED]


def test_a_clock_that_went_back_publishes_nothing_new(ledger: Ledger) -> None:
    publish_one(ledger, forecast("AAPL", FRIDAY), evening(FRIDAY))
    earlier = evening(FRIDAY) - CLOCK_SLACK
    assert publish_one(ledger, forecast("IBM", FRIDAY), earlier).published == 1
    back = publish_one(ledger, forecast("MSFT", FRIDAY), earlier - timedelta(seconds=1))
    assert reasons(back) == [Reason.CLOCK]
    assert publish_one(ledger, forecast("AAPL", FRIDAY), earlier - timedelta(hours=1)).already == 1


def test_now_needs_a_zone_and_forecasts_their_bars(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="time zone"):
        publish_one(ledger, forecast("AAPL", FRIDAY), datetime(2022, 1, 8))
    with pytest.raises(ValueError, match="AAPL on 2022-01-07"):
        publish([forecast("AAPL", FRIDAY)], ledger, made_by(), flat("IBM", days=[FRIDAY]), CALENDARS, evening(FRIDAY))
    assert ledger.version() is None


def test_the_naive_forecast_is_written_down_beside_it(ledger: Ledger) -> None:
    days = SESSIONS[:80]
    random = np.random.default_rng(3)
    close = 50 * np.exp(np.cumsum(random.normal(0, 0.02, 80)))
    factors = dict(zip(days, np.where(np.arange(80) < 40, 1.0, 2.0), strict=True))
    bars = checked(bars_of("AAPL", dict(zip(days, close.tolist(), strict=True)), factors))
    one = forecast("AAPL", days[-1], float(close[-1]), horizon=2)
    publish([one], ledger, made_by(), bars, CALENDARS, evening(days[-1]))
    first, second = ledger.read().to_dict("records")
    returns = np.diff(np.log(close * np.where(np.arange(80) < 40, 1.0, 2.0)))
    assert first["naive 0.1"] == pytest.approx(close[-1] * np.exp(np.quantile(returns, 0.1)), rel=1e-12)
    assert first["naive 0.5"] == close[-1]
    assert first["naive 0.9"] == pytest.approx(close[-1] * np.exp(np.quantile(returns, 0.9)), rel=1e-12)
    assert np.isnan(second["naive 0.1"])


def test_two_publishers_at_once_write_each_key_once(ledger: Ledger) -> None:
    symbols = [f"S{number}" for number in range(6)]
    bars, done = flat(*symbols, days=[FRIDAY]), {}

    def run(version: str, some: list[str]) -> None:
        own = Ledger(ledger.uri)
        with own.writing(wait=30):
            forecasts = [forecast(symbol, FRIDAY) for symbol in some]
            done[version] = publish(forecasts, own, made_by(version), bars, CALENDARS, evening(FRIDAY))

    threads = [threading.Thread(target=run, args=one) for one in (("1", symbols[:4]), ("2", symbols[2:]))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert ledger.read()["symbol"].tolist() == symbols
    assert sorted((one.published, one.already) for one in done.values()) == [(2, 2), (4, 0)]


def test_who_does_not_wait_is_told_that_another_writes(ledger: Ledger) -> None:
    with Ledger(ledger.uri).writing(), pytest.raises(StoreBusy, match="being written by process"):
        publish_one(ledger, forecast("AAPL", FRIDAY), evening(FRIDAY))


def test_every_exchange_has_its_own_opening(ledger: Ledger) -> None:
    # Shanghai opens on Monday at 01:30 UTC, thirteen hours before New York.
    now = datetime(2022, 1, 10, 1, 30, tzinfo=UTC)
    shanghai = Forecast("600519.SH", FRIDAY, (MONDAY,), 100.0, LEVELS, np.array([[90.0, 100.0, 110.0]]))
    bars = flat("600519.SH", "AAPL", days=[FRIDAY])
    done = publish([shanghai, forecast("AAPL", FRIDAY)], ledger, made_by(), bars, CALENDARS, now)
    assert (done.published, [one.symbol for one in done.refused]) == (1, ["600519.SH"])
    assert NEW_YORK.opening(MONDAY) == OPENS
