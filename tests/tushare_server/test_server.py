"""The documented protocol over HTTP, the record of calls, and the program."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.tushare_server.asking import ask, body, post, rows
from tests.tushare_server.clock import SimulatedClock
from tests.tushare_server.market import random_market
from tests.tushare_server.server import TushareServer
from tests.tushare_server.small import small_market


@pytest.fixture
def server() -> Iterator[TushareServer]:
    with TushareServer(small_market()) as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/dataapi", "/dataapi/", "/daily", "/dataapi/daily"])
def test_the_addresses(server: TushareServer, path: str) -> None:
    status, content = post(server, body("daily", trade_date="20240103"), path)
    assert (status, json.loads(content)["code"]) == (200, 0)


@pytest.mark.parametrize("path", ["/elsewhere", "/dataapi/adj_factor", "/v2/daily"])
def test_other_addresses_are_strays(server: TushareServer, path: str) -> None:
    status, _ = post(server, body("daily", trade_date="20240103"), path)
    assert status == 404
    assert (server.strays, server.count()) == ([("POST", path)], 0)


def test_calls_are_recorded_without_the_token() -> None:
    clock = SimulatedClock(datetime(2024, 1, 5, 9, 30, tzinfo=UTC))
    with TushareServer(small_market(), clock=clock) as server:
        ask(server, "daily", token="hush", trade_date="20240102")
        clock.sleep(30)
        ask(server, "stock_basic", token="hush", limit=1)
        clock.sleep(30)
        ask(server, "daily", token="hush")
        first, second, third = server.calls
        assert tuple(first) == (datetime(2024, 1, 5, 9, 30, tzinfo=UTC), "daily", {"trade_date": "20240102"}, 3, False)
        assert (second.moment - first.moment).total_seconds() == 30
        assert (second.api_name, second.params, second.rows, second.refused) == ("stock_basic", {"limit": 1}, 1, False)
        assert (third.rows, third.refused) == (0, True)
        assert (server.count(), server.count("daily"), server.count("trade_cal")) == (3, 2, 0)
        assert (server.worst_minute(), server.worst_minute("daily")) == (2, 1)
        assert "hush" not in repr(vars(server))


def test_a_connection_serves_many_calls(server: TushareServer) -> None:
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.connect()
    kept = connection.sock
    for _ in range(3):
        connection.request("POST", "/", body("daily", trade_date="20240103"))
        assert json.loads(connection.getresponse().read())["code"] == 0
        assert connection.sock is kept
    connection.close()


def test_many_clients_at_once(server: TushareServer) -> None:
    found: list[int] = []
    clients = [
        threading.Thread(
            target=lambda: found.extend(len(rows(server, "daily", ts_code="600000.SH")) for _ in range(10))
        )
        for _ in range(8)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert found == [3] * 80
    assert server.count() == 80
    assert all(call.rows == 3 for call in server.calls)


def test_a_closed_server_can_start_again(server: TushareServer) -> None:
    server.close()
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.url
    server.close()
    server.start()
    assert len(rows(server, "daily", ts_code="600000.SH")) == 3


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"daily"', b"\xff"])
def test_a_body_that_is_no_call(server: TushareServer, content: bytes) -> None:
    status, answer = post(server, content)
    assert (status, json.loads(answer)["code"]) == (200, -2001)


def test_tokens() -> None:
    with TushareServer(small_market(), token="right") as server:
        assert ask(server, "daily", token="right", trade_date="20240102")["code"] == 0
        for wrong in ("", "wrong"):
            answer = ask(server, "daily", token=wrong, trade_date="20240102")
            assert (answer["code"], answer["data"]) == (40101, None)
            assert "token" in answer["msg"]


def test_a_full_page_takes_milliseconds() -> None:
    market = random_market(symbols=300, first=date(2016, 1, 1), last=date(2025, 12, 31))
    codes, took = ",".join(market.symbols[:50]), []
    with TushareServer(market) as server:
        rows(server, "daily", trade_date="20200102")
        for _ in range(5):
            begin = time.process_time()
            status, content = post(server, body("daily", ts_code=codes, start_date="20180101"))
            took.append(time.process_time() - begin)
    assert (status, len(json.loads(content)["data"]["items"])) == (200, 6000)
    assert min(took) < 0.2  # 0.03 on a quiet machine


def test_it_runs_as_a_program() -> None:
    command = [sys.executable, "-W", "error::ResourceWarning", "-m", "tests.tushare_server"]
    options = ["--symbols", "5", "--first", "2024-01-01", "--last", "2024-03-01", "--token", "T", "--per-minute", "1"]
    with subprocess.Popen(
        command + options,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        address = urlsplit(program.stdout.readline().strip())
        connection = HTTPConnection(address.netloc, timeout=10)
        codes = []
        for token in ("wrong", "T", "T"):
            connection.request("POST", "/", body("trade_cal", token=token))
            codes.append(json.loads(connection.getresponse().read())["code"])
        program.send_signal(signal.SIGTERM)
        rest, errors = program.communicate(timeout=10)
        connection.close()
    assert codes == [40101, 0, 40203]
    assert (program.returncode, rest, errors) == (0, "", "")
