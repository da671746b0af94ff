from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from data.errors import MalformedAnswer, PageFull
from data.providers.tushare.client import TushareClient
from data.providers.tushare.limits import CallLimits
from data.providers.tushare.reference import compact, listings, members, trade_calendar
from tests.tushare_server import faults
from tests.tushare_server.clock import SimulatedClock
from tests.tushare_server.market import random_market
from tests.tushare_server.server import TushareServer

FIRST, LAST = date(2023, 1, 3), date(2024, 3, 29)
INDEX = "000300.SH"


@pytest.fixture
def server() -> Iterator[TushareServer]:
    market = random_market(symbols=12, first=FIRST, last=LAST, seed=3, delisted=0.3)
    with TushareServer(market) as made:
        yield made


@pytest.fixture
def client(server: TushareServer) -> Iterator[TushareClient]:
    clock = SimulatedClock(datetime(2024, 4, 1, tzinfo=UTC))
    with TushareClient("a-token", limits=CallLimits(clock, 1000), clock=clock, url=server.url) as made:
        yield made


def assert_whole_2024(found: pd.DataFrame, first: date = date(2024, 1, 1)) -> None:
    """Each day once; New Year's Day and the Spring Festival of 2024 were closed, 2 January was open."""
    days = pd.date_range(first, "2024-12-31", unit="s")
    assert found["day"].tolist() == days.tolist()
    assert set(found["exchange"]) == {"XSHG"}
    is_open = found.set_index("day")["is_open"]
    assert not is_open[[pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-12"), pd.Timestamp("2024-03-30")]].any()
    assert is_open[[pd.Timestamp("2024-01-02"), pd.Timestamp("2024-02-19")]].all()


@pytest.mark.parametrize("as_text", [False, True])
def test_the_calendar_has_every_day(server: TushareServer, client: TushareClient, as_text: bool) -> None:
    server.is_open_as_text = as_text
    assert_whole_2024(trade_calendar(client, date(2024, 1, 1), date(2024, 12, 31)))
    assert server.count() == 1


def test_days_that_are_not_decreed_yet_are_not_told(client: TushareClient) -> None:
    assert_whole_2024(trade_calendar(client, date(2024, 1, 1), date(2027, 12, 31)))


def test_a_calendar_that_begins_later_is_asked_for_what_lies_before(
    server: TushareServer, client: TushareClient
) -> None:
    assert_whole_2024(trade_calendar(client, date(2022, 6, 1), date(2024, 12, 31)), date(2023, 1, 1))
    assert server.count() == 2


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_a_calendar_that_is_cut_is_put_together(server: TushareServer, client: TushareClient, rows: int) -> None:
    server.row_limits["trade_cal"] = rows
    assert_whole_2024(trade_calendar(client, date(2024, 1, 1), date(2024, 12, 31)))


@pytest.mark.parametrize("drop", ["20240105", "20240106"])
def test_a_day_that_is_missing_is_no_answer(server: TushareServer, client: TushareClient, drop: str) -> None:
    calendar = server.market.calendar
    server.market.calendar = calendar[calendar["cal_date"] != drop]
    with pytest.raises(
        MalformedAnswer, match="trade_cal: malformed answer: expected every day from 2024-01-01 on once"
    ):
        trade_calendar(client, date(2024, 1, 1), date(2024, 12, 31))


def test_a_day_that_is_both_open_and_closed_is_no_answer(server: TushareServer, client: TushareClient) -> None:
    calendar = server.market.calendar
    twice = calendar[calendar["cal_date"] == "20240105"].assign(is_open=0)
    server.market.calendar = pd.concat([calendar, twice], ignore_index=True)
    with pytest.raises(MalformedAnswer, match="otherwise at 2024-01-05"):
        trade_calendar(client, date(2024, 1, 1), date(2024, 12, 31))


def test_a_day_that_is_neither_is_no_answer(server: TushareServer, client: TushareClient) -> None:
    calendar = server.market.calendar
    server.market.calendar = calendar.assign(is_open=calendar["is_open"].replace(1, 2))
    with pytest.raises(MalformedAnswer, match="expected is_open of 0 or 1, got '2'"):
        trade_calendar(client, date(2024, 1, 1), date(2024, 12, 31))


def test_no_day_at_all_is_no_answer(server: TushareServer, client: TushareClient) -> None:
    server.market.calendar = server.market.calendar.iloc[:0]
    with pytest.raises(MalformedAnswer, match="got 'none'"):
        trade_calendar(client, date(2024, 1, 1), date(2024, 12, 31))


def test_listings_of_every_status(server: TushareServer, client: TushareClient) -> None:
    found = listings(client)
    truth = server.market.listings.set_index("ts_code")
    assert found["symbol"].tolist() == sorted(truth.index)
    assert {"D", "L"} == set(found["status"])
    for row in found.itertuples():
        told = truth.loc[row.symbol]
        assert (row.name, row.status) == (told["name"], told["list_status"])
        assert f"{row.listed:%Y%m%d}" == told["list_date"]
        assert pd.isna(row.delisted) == pd.isna(told["delist_date"])
        assert pd.isna(row.delisted) or f"{row.delisted:%Y%m%d}" == told["delist_date"]
    assert server.count() == 3


def test_full_listings_are_asked_for_by_exchange(server: TushareServer, client: TushareClient) -> None:
    whole = listings(client)
    client.learn_page_rows("stock_basic", 6)
    pd.testing.assert_frame_equal(listings(client), whole)
    client.learn_page_rows("stock_basic", 2)
    with pytest.raises(PageFull, match="exchange SSE"):
        listings(client)


def test_asked_twice_a_silent_cut_shows(server: TushareServer, client: TushareClient) -> None:
    whole = listings(client)
    pd.testing.assert_frame_equal(listings(client, twice=True), whole)
    # One answer is cut: the exchanges' make up for it.
    server.misbehave(faults.cut_to(7))
    pd.testing.assert_frame_equal(listings(client, twice=True), whole)
    # All are: nobody knows how many there are.
    server.row_limits["stock_basic"] = 3
    with pytest.raises(MalformedAnswer, match=r"expected the shares of all exchanges, got '3 of \d+ or more'"):
        listings(client, twice=True)


def test_nothing_listed_is_no_answer(server: TushareServer, client: TushareClient) -> None:
    server.misbehave(faults.cut_to(0))
    with pytest.raises(MalformedAnswer, match="expected shares that are listed, got 'none'"):
        listings(client)


def test_the_members_of_an_index_by_its_newest_list(server: TushareServer, client: TushareClient) -> None:
    weights = server.market.weights
    for day, month in (
        (date(2024, 2, 10), "20240131"),
        (date(2024, 3, 29), "20240329"),
        (date(2024, 4, 20), "20240329"),
    ):
        expected = sorted(weights.loc[weights["trade_date"] == month, "con_code"])
        assert members(client, INDEX, day) == expected != []
    assert members(client, "000905.SH", LAST) == []
    assert members(client, INDEX, LAST + timedelta(days=100)) == []


def test_members_that_are_missing_show_in_the_weights(server: TushareServer, client: TushareClient) -> None:
    server.misbehave(faults.cut_to(3))
    with pytest.raises(MalformedAnswer, match="weights that add up to 100"):
        members(client, INDEX, LAST)


def test_members_without_weights_are_members(server: TushareServer, client: TushareClient) -> None:
    server.market.weights = server.market.weights.assign(weight=None)
    assert len(members(client, INDEX, LAST)) > 0


def test_days_as_tushare_writes_them() -> None:
    assert compact(date(2024, 1, 2)) == "20240102"
