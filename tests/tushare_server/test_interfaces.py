"""What each interface takes and answers, on a market known by heart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.tushare_server.asking import ask, body, post, rows
from tests.tushare_server.market import random_market
from tests.tushare_server.server import TushareServer
from tests.tushare_server.small import small_market

PAIR = "ts_code,trade_date"
# In the order of the interface's documents.
DAILY = [
    "ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "change", "pct_chg", "vol", "amount",
]  # fmt: skip


@pytest.fixture
def server() -> Iterator[TushareServer]:
    with TushareServer(small_market()) as running:
        yield running


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"trade_date": "20240102"}, ["000001.SZ 2", "300001.SZ 2", "600000.SH 2"]),
        ({"ts_code": "600000.SH"}, ["600000.SH 4", "600000.SH 3", "600000.SH 2"]),
        ({"ts_code": "600000.SH, 000001.SZ", "start_date": "20240103"}, ["000001.SZ 4", "600000.SH 4", "600000.SH 3"]),
        ({"ts_code": "600000.SH,600000.SH", "end_date": 20240102}, ["600000.SH 2"]),
        ({"start_date": "20240103", "end_date": "20240103"}, ["600000.SH 3"]),
        ({"ts_code": "600000.SH", "offset": 1, "limit": 1}, ["600000.SH 3"]),
        ({"trade_date": "20240103", "offset": None, "limit": None, "ts_type_name": "x"}, ["600000.SH 3"]),
        ({"ts_code": "999999.SH"}, []),
        ({"ts_code": "", "trade_date": "20240106"}, []),
    ],
)  # fmt: skip
def test_daily_takes_codes_and_days(server: TushareServer, params: dict[str, Any], expected: list[str]) -> None:
    assert [f"{code} {day[-1]}" for code, day in rows(server, "daily", PAIR, **params)] == expected


def test_an_answer_has_the_documented_form(server: TushareServer) -> None:
    answer = ask(server, "daily", ts_code="600000.SH", trade_date="20240103")
    assert set(answer) == {"request_id", "code", "msg", "data"}
    assert (answer["code"], answer["msg"]) == (0, None)
    assert answer["data"] == {
        "fields": DAILY,
        "items": [["600000.SH", "20240103", 10.0, 10.2, 10.0, 10.2, 10.0, 0.2, 2.0, 100.0, 100.0]],
    }


def test_fields_come_as_asked_and_unknown_ones_do_not(server: TushareServer) -> None:
    data = ask(server, "daily", "close, nonsense,ts_code", trade_date="20240103")["data"]
    assert data == {"fields": ["close", "ts_code"], "items": [[10.2, "600000.SH"]]}


def test_what_is_no_number_is_null(server: TushareServer) -> None:
    assert rows(server, "adj_factor", ts_code="000001.SZ") == [["000001.SZ", "20240102", None]]
    status, content = post(server, body("adj_factor", ts_code="000001.SZ"))
    assert status == 200
    assert b"NaN" not in content


def test_the_calendar(server: TushareServer) -> None:
    assert rows(server, "trade_cal") == [
        ["SSE", "20240103", 1, "20240102"],
        ["SSE", "20240102", 1, "20231229"],
        ["SSE", "20240101", 0, "20231229"],
    ]
    assert rows(server, "trade_cal", "cal_date", is_open="0") == [["20240101"]]
    assert rows(server, "trade_cal", "cal_date", is_open=1, end_date="20240102") == [["20240102"]]
    assert rows(server, "trade_cal", "exchange,cal_date", exchange="SZSE", start_date="20240103") == [
        ["SZSE", "20240103"]
    ]
    assert rows(server, "trade_cal", exchange="NYSE") == []
    server.is_open_as_text = True
    assert rows(server, "trade_cal", "is_open,cal_date", start_date="20240103") == [["1", "20240103"]]


def test_listings_by_status_and_exchange(server: TushareServer) -> None:
    answer = ask(server, "stock_basic")["data"]
    assert answer["fields"] == ["ts_code", "symbol", "name", "area", "industry", "market", "list_date"]
    assert [row[0] for row in answer["items"]] == ["000001.SZ", "600000.SH"]
    assert answer["items"][1][2] == "浦发银行"
    fields = "ts_code,list_status,delist_date"
    assert rows(server, "stock_basic", fields, list_status="D") == [["300001.SZ", "D", "20240104"]]
    assert rows(server, "stock_basic", fields, list_status="P") == [["600001.SH", "P", None]]
    assert len(rows(server, "stock_basic", list_status="L,D,P")) == 4
    assert rows(server, "stock_basic", "ts_code", exchange="SSE") == [["600000.SH"]]
    assert rows(server, "stock_basic", "ts_code", ts_code="000001.SZ") == [["000001.SZ"]]


def test_suspensions(server: TushareServer) -> None:
    assert rows(server, "suspend_d") == [
        ["000001.SZ", "20240104", None, "R"],
        ["600000.SH", "20240104", "09:30-10:00", "S"],
        ["000001.SZ", "20240103", None, "S"],
    ]
    assert rows(server, "suspend_d", PAIR, suspend_type="R") == [["000001.SZ", "20240104"]]
    assert rows(server, "suspend_d", PAIR, ts_code="000001.SZ", trade_date="20240103") == [["000001.SZ", "20240103"]]


def test_an_index_and_its_members(server: TushareServer) -> None:
    assert rows(server, "index_daily", "trade_date,close", ts_code="000300.SH") == [["20240103", 11], ["20240102", 11]]
    fields = "con_code,weight"
    assert rows(server, "index_weight", fields, index_code="000300.SH", trade_date="20240102") == [
        ["600000.SH", 60.0],
        ["000001.SZ", 40.0],
    ]
    assert rows(server, "index_weight", fields, index_code="000300.SH", start_date="20240103") == [["600000.SH", 100.0]]


@pytest.mark.parametrize(
    ("api", "params"),
    [
        ("daily", {}),
        ("daily", {"ts_code": None}),
        ("index_daily", {}),
        ("index_daily", {"ts_code": "000300.SH,000905.SH"}),
        ("index_weight", {"trade_date": "20240102"}),
        ("daily", {"trade_date": "2024-01-02"}),
        ("daily", {"ts_code": "600000.SH", "limit": -1}),
        ("nonsense", {}),
    ],
)
def test_a_call_that_is_not_understood(server: TushareServer, api: str, params: dict[str, Any]) -> None:
    answer = ask(server, api, **params)
    assert (answer["code"], answer["data"]) == (-2001, None)
    assert answer["msg"]
    assert server.calls[-1].refused


def test_rows_over_the_limit_are_cut_off_silently(server: TushareServer) -> None:
    server.row_limits["daily"] = 2
    data = ask(server, "daily", PAIR, ts_code="600000.SH")["data"]
    assert data == {"fields": PAIR.split(","), "items": [["600000.SH", "20240104"], ["600000.SH", "20240103"]]}
    assert rows(server, "daily", "trade_date", ts_code="600000.SH", offset=2, limit=100) == [["20240102"]]
    server.tells_has_more = True
    assert ask(server, "daily", ts_code="600000.SH")["data"]["has_more"] is True
    assert ask(server, "daily", ts_code="000001.SZ")["data"]["has_more"] is False


def test_what_lies_after_today_is_hidden(server: TushareServer) -> None:
    server.today = date(2024, 1, 2)
    assert rows(server, "daily", "trade_date", ts_code="600000.SH") == [["20240102"]]
    assert len(rows(server, "adj_factor", ts_code="600000.SH")) == 1
    assert rows(server, "suspend_d") == []
    assert len(rows(server, "index_daily", ts_code="000300.SH")) == 1
    assert len(rows(server, "index_weight", index_code="000300.SH")) == 2
    assert len(rows(server, "trade_cal")) == 3, "the calendar knows the days to come"
    # 000001.SZ is not listed yet, 300001.SZ not delisted yet.
    listed = rows(server, "stock_basic", "ts_code,list_status,delist_date")
    assert listed == [["300001.SZ", "L", None], ["600000.SH", "L", None]]
    assert rows(server, "stock_basic", list_status="D") == []
    server.today = date(2024, 1, 4)
    assert len(rows(server, "daily", ts_code="600000.SH")) == 3
    assert rows(server, "stock_basic", "ts_code", list_status="D") == [["300001.SZ"]]


def test_a_half_finished_session(server: TushareServer) -> None:
    server.today, server.half_session = date(2024, 1, 3), True
    fields = "trade_date,open,high,low,close,change,pct_chg,vol,amount"
    # Half of the way from 10 to 10.2, and two fifths of the volume.
    assert rows(server, "daily", fields, ts_code="600000.SH") == [
        ["20240103", 10.0, 10.1, 10.0, 10.1, 0.1, 1.0, 40.0, 40.0],
        ["20240102", 10.0, 10.1, 10.0, 10.1, 0.1, 1.0, 100.0, 100.0],
    ]
    assert rows(server, "index_daily", "close", ts_code="000300.SH") == [[10.5], [11.0]]
    server.half_session = False
    assert rows(server, "daily", "close", trade_date="20240103") == [[10.2]]


def test_changes_of_the_market_are_served() -> None:
    market = random_market(symbols=2, first=date(2024, 1, 1), last=date(2024, 3, 1), dividends_a_year=0)
    asked = {"ts_code": "600000.SH", "trade_date": "20240201"}
    with TushareServer(market) as server:
        assert rows(server, "adj_factor", "adj_factor", **asked) == [[1.0]]
        (before,) = rows(server, "daily", "close", **asked)
        market.restate_factor("600000.SH", 2.0)
        assert rows(server, "adj_factor", "adj_factor", **asked) == [[2.0]]
        market.add_dividend("600000.SH", date(2024, 1, 31), 0.5)
        (after,) = rows(server, "daily", "close", **asked)
        assert after[0] < before[0]
        market.daily = market.daily.assign(close=1.0)
        assert rows(server, "daily", "close", **asked) == [[1.0]]
