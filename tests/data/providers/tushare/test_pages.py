from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np
import pytest

from data.errors import PageFull
from data.providers.tushare.client import TushareClient
from data.providers.tushare.limits import CallLimits
from data.providers.tushare.pages import Pages
from data.providers.tushare.plan import Piece, Span
from data.providers.tushare.quotes import FACTORS
from tests.tushare_server import faults
from tests.tushare_server.clock import SimulatedClock
from tests.tushare_server.market import random_market
from tests.tushare_server.server import TushareServer

FIRST, LAST = date(2024, 1, 2), date(2024, 1, 31)


@pytest.fixture
def server() -> Iterator[TushareServer]:
    market = random_market(symbols=4, first=FIRST, last=LAST, seed=3, late_listings=0, delisted=0)
    with TushareServer(market) as made:
        yield made


@pytest.fixture
def client(server: TushareServer) -> Iterator[TushareClient]:
    clock = SimulatedClock(datetime(2024, 2, 1, tzinfo=UTC))
    with TushareClient("a-token", limits=CallLimits(clock, 1000), clock=clock, url=server.url) as made:
        yield made


@pytest.fixture
def pages(server: TushareServer, client: TushareClient) -> Pages:
    return Pages(client, np.array(server.market.sessions, dtype="datetime64[D]"))


def everything(server: TushareServer) -> Piece:
    last = len(server.market.sessions) - 1
    return Piece(0, last, tuple(Span(symbol, 0, last) for symbol in server.market.symbols))


def rows(server: TushareServer) -> int:
    """Four shares' factors of January 2024, which has 22 sessions in Shanghai."""
    assert len(server.market.factors) == 4 * 22
    return 4 * 22


def test_a_piece_is_one_call_with_its_days_and_names(server: TushareServer, pages: Pages) -> None:
    assert len(pages.series("adj_factor", FACTORS, everything(server))) == rows(server)
    (call,) = server.calls
    assert call.params["ts_code"] == "000001.SZ,000002.SZ,600000.SH,600001.SH"
    assert (call.params["start_date"], call.params["end_date"]) == ("20240102", "20240131")
    assert "trade_date" not in call.params


def test_one_session_is_asked_for_by_its_date(server: TushareServer, pages: Pages) -> None:
    piece = Piece(1, 1, (Span("600000.SH", 1, 1),), market=True)
    assert len(pages.rows("adj_factor", FACTORS, piece)) == 4
    (call,) = server.calls
    assert call.params["trade_date"] == "20240103"
    assert not {"ts_code", "start_date", "end_date"} & set(call.params)
    assert pages.named == 0, "no symbol was named"


def test_a_full_answer_is_halved(server: TushareServer, pages: Pages, client: TushareClient) -> None:
    client.learn_page_rows("adj_factor", 30)
    server.row_limits["adj_factor"] = 30
    assert len(pages.series("adj_factor", FACTORS, everything(server))) == rows(server)
    # 88 rows, 44, 20 and 24: one, two and four calls.
    assert server.count() == 7


def test_a_cut_that_nobody_tells_of_is_found_by_what_is_missing_at_the_beginning(
    server: TushareServer, pages: Pages
) -> None:
    server.misbehave(faults.cut_to(30))
    found = pages.series("adj_factor", FACTORS, everything(server))
    assert len(found) == rows(server)
    assert not found.duplicated().any()
    # The 30 newest rows are seven sessions and a half: what lies before, and the half one again.
    assert [(call.params.get("start_date"), call.params.get("end_date")) for call in server.calls[:2]] == [
        ("20240102", "20240131"),
        ("20240102", "20240119"),
    ]
    assert server.calls[2].params["trade_date"] == "20240122"
    assert server.count() == 3


def test_a_limit_that_is_met_twice_is_learnt(server: TushareServer, pages: Pages, client: TushareClient) -> None:
    server.row_limits["adj_factor"] = 30
    assert len(pages.series("adj_factor", FACTORS, everything(server))) == rows(server)
    assert client.call("adj_factor", FACTORS, start_date="20240102", end_date="20240131").full


def test_one_cut_is_no_limit(server: TushareServer, pages: Pages, client: TushareClient) -> None:
    server.misbehave(faults.cut_to(30))
    pages.series("adj_factor", FACTORS, everything(server))
    assert not client.call("adj_factor", FACTORS, start_date="20240102", end_date="20240131").full


def test_a_beginning_without_rows_is_asked_for_once(server: TushareServer, pages: Pages) -> None:
    piece, market = everything(server), server.market
    market.factors = market.factors[market.factors["trade_date"] >= "20240110"]
    # From 10 to 31 January there are 16 sessions.
    assert len(pages.series("adj_factor", FACTORS, piece)) == 4 * 16
    assert server.count() == 2


def test_no_rows_at_all_are_one_call(server: TushareServer, pages: Pages) -> None:
    server.market.factors = server.market.factors.iloc[:0]
    assert pages.series("adj_factor", FACTORS, everything(server)).empty
    assert server.count() == 1


def test_what_stays_full_is_refused(server: TushareServer, pages: Pages) -> None:
    server.misbehave(faults.full_page(), times=None)
    with pytest.raises(PageFull) as caught:
        pages.series("adj_factor", FACTORS, everything(server))
    assert (caught.value.api, caught.value.rows) == ("adj_factor", 6000)
    assert caught.value.asked.endswith("on 2024-01-02")
    # 22 sessions halved to one, four shares to one, and the whole.
    assert server.count() <= 1 + 5 + 2


def test_so_many_symbols_came_in_one_answer(server: TushareServer, pages: Pages) -> None:
    server.market.factors = server.market.factors[server.market.factors["ts_code"] != "600000.SH"]
    pages.series("adj_factor", FACTORS, everything(server))
    assert pages.named == 3


def test_whether_anybody_has_a_bar(server: TushareServer, pages: Pages) -> None:
    assert pages.anybody("daily", 3)
    server.today = date(2024, 1, 3)
    assert not pages.anybody("daily", 3)
