"""Many shares over many years, and the whole market in a day: how many calls that takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from data.ingest import IngestReport
from tests.data.providers.tushare.bench import Bench, evening
from tests.tushare_server import faults
from tests.tushare_server.market import random_market

FIRST, LAST = date(2016, 1, 4), date(2025, 12, 31)
SHORT = date(2025, 12, 1)


@pytest.fixture(scope="module")
def ten_years(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, IngestReport]]:
    """300 shares over ten years, fetched at 200 calls a minute."""
    market = random_market(symbols=300, first=FIRST, last=LAST, seed=7)
    folder = tmp_path_factory.mktemp("ten_years") / "prices"
    with Bench(folder, market, now=datetime(2026, 1, 1, tzinfo=UTC), per_minute=200) as bench:
        yield bench, bench.fetch(list(market.symbols), start=FIRST)


def test_ten_years_of_300_shares(ten_years: tuple[Bench, IngestReport]) -> None:
    bench, report = ten_years
    assert (report.missing, report.failure, report.quarantined) == ([], None, {})
    bench.assert_holds()
    # The vendor counts a factor also for sessions without a bar, and 5,999 rows are the most that are surely whole.
    least = math.ceil(len(bench.market.factors) / 5999)
    calls = bench.server.count
    assert least <= calls("adj_factor") == calls("daily") <= least + 1
    # A share's two events a day at most, 5,000 rows an answer, 100 names a call.
    suspended = len(bench.market.suspensions)
    assert calls("suspend_d") <= math.ceil(suspended / 2500) + 3
    assert (calls("trade_cal"), calls("stock_basic")) == (1, 3)
    assert bench.server.worst_minute() <= 200
    assert not any(call.refused for call in bench.server.calls)


def test_again_nothing_is_written_and_only_what_may_have_changed_is_asked(
    ten_years: tuple[Bench, IngestReport],
) -> None:
    bench, _ = ten_years
    fingerprint, version = bench.store.fingerprint(), bench.store.version()
    report = bench.fetch(list(bench.market.symbols), start=FIRST)
    assert (report.inserted, report.updated, report.missing, report.failure) == (0, 0, [], None)
    # Each newest bar, most of them of one day: that day's market, and a call for shares that have been suspended since.
    assert bench.asked["daily"] == bench.asked["adj_factor"] <= 2
    assert {name: count for name, count in bench.asked.items() if name not in ("daily", "adj_factor")} == {
        "trade_cal": 1,
        "stock_basic": 3,
    }
    assert (bench.store.fingerprint(), bench.store.version()) == (fingerprint, version)
    assert bench.server.worst_minute() <= 200


def test_one_restated_share_among_300(ten_years: tuple[Bench, IngestReport]) -> None:
    bench, _ = ten_years
    bench.market.restate_factor("000001.SZ", 1.5)
    report = bench.fetch(list(bench.market.symbols), start=FIRST)
    assert report.updated == len(bench.truth(["000001.SZ"]))
    # Ten years of one share are one call.
    assert bench.asked["daily"] == bench.asked["adj_factor"] <= 3
    assert bench.asked["suspend_d"] == 0
    bench.assert_holds()


def test_ten_years_of_three_shares_go_by_name(ten_years: tuple[Bench, IngestReport], tmp_path: Path) -> None:
    bench, _ = ten_years
    with Bench(tmp_path / "prices", bench.market, now=datetime(2026, 1, 1, tzinfo=UTC)) as few:
        few.fetch(["000001.SZ", "600000.SH", "300001.SZ"], start=FIRST)
        few.assert_holds(["000001.SZ", "600000.SH", "300001.SZ"])
        # 3 x 2,430 sessions at most, and 2 x 5,999 are more.
        assert few.asked["daily"] == few.asked["adj_factor"] == 2


def test_the_whole_market_goes_by_date(tmp_path: Path) -> None:
    market = random_market(symbols=5400, first=SHORT, last=LAST, seed=5, late_listings=0, delisted=0, indices=())
    days = market.sessions[-2:]
    with Bench(tmp_path / "prices", market, now=evening(days[0]), today=days[0]) as bench:
        report = bench.fetch(everything=True, start=days[0])
        assert (report.missing, report.failure) == ([], None)
        assert (bench.asked["daily"], bench.asked["adj_factor"]) == (1, 1)
        assert bench.asked["suspend_d"] == 1
        assert bench.plan is not None
        assert "1 x the whole market's session, 2 calls" in bench.plan.text
        bench.until(days[1])
        bench.fetch(everything=True, start=days[0])
        # Two sessions: the newest bar that is held, and the next one.
        assert (bench.asked["daily"], bench.asked["adj_factor"]) == (2, 2)
        bench.assert_holds(first=days[0], last=days[1])


@pytest.mark.parametrize("limit", [5, 40])
def test_answers_that_say_that_there_is_more_are_split(limit: int, tmp_path: Path) -> None:
    market = random_market(symbols=8, first=SHORT, last=LAST, seed=5)
    with Bench(tmp_path / "prices", market, now=evening(LAST), today=LAST) as bench:
        bench.server.tells_has_more = True
        for api in ("daily", "adj_factor", "suspend_d"):
            bench.server.row_limits[api] = limit
        report = bench.fetch(everything=True, start=SHORT)
        assert (report.missing, report.failure) == ([], None)
        bench.assert_holds()


def test_a_page_that_stays_full_is_named(tmp_path: Path) -> None:
    market = random_market(symbols=8, first=SHORT, last=LAST, seed=5)
    with Bench(tmp_path / "prices", market, now=evening(LAST), today=LAST) as bench:
        bench.server.misbehave(faults.full_page(), times=None, api="daily")
        report = bench.fetch(everything=True, start=SHORT)
        assert {symbol for one in report.missing for symbol in one.symbols} == set(market.symbols)
        assert all("has 6000 rows, as many as fit into one" in one.why for one in report.missing)
        assert bench.store.version() is None
        # Eight shares' 23 sessions: halved five times, and three times by name.
        assert bench.asked["daily"] <= 10
        bench.server.behave()
        bench.fetch(everything=True, start=SHORT)
        bench.assert_holds()
