"""Factors that the vendor computes anew: a symbol's history is on the old scale or on the new one, never on both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import data.ingest
from data.bars import COLUMNS, Bars
from tests.data.providers.tushare.bench import Bench, assert_equal, evening
from tests.tushare_server import faults
from tests.tushare_server.market import Market, random_market

FIRST, LAST = date(2024, 1, 2), date(2024, 3, 29)
EARLIER, NEXT = date(2024, 3, 15), date(2024, 3, 18)
RAW = [name for name in COLUMNS if name != "adj_factor"]


@pytest.fixture
def market() -> Market:
    return random_market(symbols=6, first=FIRST, last=LAST, seed=3, late_listings=0, delisted=0)


@pytest.fixture
def bench(market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A store as of `EARLIER`. Every batch is a commit of its own from then on."""
    made = Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER)
    with made:
        report = made.fetch(everything=True, start=FIRST)
    assert (report.missing, report.failure) == ([], None)
    monkeypatch.setattr(data.ingest, "_ROWS_A_COMMIT", 1)
    return made


def suspend(market: Market, symbol: str, days: list[str]) -> None:
    """No bars of a symbol on some days, and a suspension instead."""
    here = (market.daily["ts_code"] == symbol) & market.daily["trade_date"].isin(days)
    market.daily = market.daily[~here]
    said = pd.DataFrame({"ts_code": symbol, "trade_date": days, "suspend_timing": None, "suspend_type": "S"})
    market.suspensions = pd.concat([market.suspensions, said.astype(market.suspensions.dtypes)], ignore_index=True)


def whole(market: Market) -> None:
    market.restate_factor("000001.SZ", 1.5)


def since_a_day(market: Market) -> None:
    market.restate_factor("000001.SZ", 0.5, since=date(2024, 2, 1))


def several_at_once(market: Market) -> None:
    market.restate_factor(market.symbols[0], 1.25)
    market.restate_factor(market.symbols[3], 0.5, since=date(2024, 2, 20))


@pytest.mark.parametrize("restate", [whole, since_a_day, several_at_once])
def test_only_the_restated_change_and_only_their_factors(bench: Bench, restate: Callable[[Market], None]) -> None:
    before = bench.held()
    restate(bench.market)
    with bench:
        report = bench.fetch()
    bench.assert_holds(last=EARLIER)
    after = bench.held()
    assert_equal(after[RAW], before[RAW])
    changed = after["adj_factor"] != before["adj_factor"]
    assert report.updated == changed.sum() > 0
    assert any("restated factors" in note for note in report.notes)


@pytest.mark.parametrize(("restate", "new_session"), [(whole, False), (several_at_once, True)])
def test_a_stop_between_any_two_batches_leaves_no_history_on_two_scales(
    bench: Bench, restate: Callable[[Market], None], new_session: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = bench.market.expected_bars().set_index(["symbol", "session"])["adj_factor"]
    restate(bench.market)
    new = bench.market.expected_bars().set_index(["symbol", "session"])["adj_factor"]
    # A history is more than one call, and each symbol a commit of its own.
    monkeypatch.setattr("data.providers.tushare.told._QUOTE_ROWS", 60)
    monkeypatch.setattr("data.providers.tushare.run._AT_ONCE", 1)
    today = NEXT if new_session else EARLIER
    with bench:
        bench.until(today)
        for stop_after in range(30):
            stopped = bench.copy(tmp_path / f"{stop_after}")
            stopped.fetch(stop_after=stop_after)
            held = stopped.held().set_index(["symbol", "session"])["adj_factor"]
            for symbol, own in held.groupby(level="symbol"):
                is_old, is_new = own.equals(old[own.index]), own.equals(new[own.index])
                assert is_old or is_new, f"{symbol} after {stop_after} batches"
            taken = len(stopped.batches)
            assert stopped.fetch().missing == []
            stopped.assert_holds(last=today)
            if taken < stop_after:
                break
        assert stop_after > 3


def test_a_share_that_is_suspended_now(bench: Bench) -> None:
    with bench:
        market = bench.market
        suspend(market, "000001.SZ", ["20240318", "20240319", "20240320"])
        bench.until(date(2024, 3, 20))
        assert bench.fetch().missing == []
        market.restate_factor("000001.SZ", 1.5)
        report = bench.fetch()
        assert (report.missing, report.failure) == ([], None)
        bench.assert_holds(last=date(2024, 3, 20))
        bench.until(date(2024, 3, 22))
        assert bench.fetch().missing == []
        bench.assert_holds(last=date(2024, 3, 22))


def test_an_end_or_a_start_that_leaves_out_a_part_of_what_is_held(bench: Bench) -> None:
    whole(bench.market)
    with bench:
        bench.fetch(["000001.SZ"], start=date(2024, 3, 1))
        bench.assert_holds(last=EARLIER)
        bench.market.restate_factor("000001.SZ", 2.0)
        bench.fetch(["000001.SZ"], end=date(2024, 2, 1))
        held = bench.held()
        own = held[held["symbol"] == "000001.SZ"]["adj_factor"].reset_index(drop=True)
        truth = bench.truth(["000001.SZ"], last=EARLIER)["adj_factor"]
        # Nothing was lacking up to then, so nothing was asked.
        assert own.equals(truth / 2.0)
        assert bench.asked["daily"] == 0
        bench.fetch(["000001.SZ"], start=date(2023, 12, 1), end=date(2024, 2, 1))
        assert bench.asked["daily"] == 0
        bench.fetch()
        bench.assert_holds(last=EARLIER)


def test_an_earlier_start_after_a_restatement(market: Market, tmp_path: Path) -> None:
    middle = date(2024, 2, 20)
    with Bench(tmp_path / "prices", market, now=evening(EARLIER), today=EARLIER) as bench:
        bench.fetch(everything=True, start=middle)
        bench.assert_holds(first=middle, last=EARLIER)
        whole(market)
        for count in range(4):
            bench.fetch(everything=True, start=FIRST, stop_after=count)
            own = bench.held().query("symbol == '000001.SZ'").set_index("session")["adj_factor"]
            new = market.expected_bars(["000001.SZ"]).set_index("session")["adj_factor"][own.index]
            assert (own == new).all() or (own * 1.5 == new).all()
        bench.fetch(everything=True, start=FIRST)
        bench.assert_holds(last=EARLIER)


def test_a_new_bar_is_not_believed_without_the_factor_of_the_old_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the newest bar would be on the new scale, and the history before it on the old one for good."""
    old = bench.held()
    whole(bench.market)
    with bench:
        bench.until(LAST)
        # A session of six shares a call: the one with the newest bars that are held fails, and the others come.
        monkeypatch.setattr("data.providers.tushare.told._QUOTE_ROWS", 6)
        bench.server.misbehave(faults.status(404), times=1, api="adj_factor")
        report = bench.fetch()
        assert bench.asked["adj_factor"] == bench.asked["daily"] > 4
        assert any("the factor of the newest bar that is held did not come" in one.why for one in report.missing)
        held = bench.held()
        assert_equal(held[held["symbol"] == "000001.SZ"], old[old["symbol"] == "000001.SZ"])
        assert bench.fetch().missing == []
        bench.assert_holds()


def test_a_middle_that_no_newest_bar_tells_of_is_found_by_a_recheck(bench: Bench) -> None:
    factors = bench.market.factors.copy()
    middle = (factors["ts_code"] == "000001.SZ") & factors["trade_date"].between("20240201", "20240210")
    factors.loc[middle, "adj_factor"] *= 1.01
    bench.market.factors = factors
    with bench:
        assert bench.fetch().updated == 0
        report = bench.fetch(recheck=True)
        assert report.updated == middle.sum() > 0
        bench.assert_holds(last=EARLIER)
        again = bench.fetch(recheck=True)
        assert (again.inserted, again.updated) == (0, 0)


def test_a_history_that_fails_half_way_is_left_as_it_was(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bench.held()
    monkeypatch.setattr("data.providers.tushare.told._QUOTE_ROWS", 30)
    whole(bench.market)
    with bench:
        bench.until(NEXT)
        # One call for what is new; then the history's first call, and its second fails.
        bench.server.misbehave(faults.status(404), times=1, api="adj_factor", after=2)
        report = bench.fetch()
        assert [one.symbols for one in report.missing] == [("000001.SZ",)] * len(report.missing)
        assert any("left as it was" in one.why for one in report.missing)
        held = bench.held()
        assert_equal(held[held["symbol"] == "000001.SZ"], before[before["symbol"] == "000001.SZ"])
        assert bench.fetch().missing == []
        bench.assert_holds(last=NEXT)


def test_bars_that_another_source_delivered_are_replaced_as_a_whole(bench: Bench) -> None:
    frame = bench.held()
    own = frame[frame["symbol"] == "000001.SZ"].assign(adj_factor=1.0)
    with bench.store.writing():
        bench.store.upsert(Bars(own.reset_index(drop=True)))
        bench.store.facts.replace_coverage(bench.store.facts.coverage().query("symbol != '000001.SZ'"))
    with bench:
        report = bench.fetch(["000001.SZ"], start=date(2024, 3, 1))
        assert (report.missing, report.failure) == ([], None)
        bench.assert_holds(last=EARLIER)
