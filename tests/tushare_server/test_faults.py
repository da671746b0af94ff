"""Each fault as it looks on the socket."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.tushare_server import faults
from tests.tushare_server.asking import ask, body, call, everything, post, rows, wait_until
from tests.tushare_server.market import Market, random_market
from tests.tushare_server.server import TushareServer
from tests.tushare_server.wire import Fault

ASKED = {"ts_code": "600000.SH", "start_date": "20240101"}
CALL = body("daily", **ASKED)
SESSIONS = 22  # in January 2024, of 31 days: no weekends, and 1 January is a holiday


@pytest.fixture(scope="module")
def market() -> Market:
    first, last = date(2024, 1, 1), date(2024, 1, 31)
    return random_market(symbols=3, first=first, last=last, suspended_share=0.0, late_listings=0.0, delisted=0.0)


@pytest.fixture
def server(market: Market) -> Iterator[TushareServer]:
    with TushareServer(market) as running:
        yield running


def answered_well(server: TushareServer) -> bool:
    return len(rows(server, "daily", **ASKED)) == SESSIONS


@pytest.mark.parametrize("code", [404, 429, 500, 502, 503])
def test_a_status(server: TushareServer, code: int) -> None:
    server.misbehave(faults.status(code))
    status, content = post(server, CALL)
    assert (status, content) == (code, f"<html><body><h1>{code}</h1></body></html>".encode())
    assert server.calls[0].refused
    assert answered_well(server)


def test_a_status_with_a_time_to_wait(server: TushareServer) -> None:
    server.misbehave(faults.status(429, retry_after=7))
    with call(server, CALL) as connection:
        head = connection.recv(65536)
    assert head.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nRetry-After: 7\r\n" in head


def test_a_redirect_that_is_followed_shows(server: TushareServer) -> None:
    server.misbehave(faults.redirect("/elsewhere"))
    with call(server, CALL) as connection:
        head = connection.recv(65536)
        assert head.startswith(b"HTTP/1.1 302 ")
        assert b"\r\nLocation: /elsewhere\r\n" in head
        connection.sendall(b"GET /elsewhere HTTP/1.1\r\nHost: here\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 405 ")
    assert server.strays == [("GET", "/elsewhere")]
    assert server.count() == 1


def test_a_call_hangs_until_it_is_released(server: TushareServer) -> None:
    server.misbehave(faults.hang())
    with call(server, CALL) as connection:
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert (server.count(), server.calls[0].rows) == (1, 0)
        assert answered_well(server)
        server.release()
        connection.settimeout(10)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert server.calls[0].rows == SESSIONS


def test_a_hung_call_ends_with_its_client(server: TushareServer) -> None:
    threads = threading.active_count()
    server.misbehave(faults.hang())
    call(server, CALL).close()
    wait_until(lambda: server.count() == 1 and threading.active_count() <= threads)


def test_closing_is_quick_whatever_hangs(market: Market) -> None:
    with TushareServer(market) as server:
        server.misbehave(faults.hang(), times=5)
        server.misbehave(faults.drip())
        hung = [call(server, CALL) for _ in range(6)]
        wait_until(lambda: server.count() == 6)
        begin = time.monotonic()
    assert time.monotonic() - begin < 1
    for connection in hung:
        head, content = everything(connection)
        assert not head or len(content) < 10


def test_a_body_that_drips(server: TushareServer) -> None:
    server.misbehave(faults.drip(seconds=0.1))
    with call(server, CALL) as connection:
        received = b""
        until = time.monotonic() + 0.55
        while time.monotonic() < until:
            connection.settimeout(max(until - time.monotonic(), 0.01))
            try:
                received += connection.recv(65536)
            except TimeoutError:
                break
        head, _, content = received.partition(b"\r\n\r\n")
        assert b"Content-Length: " in head
        assert 1 <= len(content) <= 6
        server.release()
        connection.settimeout(10)
        while len(content) < int(head.partition(b"Content-Length: ")[2].split()[0]):
            content += connection.recv(65536)
    assert len(json.loads(content)["data"]["items"]) == SESSIONS


def test_a_reset(server: TushareServer) -> None:
    server.misbehave(faults.reset())
    with call(server, CALL) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert server.count() == 1
    assert answered_well(server)


def test_half_a_body_of_the_promised_length(server: TushareServer) -> None:
    server.misbehave(faults.half_body())
    head, content = everything(call(server, CALL))
    promised = int(head.partition(b"Content-Length: ")[2].split()[0])
    assert len(content) == promised // 2


def test_half_a_body_without_a_length(server: TushareServer) -> None:
    server.misbehave(faults.half_body_without_length())
    head, content = everything(call(server, CALL))
    assert b"Content-Length" not in head
    assert b"\r\nConnection: close" in head
    assert content.startswith(b'{"request_id":')
    with pytest.raises(json.JSONDecodeError):
        json.loads(content)


def test_a_page_for_humans(server: TushareServer) -> None:
    server.misbehave(faults.html())
    status, content = post(server, CALL)
    assert status == 200
    assert content.startswith(b"<!DOCTYPE html>")


def test_an_empty_body(server: TushareServer) -> None:
    server.misbehave(faults.empty_body())
    assert post(server, CALL) == (200, b"")


@pytest.mark.parametrize("payload", [[], None, 7, "no"])
def test_json_that_is_no_object(server: TushareServer, payload: object) -> None:
    server.misbehave(faults.json_of(payload))
    status, content = post(server, CALL)
    assert (status, json.loads(content)) == (200, payload)


def answer_with(server: TushareServer, fault: Fault, fields: str = "", **params: Any) -> dict[str, Any]:
    server.misbehave(fault)
    return ask(server, "daily", fields, **(params or ASKED))


def test_null_for_the_data(server: TushareServer) -> None:
    answer = answer_with(server, faults.data_null())
    assert (answer["code"], answer["data"]) == (0, None)


def test_a_short_row(server: TushareServer) -> None:
    items = answer_with(server, faults.short_row())["data"]["items"]
    assert [len(row) for row in items] == [11] * (SESSIONS - 1) + [10]


def test_no_names_of_columns(server: TushareServer) -> None:
    assert set(answer_with(server, faults.no_fields())["data"]) == {"items"}


def test_a_column_that_lacks(server: TushareServer) -> None:
    data = answer_with(server, faults.lacks("close"), "trade_date,close,vol")["data"]
    assert data["fields"] == ["trade_date", "vol"]
    assert data["items"] == [[day, vol] for day, _, vol in rows(server, "daily", "trade_date,close,vol", **ASKED)]


def test_a_code_as_text(server: TushareServer) -> None:
    answer = answer_with(server, faults.code_as_text())
    assert answer["code"] == "0"
    assert len(answer["data"]["items"]) == SESSIONS
    assert not server.calls[0].refused


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (faults.throttled(), 40203, "每分钟最多访问该接口200次"),
        (faults.throttled(10, "hour"), 40203, "每小时最多访问该接口10次"),
        (faults.throttled(8000, "day"), 40203, "每天最多访问该接口8000次"),
        (faults.not_entitled(), 40203, "您没有接口(daily)访问权限"),
        (faults.not_entitled(2002), 2002, "您没有接口(daily)访问权限"),
        (faults.bad_token(), 40101, "您的token不对"),
        (faults.refused(-1, "系统繁忙"), -1, "系统繁忙"),
        (faults.echo_token(), -2001, "secret"),
    ],
)
def test_a_refusal(server: TushareServer, fault: Fault, code: int, message: str) -> None:
    answer = answer_with(server, fault)
    assert (answer["code"], answer["data"]) == (code, None)
    assert message in answer["msg"]
    assert server.calls[0].refused


def test_a_full_page_forever(server: TushareServer) -> None:
    server.row_limits["daily"] = 50
    server.misbehave(faults.full_page(), times=None)
    right = [row[:2] for row in random_rows(server)]
    for offset in (0, 50, 100):
        items = ask(server, "daily", **ASKED, offset=offset)["data"]["items"]
        assert [row[:2] for row in items] == (right * 3)[:50]
    assert len(ask(server, "daily", ts_code="999999.SH")["data"]["items"]) == 50
    server.behave()
    assert answered_well(server)


def random_rows(server: TushareServer) -> list[list[Any]]:
    daily = server.market.daily
    own = daily[daily["ts_code"] == "600000.SH"].sort_values("trade_date", ascending=False)
    return own.to_numpy().tolist()


def test_a_lower_limit_than_documented(server: TushareServer) -> None:
    server.tells_has_more = True
    data = answer_with(server, faults.cut_to(5))["data"]
    assert data["items"] == random_rows(server)[:5]
    assert "has_more" not in data


def test_the_rows_of_other_symbols(server: TushareServer) -> None:
    items = answer_with(server, faults.other_symbols())["data"]["items"]
    assert {row[0] for row in items} == {"000001.SZ", "600000.SH", "600001.SH"}
    assert len(items) == 3 * SESSIONS


def test_faults_wait_for_their_turn(server: TushareServer) -> None:
    server.misbehave(faults.refused(1, "a"), times=2)
    server.misbehave(faults.refused(2, "b"), api="trade_cal")
    server.misbehave(faults.refused(3, "c"), after=4)
    codes = [
        ask(server, api, **ASKED)["code"] for api in ("daily", "trade_cal", "daily", "trade_cal", "daily", "daily")
    ]
    assert codes == [1, 1, 0, 2, 3, 0]


def test_limits_come_before_faults(server: TushareServer) -> None:
    server.misbehave(faults.refused(1, "a"))
    assert ask(server, "daily", token="", **ASKED)["code"] == 40101
    assert ask(server, "daily")["code"] == -2001
    assert ask(server, "daily", **ASKED)["code"] == 1
