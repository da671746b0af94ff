"""What an account may not do, quotas, and servers that are away."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from data.errors import (
    DayQuotaSpent,
    MalformedSymbol,
    NotEntitled,
    NothingChosen,
    NotListed,
    RequestError,
    ServerFault,
    TokenRefused,
)
from tests.data.providers.tushare.bench import Bench, assert_equal, evening
from tests.tushare_server import faults
from tests.tushare_server.market import Market, random_market

FIRST, LAST = date(2024, 1, 2), date(2024, 3, 29)
INDEX = "000300.SH"


@pytest.fixture
def market() -> Market:
    return random_market(symbols=6, first=FIRST, last=LAST, seed=3, late_listings=0, delisted=0)


@pytest.fixture
def bench(market: Market, tmp_path: Path) -> Bench:
    return Bench(tmp_path / "prices", market, now=evening(LAST), today=LAST)


def forbid(bench: Bench, *apis: str) -> None:
    for api in apis:
        bench.server.misbehave(faults.not_entitled(), times=None, api=api)


@pytest.mark.parametrize("api", ["trade_cal", "stock_basic", "suspend_d"])
def test_what_the_account_may_not_read_is_noted_and_gone_on_without(bench: Bench, api: str) -> None:
    with bench:
        forbid(bench, api)
        report = bench.fetch(list(bench.market.symbols), start=FIRST)
        assert report.failure is None
        assert any(f"{api}: this account may not use the interface" in note for note in report.notes)
        bench.assert_holds()
        again = bench.fetch(list(bench.market.symbols), start=FIRST)
        assert (again.inserted, again.updated, again.failure) == (0, 0, None)


def test_without_suspensions_a_gap_is_absent(bench: Bench) -> None:
    with bench:
        forbid(bench, "suspend_d")
        bench.fetch(list(bench.market.symbols), start=FIRST)
        gaps = bench.store.facts.gaps()
        expected = {
            (symbol, day)
            for symbol, day in zip(
                bench.market.suspensions["ts_code"], bench.market.suspensions["trade_date"], strict=True
            )
            if f"{symbol}{day}" not in set(bench.market.daily["ts_code"] + bench.market.daily["trade_date"])
        }
        assert expected
        found = set(zip(gaps["symbol"], gaps["session"].dt.strftime("%Y%m%d"), strict=True))
        assert found == {(symbol, day) for symbol, day in expected if day < "20240327"}
        assert set(gaps["why"]) == {"absent"}


def test_without_factors_nothing_is_stored(bench: Bench) -> None:
    with bench:
        bench.server.points = 120
        report = bench.fetch(list(bench.market.symbols), start=FIRST)
        assert isinstance(report.failure, NotEntitled)
        assert report.failure.api == "adj_factor"
        assert bench.store.version() is None
        assert list(bench.store.facts.coverage()["symbol"]) == []
        assert {symbol for one in report.missing for symbol in one.symbols} == set(bench.market.symbols)


def test_everything_needs_the_listings(bench: Bench) -> None:
    with bench:
        forbid(bench, "stock_basic")
        with pytest.raises(NotEntitled):
            bench.fetch(everything=True, start=FIRST)


def test_an_index_that_may_not_be_read_stops_no_share(bench: Bench) -> None:
    with bench:
        forbid(bench, "index_daily")
        report = bench.fetch([*bench.market.symbols, INDEX, "000905.SH", "399001.SZ", "399006.SZ"], start=FIRST)
        assert report.failure is None
        assert {symbol for one in report.missing for symbol in one.symbols} == {
            INDEX,
            "000905.SH",
            "399001.SZ",
            "399006.SZ",
        }
        bench.assert_holds(list(bench.market.symbols))


def test_a_refused_token_ends_at_once(bench: Bench) -> None:
    with bench:
        bench.server.token = "another"
        with pytest.raises(TokenRefused):
            bench.fetch(list(bench.market.symbols), start=FIRST)
        assert bench.asked.total() == 1
        assert bench.store.version() is None
        bench.server.token = None
        bench.server.misbehave(faults.bad_token(), api="daily")
        report = bench.fetch(list(bench.market.symbols), start=FIRST)
        assert isinstance(report.failure, TokenRefused)
        assert (bench.asked["daily"], bench.asked["adj_factor"]) == (1, 0)
        assert bench.store.version() is None


def test_a_spent_quota_keeps_what_came_and_goes_on_tomorrow(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.providers.tushare.told._QUOTE_ROWS", 60)
    with bench:
        # The calendar, three calls for listings, and three pieces of bars and factors.
        bench.server.per_day = 10
        report = bench.fetch(list(bench.market.symbols), start=FIRST)
        assert isinstance(report.failure, DayQuotaSpent)
        assert report.inserted == len(bench.held()) > 0
        assert any("not asked for after that" in one.why for one in report.missing)
        bench.assert_true_as_far_as_it_goes()
        assert bench.asked["daily"] == 4
        bench.clock.advance(timedelta(days=1).total_seconds())
        bench.server.per_day = None
        assert bench.fetch(list(bench.market.symbols), start=FIRST).failure is None
        bench.assert_holds()
        # Three pieces are left; those that came are asked for again at most where they have gaps.
        assert bench.asked["daily"] <= 3 + 3


def test_three_failures_in_a_row_stop_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.providers.tushare.told._QUOTE_ROWS", 60)
    with bench:
        bench.server.misbehave(faults.status(404), times=None, api="daily", after=2)
        report = bench.fetch(list(bench.market.symbols), start=FIRST)
        assert isinstance(report.failure, ServerFault)
        assert bench.asked["daily"] == 2 + 3
        assert report.inserted == len(bench.held()) > 0
        bench.assert_true_as_far_as_it_goes()
        bench.server.behave()
        assert bench.fetch(list(bench.market.symbols), start=FIRST).missing == []
        bench.assert_holds()


def test_one_piece_that_fails_keeps_nobody_from_the_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.providers.tushare.told._QUOTE_ROWS", 60)
    with bench:
        bench.server.misbehave(faults.refused(-2001, "no"), times=1, api="daily", after=1)
        report = bench.fetch(list(bench.market.symbols), start=FIRST)
        assert report.failure is None
        (missing,) = report.missing
        truth = bench.truth()
        lacking = truth["symbol"].isin(missing.symbols) & truth["session"].dt.date.between(missing.first, missing.last)
        assert 0 < lacking.sum() < len(truth)
        assert_equal(bench.held(), truth[~lacking])
        assert bench.fetch(list(bench.market.symbols), start=FIRST).missing == []
        bench.assert_holds()


def test_a_server_that_is_away_from_the_start_is_an_error(bench: Bench) -> None:
    with bench:
        bench.server.misbehave(faults.status(503), times=None)
        with pytest.raises(RequestError):
            bench.fetch(list(bench.market.symbols), start=FIRST)
        assert bench.store.version() is None


def test_what_cannot_be_chosen(bench: Bench) -> None:
    with bench:
        with pytest.raises(NothingChosen):
            bench.fetch()
        assert bench.server.calls == []
        with pytest.raises(NotListed):
            bench.fetch(["688999.SH"], start=FIRST)
        # A comma would ask for two.
        with pytest.raises(MalformedSymbol):
            bench.fetch(["600000.SH,000001.SZ"], start=FIRST)
