"""300 sessions published one by one: with repetitions, late calls, a suspension, a dividend and a change of version.

AAA trades every day, SUS pauses for eight sessions, and DIV pays a fifth of its price. What came is joined at the end
and compared with plain loops over the same prices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.bars import Bars
from data.store import PriceStore
from forecaster.diagnostics.diagnostics import to_dict
from forecaster.ledger.live import Live, live_diagnostics, live_of
from forecaster.ledger.outcomes import joined, live_record
from forecaster.ledger.publishing import Published, publish
from forecaster.ledger.table import Ledger
from tests.forecaster.ledger.publishers import (
    CALENDARS,
    NEW_YORK,
    SESSIONS,
    bars_of,
    checked,
    evening,
    forecast,
    made_by,
)

HISTORY, YEAR = 90, 300
DAYS = SESSIONS[: HISTORY + YEAR + 1]
PAUSE = range(HISTORY + 100, HISTORY + 108)
EX_DATE = HISTORY + 150
SECOND_VERSION = HISTORY + 180
LATE = range(HISTORY + 20, HISTORY + YEAR, 50)
SYMBOLS = ("AAA", "DIV", "SUS")


@dataclass(frozen=True)
class Market:
    """For each symbol its closes as traded and its factors, by session."""

    close: dict[str, dict[date, float]]
    factor: dict[str, dict[date, float]]

    def bars(self, through: date = DAYS[-1]) -> Bars:
        """What a store holds in the evening of a day."""
        return checked(
            *(
                bars_of(symbol, {day: one for day, one in closes.items() if day <= through}, self.factor[symbol])
                for symbol, closes in self.close.items()
            )
        )

    def adjusted(self, symbol: str, day: date) -> float:
        return self.close[symbol][day] * self.factor[symbol][day]


def made_up() -> Market:
    random = np.random.default_rng(5)
    walks = {symbol: 100 * np.exp(np.cumsum(random.normal(0, 0.02, len(DAYS)))) for symbol in SYMBOLS}
    factor = {symbol: dict.fromkeys(DAYS, 1.0) for symbol in SYMBOLS}
    factor["DIV"] = {day: 1.0 if at < EX_DATE else 1.25 for at, day in enumerate(DAYS)}
    close = {
        symbol: {
            day: float(walks[symbol][at] / factor[symbol][day])
            for at, day in enumerate(DAYS)
            if symbol != "SUS" or at not in PAUSE
        }
        for symbol in SYMBOLS
    }
    return Market(close, factor)


@dataclass(frozen=True)
class Year:
    """What there is after it.

    Attributes:
        market, ledger: prices and publications.
        calls: what each session's first call did.
        half: what the ledger held in the middle.
        said: for each symbol and target session the median that was published, and its close of `as_of`.
    """

    market: Market
    ledger: Ledger
    calls: list[Published]
    half: pd.DataFrame
    said: dict[tuple[str, date], tuple[float, date]]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    market, ledger = made_up(), Ledger(tmp_path_factory.mktemp("year") / "ledger")
    everything, calls, said, half = market.bars(), [], {}, pd.DataFrame()
    for at in range(HISTORY, HISTORY + YEAR):
        today = DAYS[at]
        known = Bars(everything.frame[everything.frame["session"] <= pd.Timestamp(today)].reset_index(drop=True))
        by = made_by("1" if at < SECOND_VERSION else "2")
        forecasts = []
        for symbol in SYMBOLS:
            days = [day for day in market.close[symbol] if day <= today]
            last, before = market.adjusted(symbol, days[-1]), market.adjusted(symbol, days[-2])
            close = market.close[symbol][days[-1]]
            forecasts.append(forecast(symbol, days[-1], close, change=0.1 * (last / before - 1)))
            said.setdefault((symbol, forecasts[-1].target_sessions[0]), (forecasts[-1].close, days[-1]))
        opening = NEW_YORK.opening(NEW_YORK.next_session(today))
        assert opening is not None
        now = opening + timedelta(minutes=1) if at in LATE else evening(today)
        calls.append(publish(forecasts, ledger, by, known, CALENDARS, now))
        if at % 30 == 7:
            again = [replace(one, quantiles=one.quantiles * 1.5) for one in forecasts]
            assert publish(again, ledger, by, known, CALENDARS, now + timedelta(hours=1)).published == 0
        if at == HISTORY + YEAR // 2:
            half = ledger.read()
    return Year(market, ledger, calls, half, said)


def expected_rows(year: Year, symbol: str) -> list[dict[str, Any]]:
    """By plain loops: one row a session that followed a published forecast."""
    market, days = year.market, list(year.market.close[symbol])
    rows = []
    for before, day in pairwise(days):
        at = DAYS.index(before)
        if at < HISTORY or at in LATE:
            continue
        median, as_of = year.said[symbol, DAYS[at + 1]]
        assert as_of == before
        rows.append({"origin": before, "session": day, "median": median * market.factor[symbol][before]})
    last, first = market.factor[symbol][rows[-1]["session"]], rows[0]["origin"]
    history = [market.adjusted(symbol, day) for day in days if day <= first]
    mae = np.mean([abs(b - a) for a, b in pairwise(history)])
    mse = np.mean([(b - a) ** 2 for a, b in pairwise(history)])
    return [
        {
            "origin": pd.Timestamp(one["origin"]),
            "session": pd.Timestamp(one["session"]),
            "actual": market.adjusted(symbol, one["session"]) / last,
            "previous_close": market.adjusted(symbol, one["origin"]) / last,
            "in_sample_mae": mae / last,
            "in_sample_mse": mse / last**2,
            "0.1": 0.9 * one["median"] / last,
            "0.5": one["median"] / last,
            "0.9": 1.1 * one["median"] / last,
        }
        for one in rows
    ]


def test_every_session_has_exactly_one_row_published_before_it_opened(year: Year) -> None:
    held = year.ledger.read("next-close")
    counts = held.groupby("symbol").size()
    # SUS has no new forecast on eight evenings, and what was published the evening before them stays.
    assert counts.to_dict() == {"AAA": YEAR - 6, "DIV": YEAR - 6, "SUS": YEAR - 6 - 8}
    assert not held.duplicated(["symbol", "target_session"]).any()
    for row in held.itertuples():
        opening = NEW_YORK.opening(row.target_session.date())
        assert opening is not None
        assert row.published_at.to_pydatetime() < opening
        assert row.as_of < row.target_session
    late = [at for at, done in enumerate(year.calls) if done.too_late]
    assert late == [at - HISTORY for at in LATE]
    assert sum(done.already for done in year.calls) == 8
    assert year.ledger.version() == YEAR - 6 - 1


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_outcomes_are_those_of_a_calculation_by_hand(year: Year, symbol: str) -> None:
    found = live_record(year.ledger, year.market.bars(), "next-close", symbol)
    expected = pd.DataFrame(expected_rows(year, symbol))
    assert found["symbol"].unique().tolist() == [symbol]
    for name in ("origin", "session"):
        assert found[name].tolist() == expected[name].tolist()
    prices = list(expected.columns[2:])
    np.testing.assert_allclose(found[prices], expected[prices], rtol=1e-12)
    assert not found["restated"].any()
    # The naive median is the close before, to the last bit.
    assert (found["naive 0.5"] == found["previous_close"]).all()
    # A dividend moves no outcome away from its forecast.
    assert np.abs(found["actual"] / found["0.5"] - 1).max() < 0.1


def test_a_suspended_share_has_its_outcome_when_it_trades_again(year: Year) -> None:
    before, after = (pd.Timestamp(DAYS[at]) for at in (PAUSE[0] - 1, PAUSE[-1] + 1))
    found = live_record(year.ledger, year.market.bars(), "next-close", "SUS")
    (row,) = found[found["origin"] == before].to_dict("records")
    assert (row["target_session"], row["session"]) == (pd.Timestamp(DAYS[PAUSE[0]]), after)
    # Until then it has none.
    paused = joined(year.ledger.read("next-close", "SUS"), year.market.bars(DAYS[PAUSE[-1]]))
    assert paused.loc[paused["origin"] == before, ["session", "actual", "0.5"]].isna().all(axis=None)


def test_later_bars_change_nothing_that_was_published(year: Year) -> None:
    held = year.ledger.read()
    early = held[held["published_at"] <= year.half["published_at"].max()].reset_index(drop=True)
    pd.testing.assert_frame_equal(early, year.half)


def test_the_second_version_speaks_from_its_first_evening_on(year: Year) -> None:
    found = live_record(year.ledger, year.market.bars(), "next-close", "AAA")
    assert (found["version"] == np.where(found["origin"] < pd.Timestamp(DAYS[SECOND_VERSION]), "1", "2")).all()


@pytest.fixture(scope="module")
def live(year: Year, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Live]:
    store = PriceStore(tmp_path_factory.mktemp("prices"))
    store.upsert(year.market.bars(DAYS[-2]))
    return live_diagnostics(year.ledger, store, "next-close")


def test_the_diagnostics_are_of_what_was_published(year: Year, live: dict[str, Live]) -> None:
    assert list(live) == list(SYMBOLS)
    for symbol, one in live.items():
        rows = [row for row in expected_rows(year, symbol) if row["session"] < pd.Timestamp(DAYS[-1])]
        assert one.since == evening(DAYS[HISTORY]).astimezone(UTC)
        assert one.versions == ("1", "2")
        assert (one.published, one.pending, one.restated) == (len(rows) + 1, 1, 0)
        figures = to_dict(one.diagnostics)
        assert figures["sample"]["sessions"] == len(rows)
        errors = [abs(row["0.5"] - row["actual"]) for row in rows]
        naive = [abs(row["previous_close"] - row["actual"]) for row in rows]
        assert figures["errors"]["mae"] == pytest.approx(np.mean(errors), rel=1e-9)
        assert figures["errors"]["skill_vs_naive"] == pytest.approx(1 - np.mean(errors) / np.mean(naive), abs=1e-9)
        inside = [row["0.1"] <= row["actual"] <= row["0.9"] for row in rows]
        assert figures["coverage"]["observed"] == pytest.approx(np.mean(inside))
        assert figures["errors"]["pinball_skill"] is not None


def test_a_short_record_is_insufficient_data_and_none_is_pending(year: Year) -> None:
    published = year.ledger.read("next-close", step=1)
    early = live_of(published[published["as_of"] <= pd.Timestamp(DAYS[HISTORY + 30])], year.market.bars())["AAA"]
    assert (early.published, early.pending) == (30, 0)
    assert early.diagnostics.errors is None
    assert early.diagnostics.sessions == 30
    # Nothing came yet: no session, and no figure that is zero.
    pending = live_of(published, year.market.bars(DAYS[HISTORY]))["AAA"]
    assert (pending.published, pending.pending) == (YEAR - 6, YEAR - 6)
    assert pending.diagnostics.sample is None


def test_a_restatement_changes_outcomes_and_not_the_ledger(year: Year) -> None:
    bars, held = year.market.bars(), year.ledger.read()
    told = live_record(year.ledger, bars, "next-close")

    def restated(symbol: str, day: date | None, **factors: float) -> pd.DataFrame:
        frame = bars.frame.copy()
        own = (frame["symbol"] == symbol) & ((frame["session"] == pd.Timestamp(day)) if day else True)
        for name, by in factors.items():
            frame.loc[own, name] *= by
        return live_record(year.ledger, Bars(frame), "next-close")

    prices = ["actual", "previous_close", "in_sample_mae", "0.1", "0.5", "0.9", "naive 0.1"]
    # All factors on another base: nothing that is compared moves.
    np.testing.assert_allclose(restated("DIV", None, adj_factor=3.0)[prices], told[prices], rtol=1e-12)
    # A history that comes adjusted and is halved by a split: the same, on the new scale.
    halved = restated("AAA", None, close=0.5)
    own = told["symbol"] == "AAA"
    np.testing.assert_allclose(halved.loc[own, prices], told.loc[own, prices] / 2, rtol=1e-12)
    assert halved.loc[own, "restated"].all()
    # One close: the outcome of the day before, and the base of the day's own forecast.
    day = DAYS[HISTORY + 40]
    corrected = restated("AAA", day, close=1.01)
    moved = corrected[(corrected["actual"] != told["actual"]) | (corrected["previous_close"] != told["previous_close"])]
    assert moved["session"].tolist() == [pd.Timestamp(one) for one in DAYS[HISTORY + 40 : HISTORY + 42]]
    assert corrected.loc[corrected["restated"], "origin"].tolist() == [pd.Timestamp(day)]
    pd.testing.assert_frame_equal(year.ledger.read(), held)


def test_versions_with_other_levels_are_compared_over_those_they_share(tmp_path: Path) -> None:
    market, ledger = made_up(), Ledger(tmp_path / "ledger")
    for at in range(HISTORY, HISTORY + 70):
        one = forecast("AAA", DAYS[at], market.close["AAA"][DAYS[at]])
        if at >= HISTORY + 69:
            wide = one.quantiles[:, [0, 0, 1, 2, 2]] * [0.9, 1, 1, 1, 1.1]
            one = replace(one, levels=(0.05, 0.1, 0.5, 0.9, 0.95), quantiles=wide)
        elif at < HISTORY + 68:
            continue
        publish([one], ledger, made_by(), market.bars(DAYS[at]), CALENDARS, evening(DAYS[at]))
    found = live_record(ledger, market.bars(), "next-close")
    assert found["0.05"].isna().tolist() == [True, False]
    assert found[["0.1", "0.5", "0.9"]].notna().all(axis=None)
    assert live_of(ledger.read("next-close"), market.bars())["AAA"].diagnostics.sessions == 2


def test_nothing_published_is_nothing_to_tell(tmp_path: Path) -> None:
    ledger, store = Ledger(tmp_path / "ledger"), PriceStore(tmp_path / "prices")
    assert live_diagnostics(ledger, store, "next-close") == {}
    assert live_record(ledger, made_up().bars(), "next-close").empty
    publish(
        [forecast("AAA", DAYS[0])],
        ledger,
        made_by(),
        checked(bars_of("AAA", {DAYS[0]: 100.0})),
        CALENDARS,
        datetime.combine(DAYS[0], datetime.min.time(), UTC) + timedelta(hours=23),
    )
    # Its prices are gone: pending, not failed.
    store.upsert(checked(bars_of("BBB", {DAYS[0]: 100.0})))
    found = live_diagnostics(ledger, store, "next-close")
    assert (found["AAA"].published, found["AAA"].pending) == (1, 1)
    assert live_diagnostics(ledger, store, "other") == {}
