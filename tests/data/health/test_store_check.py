from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from data.errors import EmptyStore, MalformedSymbol, UnknownSymbol
from data.facts import SUSPENDED
from data.health.check import check
from data.health.findings import Kind, Severity
from data.health.store_check import check_store
from data.sessions import exchange_sessions
from data.store import PriceStore
from tests.data.health.shares import SESSIONS, SHARE, at, day_of, goes_ex, holes, only, walk
from tests.data.tables import checked

SYMBOLS = ["000001.SZ", "300750.SZ", "600000.SH", SHARE, "AAPL"]


@pytest.fixture
def store(tmp_path: Path) -> PriceStore:
    return PriceStore(tmp_path / "prices")


def broken_market() -> pd.DataFrame:
    """Five symbols of three exchanges, each with something odd about it."""
    return pd.concat(
        [
            walk("000001.SZ").drop(index=[5, 40]),
            goes_ex(walk("300750.SZ", first="2021-01-04"), 30, shares=2.0).assign(adj_factor=1.0),
            walk("600000.SH").iloc[:50],
            walk(SHARE).drop(index=[20, 21, 22]),
            walk("AAPL").assign(adj_factor=[1.0] * 30 + [2.0] * 30),
        ],
        ignore_index=True,
    )


@pytest.fixture(params=[1, 2, 300])
def at_a_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("data.health.store_check._SYMBOLS_AT_A_TIME", request.param)
    size: int = request.param
    return size


def test_the_findings_are_those_of_all_bars_at_once_however_many_are_read_at_a_time(
    store: PriceStore, at_a_time: int
) -> None:
    bars, now = checked(broken_market()), at("2021-05-07")
    _, said = holes(walk(SHARE), [20, 21, 22], SUSPENDED)
    store.upsert(bars)
    store.facts.keep_gaps(said)
    found = check_store(store, now=now)
    assert found == check(bars, sessions=SESSIONS, now=now, gaps=said)
    assert {one.symbol for one in found if one.kind is not Kind.STALE} == set(SYMBOLS) - {SHARE, "600000.SH"}


def test_what_is_done_is_told_in_symbols(store: PriceStore, at_a_time: int) -> None:
    store.upsert(checked(broken_market()))
    told: list[tuple[int, int]] = []
    check_store(store, now=at("2021-05-07"), progress=lambda done, total: told.append((done, total)))
    assert told == {1: [(n, 5) for n in range(1, 6)], 2: [(2, 5), (4, 5), (5, 5)], 300: [(5, 5)]}[at_a_time]


def test_only_the_symbols_that_were_asked_for_are_looked_at(store: PriceStore) -> None:
    store.upsert(checked(broken_market()))
    everything = check_store(store, now=at("2021-05-07"))
    asked = ["AAPL", "000001.SZ", "AAPL"]
    found = check_store(store, now=at("2021-05-07"), symbols=asked)
    assert found == [one for one in everything if one.symbol in asked]
    assert check_store(store, now=at("2021-05-07"), symbols=[]) == []


def test_gaps_are_problems_as_soon_as_a_source_was_asked_about_any(store: PriceStore, at_a_time: int) -> None:
    table, _ = holes(walk(), [20, 21], SUSPENDED)
    store.upsert(checked(pd.concat([walk("000001.SZ"), table])))
    now = at(day_of(walk(), -1))
    assert only(check_store(store, now=now), Kind.GAP, Severity.NOTE).symbol == SHARE
    # About another symbol, which is read in another piece.
    store.facts.keep_gaps(holes(walk("000001.SZ"), [3], SUSPENDED)[1])
    assert only(check_store(store, now=now), Kind.GAP, Severity.PROBLEM).symbol == SHARE


def test_a_delisted_share_is_not_late_and_a_listed_one_is(store: PriceStore) -> None:
    store.upsert(checked(pd.concat([walk(SHARE), walk("600000.SH")])))
    listings = pd.DataFrame(
        {
            "symbol": [SHARE, "600000.SH"],
            "name": ["gone", "still here"],
            "status": ["D", "L"],
            "listed": pd.Timestamp("2000-01-04"),
            "delisted": [pd.Timestamp("2015-04-08"), pd.NaT],
        }
    )
    store.facts.keep_listings(listings)
    assert only(check_store(store, now=at("2015-06-01")), Kind.STALE).symbol == "600000.SH"


def test_the_calendar_that_the_source_told_counts(store: PriceStore) -> None:
    library = exchange_sessions("XSHG")
    store.upsert(checked(walk(first=str(library.days[-60]))))
    now = at(library.last + timedelta(days=5))
    assert "cannot be known" in only(check_store(store, now=now), Kind.STALE, Severity.NOTE).text
    days = pd.date_range(library.last + timedelta(days=1), periods=10, unit="s")
    store.facts.keep_calendar(pd.DataFrame({"exchange": "XSHG", "day": days, "is_open": False}))
    assert check_store(store, now=now) == []


def test_what_is_written_meanwhile_counts_the_next_time(store: PriceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.health.store_check._SYMBOLS_AT_A_TIME", 1)
    store.upsert(checked(pd.concat([walk("000001.SZ"), walk()])))
    halved = walk().assign(adj_factor=[1.0] * 30 + [0.5] * 30)
    now = at(day_of(halved, -1))
    assert check_store(store, now=now, progress=lambda done, total: _write(store, halved)) == []
    assert only(check_store(store, now=now), Kind.FACTOR_JUMP).first == day_of(halved, 30)


def _write(store: PriceStore, table: pd.DataFrame) -> None:
    store.upsert(checked(table))


@pytest.mark.parametrize(("symbol", "error"), [("IBM", UnknownSymbol), ("' or 1=1", MalformedSymbol)])
def test_a_symbol_without_bars_is_an_error(store: PriceStore, symbol: str, error: type[Exception]) -> None:
    store.upsert(checked(walk()))
    with pytest.raises(error):
        check_store(store, now=at("2015-06-01"), symbols=[SHARE, symbol])


def test_an_empty_store_is_an_error(store: PriceStore) -> None:
    with pytest.raises(EmptyStore):
        check_store(store, now=at("2015-06-01"))
    with pytest.raises(EmptyStore):
        check_store(store, now=at("2015-06-01"), symbols=[SHARE])
