"""One session after the other: what a day costs, and what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable

from data.facts import ABSENT, SUSPENDED
from tests.data.providers.tushare.bench import Bench, evening
from tests.tushare_server.market import Market, random_market

FIRST, LAST = date(2024, 1, 2), date(2024, 3, 29)
EARLIER, NEXT = date(2024, 3, 15), date(2024, 3, 18)
INDEX = "000300.SH"
# The calendar, and the listings by status.
REFERENCE = {"trade_cal": 1, "stock_basic": 3}


def quiet(**changes: object) -> Market:
    """No suspensions, no late listings, no delistings."""
    settings = {"symbols": 6, "first": FIRST, "last": LAST, "seed": 3, "suspended_share": 0.0}
    return random_market(**{**settings, "late_listings": 0, "delisted": 0, **changes})  # type: ignore[arg-type]


def without_bars(market: Market, symbol: str, *days: str) -> None:
    market.daily = market.daily[~((market.daily["ts_code"] == symbol) & market.daily["trade_date"].isin(days))]


def without_factors(market: Market, symbol: str | None, *days: str) -> None:
    here = market.factors["trade_date"].isin(days)
    if symbol is not None:
        here &= market.factors["ts_code"] == symbol
    market.factors = market.factors[~here]


def test_thirty_sessions_day_by_day(tmp_path: Path) -> None:
    market = random_market(
        symbols=12, first=FIRST, last=LAST, seed=8, suspended_share=0.05, late_listings=0.4, delisted=0.3
    )
    sessions = [day for day in market.sessions if day >= date(2024, 2, 1)][:30]
    assert len(sessions) == 30
    begins = {day for day in market.listings["list_date"] if day > f"{sessions[0]:%Y%m%d}"}
    ends = {day for day in market.listings["delist_date"].dropna() if day > f"{sessions[0]:%Y%m%d}"}
    suspended = set(market.suspensions["trade_date"])
    assert begins & {f"{day:%Y%m%d}" for day in sessions}
    assert ends & {f"{day:%Y%m%d}" for day in sessions}
    with Bench(tmp_path / "prices", market, now=evening(sessions[0]), today=sessions[0]) as bench:
        bench.fetch(everything=True, start=FIRST)
        for day in sessions[1:]:
            bench.until(day)
            report = bench.fetch(everything=True, start=FIRST)
            assert (report.missing, report.failure, report.updated) == ([], None, 0)
            bench.assert_holds(last=day)
            # A day is one call for the bars and one for the factors; one more where somebody is suspended.
            allowed = REFERENCE | {"daily": 1, "adj_factor": 1}
            if f"{day:%Y%m%d}" in suspended:
                allowed["suspend_d"] = 1
            assert dict(bench.asked) == {**allowed, **({} if bench.asked["suspend_d"] else {"suspend_d": 0})} or (
                dict(bench.asked) == {name: count for name, count in allowed.items() if name != "suspend_d"}
            )
        gone = market.listings.loc[market.listings["delist_date"] <= f"{sessions[-1]:%Y%m%d}", "ts_code"]
        asked = [call.params.get("ts_code", "") for call in bench.server.calls[-2:]]
        assert len(gone) > 0
        assert not any(symbol in codes for codes in asked for symbol in gone), "the delisted are not asked for again"
        gaps = bench.store.facts.gaps()
        assert set(gaps["why"]) == {SUSPENDED}


def test_a_new_listing_is_fetched_by_name_on_its_first_day(tmp_path: Path) -> None:
    market = quiet()
    late = market.symbols[2]
    for name in ("daily", "factors"):
        table = getattr(market, name)
        setattr(market, name, table[(table["ts_code"] != late) | (table["trade_date"] >= "20240318")])
    listings = market.listings.copy()
    listings.loc[listings["ts_code"] == late, "list_date"] = "20240318"
    market.listings = listings
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        report = bench.fetch(list(market.symbols), start=FIRST)
        assert [(one.symbols, one.why) for one in report.missing] == [((late,), "Tushare lists no such share")]
        bench.until(NEXT)
        assert bench.fetch(list(market.symbols), start=FIRST).missing == []
        bench.assert_holds(last=NEXT)


def test_a_delisting_ends_without_complaint(tmp_path: Path) -> None:
    market = quiet()
    gone = market.symbols[1]
    without_bars(market, gone, "20240313", "20240314", "20240315")
    for name in ("daily", "factors"):
        table = getattr(market, name)
        setattr(market, name, table[(table["ts_code"] != gone) | (table["trade_date"] < "20240318")])
    listings = market.listings.copy()
    listings["delist_date"] = listings["delist_date"].astype("object")
    listings.loc[listings["ts_code"] == gone, ["list_status", "delist_date"]] = ["D", "20240318"]
    market.listings = listings
    with Bench(tmp_path / "prices", market, now=evening(NEXT), today=NEXT) as bench:
        report = bench.fetch(everything=True, start=FIRST)
        # Nothing is traded between the last bar and the delisting, and nobody need say why.
        assert (report.missing, report.failure) == ([], None)
        bench.assert_holds(last=NEXT)
        assert bench.store.facts.gaps().empty
        bench.fetch([gone], start=FIRST)
        assert dict(bench.asked) == REFERENCE
        assert bench.plan is not None
        assert bench.plan.text == "nothing is missing"


def test_a_suspension_now_is_explained_and_not_missing(tmp_path: Path) -> None:
    market = quiet()
    without_bars(market, market.symbols[0], "20240318", "20240319")
    said = {"ts_code": market.symbols[0], "trade_date": ["20240318", "20240319"], "suspend_timing": None}
    market.suspensions = pd.DataFrame({**said, "suspend_type": "S"})
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        bench.fetch(everything=True, start=FIRST)
        for day in (NEXT, date(2024, 3, 19), date(2024, 3, 20)):
            bench.until(day)
            report = bench.fetch()
            assert (report.missing, report.failure) == ([], None)
            bench.assert_holds(last=day)
        gaps = bench.store.facts.gaps()
        assert list(gaps["session"].dt.strftime("%Y%m%d")) == ["20240318", "20240319"]
        assert set(gaps["why"]) == {SUSPENDED}


@pytest.mark.parametrize("symbols", [3, 25])
def test_a_session_that_is_not_published_yet_comes_the_next_time(symbols: int, tmp_path: Path) -> None:
    market = quiet(symbols=symbols)
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        bench.fetch(everything=True, start=FIRST)
        bench.clock.advance((evening(NEXT) - bench.clock.now()).total_seconds())
        report = bench.fetch()
        assert [(one.symbols, one.first, one.last, one.why) for one in report.missing] == [
            (market.symbols, NEXT, NEXT, "not published yet")
        ]
        assert report.failure is None
        assert bench.asked.total() <= 4 + 4
        bench.assert_holds(last=EARLIER)
        bench.server.today = NEXT
        assert bench.fetch().missing == []
        bench.assert_holds(last=NEXT)


def test_a_bar_that_is_late_for_one_share_is_named_and_comes_later(tmp_path: Path) -> None:
    market = quiet()
    daily = market.daily
    without_bars(market, market.symbols[0], "20240318")
    with Bench(tmp_path / "prices", market, now=evening(NEXT), today=NEXT) as bench:
        report = bench.fetch(everything=True, start=FIRST)
        (missing,) = report.missing
        assert (missing.symbols, missing.first, missing.last) == (market.symbols[:1], NEXT, NEXT)
        assert missing.why == "no bar and no suspension"
        assert bench.store.facts.gaps().empty
        market.daily = daily
        assert bench.fetch().missing == []
        bench.assert_holds(last=NEXT)


def test_a_bar_that_never_came_is_absent_once_it_is_old(tmp_path: Path) -> None:
    market = quiet()
    without_bars(market, market.symbols[0], "20240201")
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        report = bench.fetch(everything=True, start=FIRST)
        assert (report.missing, report.failure) == ([], None)
        assert any(f"{market.symbols[0]}: 2024-02-01: no bar" in note for note in report.notes)
        gaps = bench.store.facts.gaps()
        assert gaps.astype(str).to_numpy().tolist() == [[market.symbols[0], "2024-02-01", ABSENT]]
        # It is not asked for every time.
        bench.fetch(everything=True, start=FIRST)
        assert dict(bench.asked) == REFERENCE | {"daily": 1, "adj_factor": 1}
        bench.assert_holds(last=EARLIER)


def test_a_halt_of_half_an_hour_explains_no_missing_bar_of_the_next_day(tmp_path: Path) -> None:
    market = quiet()
    daily = market.daily
    without_bars(market, market.symbols[0], "20240318")
    halt = {"ts_code": [market.symbols[0]], "trade_date": ["20240315"], "suspend_timing": ["09:30-10:00"]}
    market.suspensions = pd.DataFrame({**halt, "suspend_type": ["S"]})
    with Bench(tmp_path / "prices", market, now=evening(NEXT), today=NEXT) as bench:
        assert [one.why for one in bench.fetch(everything=True, start=FIRST).missing] == ["no bar and no suspension"]
        market.daily = daily
        bench.fetch()
        bench.assert_holds(last=NEXT)


@pytest.mark.parametrize("everybody", [True, False])
def test_a_bar_without_its_factor_is_held_back_and_named(everybody: bool, tmp_path: Path) -> None:
    market = quiet()
    factors = market.factors
    late = market.symbols if everybody else market.symbols[:1]
    without_factors(market, None if everybody else late[0], "20240318")
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        bench.fetch(everything=True, start=FIRST)
        bench.until(NEXT)
        report = bench.fetch()
        assert [(one.symbols, one.first, one.last, one.why) for one in report.missing] == [
            (late, NEXT, NEXT, "came without its factor")
        ]
        assert set(bench.held_on(NEXT)["symbol"]) == set(market.symbols) - set(late)
        # It is not forgotten when newer bars come with theirs.
        bench.until(date(2024, 3, 19))
        bench.fetch()
        market.factors = factors
        bench.assert_true_as_far_as_it_goes()
        assert bench.fetch().missing == []
        bench.assert_holds(last=date(2024, 3, 19))


def test_a_session_that_runs_is_never_stored(tmp_path: Path) -> None:
    market = quiet()
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        symbols, begin = [*market.symbols, INDEX], date(2024, 2, 1)
        bench.fetch(symbols, start=begin)
        bench.server.today, bench.server.half_session = NEXT, True
        bench.clock.advance((datetime(2024, 3, 18, 3, tzinfo=UTC) - bench.clock.now()).total_seconds())
        for request in ({}, {"end": NEXT}, {"end": LAST}, {"recheck": True}):
            report = bench.fetch(symbols, start=begin, **request)
            assert (report.missing, report.failure) == ([], None)
            bench.assert_holds(symbols, first=begin, last=EARLIER)
        # Not even where another source has stored something of it.
        half = bench.held().query("symbol == '000001.SZ'").tail(1).assign(session=pd.Timestamp(NEXT))
        with bench.store.writing():
            bench.store.upsert(type(bench.store.read())(half.astype({"session": "datetime64[s]"})))
        bench.fetch(symbols, start=FIRST)
        assert bench.held_on(NEXT)["close"].tolist() == half["close"].tolist()
        bench.server.half_session = False
        bench.clock.advance((evening(NEXT) - bench.clock.now()).total_seconds())
        assert bench.fetch(symbols, start=FIRST).missing == []
        bench.assert_holds(symbols, last=NEXT)


def test_an_earlier_start_fills_only_the_part_before(tmp_path: Path) -> None:
    market, middle = quiet(), date(2024, 2, 20)
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        bench.fetch(list(market.symbols), start=middle)
        bench.assert_holds(first=middle, last=EARLIER)
        before = len(bench.held())
        report = bench.fetch(list(market.symbols), start=FIRST)
        bench.assert_holds(last=EARLIER)
        # What lies before, and each newest bar once more.
        assert report.read == len(bench.held()) - before + len(market.symbols)
        assert dict(bench.asked) == REFERENCE | {"daily": 2, "adj_factor": 2}


def test_a_later_end_adds_what_follows(tmp_path: Path) -> None:
    market, middle = quiet(), date(2024, 2, 20)
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        bench.fetch(list(market.symbols), start=FIRST, end=middle)
        bench.assert_holds(last=middle)
        bench.fetch(list(market.symbols), start=FIRST, end=middle)
        assert bench.asked["daily"] == 1
        report = bench.fetch(list(market.symbols), start=FIRST)
        bench.assert_holds(last=EARLIER)
        assert report.unchanged == len(market.symbols)


def test_a_store_that_lost_bars_is_filled_again(tmp_path: Path) -> None:
    market = quiet()
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        bench.fetch(everything=True, start=FIRST)
        DeltaTable(f"{bench.store.uri}/bars").delete("symbol = '000001.SZ' and session < date '2024-02-01'")
        lost = len(bench.truth(last=EARLIER)) - len(bench.held())
        report = bench.fetch()
        assert report.inserted == lost > 0
        assert any(note.startswith("tushare: 000001.SZ: the store holds ") for note in report.notes)
        bench.assert_holds(last=EARLIER)
        assert not any("the store holds" in note for note in bench.fetch().notes)


def test_indices_have_a_factor_of_one_and_units_are_shares_and_cny(tmp_path: Path) -> None:
    market = quiet()
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        report = bench.fetch([INDEX, "000001.SZ"])
        assert (report.missing, report.failure) == ([], None)
        bench.assert_holds([INDEX, "000001.SZ"], last=EARLIER)
        bar = bench.held_on(EARLIER).set_index("symbol")
        told = market.indices[market.indices["trade_date"] == "20240315"].iloc[0]
        assert bar.loc[INDEX, "adj_factor"] == 1.0
        assert bar.loc[INDEX, "volume"] == pytest.approx(told["vol"] * 100, rel=1e-12)
        assert bar.loc[INDEX, "amount"] == pytest.approx(told["amount"] * 1000, rel=1e-12)
        # The day of listing is not known, and what lies before the first bar is no gap.
        assert bench.store.facts.gaps().empty
        bench.until(NEXT)
        assert bench.fetch().missing == []
        assert dict(bench.asked) == REFERENCE | {"daily": 1, "adj_factor": 1, "index_daily": 1}
        bench.assert_holds([INDEX, "000001.SZ"], last=NEXT)
