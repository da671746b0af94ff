from __future__ import annotations

import copy
import gzip
import inspect
import json
import logging
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from data.errors import (
    DayQuotaSpent,
    MalformedAnswer,
    NotEntitled,
    NoToken,
    PageFull,
    RequestError,
    RequestRejected,
    ServerFault,
    Throttled,
    TokenRefused,
    Unreachable,
)
from data.providers.tushare import client as module
from data.providers.tushare.client import PAGE_ROWS, TushareClient
from data.providers.tushare.limits import CallLimits
from data.providers.tushare.wire import LASTING
from tests.data.providers.tushare.scripted import (
    GOOD,
    Act,
    ScriptedServer,
    answer,
    drip,
    hang,
    head,
    raw,
    refused,
    reset,
)
from tests.tushare_server import faults
from tests.tushare_server.clock import SimulatedClock
from tests.tushare_server.market import Market, random_market
from tests.tushare_server.server import TushareServer

TOKEN = 'tO"ken/7\\ä-abcdefghijklmnopqrstuvwxyz'
MORNING = datetime(2024, 3, 4, 1, 0, tzinfo=UTC)
FIELDS = ("ts_code", "close")


class Longest(random.Random):
    """Draws the upper end, and remembers what was drawn from."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float) -> float:
        self.drawn.append((a, b))
        return b


class Bench:
    """A client with its clock, its chance and what it told of its waits."""

    def __init__(self, url: str | None, token: str = TOKEN, per_minute: int = 1000, **settings: Any) -> None:
        self.clock = SimulatedClock(MORNING)
        self.chance = Longest()
        self.told: list[tuple[float, str]] = []
        self.client = TushareClient(
            token,
            limits=CallLimits(self.clock, per_minute),
            clock=self.clock,
            url=url,
            chance=self.chance,
            on_wait=lambda seconds, why: self.told.append((seconds, why)),
            **{"timeout": 10.0, **settings},
        )

    def close(self) -> float:
        """One call of daily, and the close in its only row."""
        return float(self.client.call("daily", FIELDS).table["close"].iloc[0])

    def failure(self) -> RequestError:
        with pytest.raises(RequestError) as caught:
            self.client.call("daily", FIELDS)
        return caught.value


class Benches(ExitStack):
    """Makes scripted servers with a client each."""

    def __call__(self, *script: Act, path: str = "", **settings: Any) -> tuple[Bench, ScriptedServer]:
        server = self.enter_context(ScriptedServer(*script))
        bench = Bench(server.url + path, **settings)
        self.callback(bench.client.close)
        return bench, server


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def bench() -> Iterator[Benches]:
    with Benches() as stack:
        yield stack


@pytest.fixture(scope="module")
def market() -> Market:
    return random_market(symbols=3, first=date(2024, 1, 1), last=date(2024, 3, 1))


# The call.


def test_a_call_has_the_form_of_the_sdks_own(bench: Benches) -> None:
    ours, server = bench(path="/")
    ours.client.call("daily", FIELDS, ts_code="600519.SH", start_date="20240301")
    sdk = TushareClient.__base__(TOKEN)  # type: ignore[call-arg, misc]
    sdk._DataApi__http_url = server.url
    sdk.query("daily", "ts_code,close", ts_code="600519.SH", start_date="20240301")
    first, second = server.requests
    assert first.line == second.line == "POST /dataapi/daily HTTP/1.1"
    assert first.body == second.body
    assert first.headers["content-type"] == second.headers["content-type"] == "application/json"
    assert first.body["token"] == TOKEN


def test_the_address_is_the_sdks_unless_another_is_given() -> None:
    with Bench(None).client as client:
        assert client.address == "http://api.waditu.com/dataapi"
        assert not client.secure
    with Bench("https://name:secret@mirror.example:8443/dataapi/").client as client:
        assert client.address == "https://mirror.example:8443/dataapi"
        assert client.secure
        assert "secret" not in repr(client)


def test_an_answer_holds_the_fields_asked_for(bench: Benches) -> None:
    ours, _ = bench()
    found = ours.client.call("daily", ("close", "ts_code"))
    assert found.table.to_dict("list") == {"close": [1700.0], "ts_code": ["600519.SH"]}
    assert not found.full


def test_calls_share_a_connection(bench: Benches) -> None:
    ours, server = bench()
    for _ in range(3):
        ours.close()
    assert [one.connection for one in server.requests] == [1, 1, 1]
    assert ours.client.calls == 3


def test_a_connection_that_was_closed_while_idle_does_not_surface(bench: Benches) -> None:
    body = json.dumps(GOOD).encode()
    ours, server = bench(raw(head("200 OK", body), body))
    for _ in range(3):
        assert ours.close() == 1700.0
        time.sleep(0.02)
    assert [one.connection for one in server.requests] == [1, 2, 3]


@pytest.mark.parametrize("token", ["", "  \n"])
def test_without_a_token_nothing_is_sent(bench: Benches, token: str) -> None:
    ours, server = bench(token=token)
    assert isinstance(ours.failure(), NoToken)
    assert server.requests == []
    assert ours.client.calls == 0


def test_blanks_around_a_token_are_no_part_of_it(bench: Benches) -> None:
    ours, server = bench(token=f" {TOKEN}\n")
    ours.close()
    assert server.requests[0].body["token"] == TOKEN


def test_a_compressed_answer_is_read(bench: Benches) -> None:
    body = gzip.compress(json.dumps(GOOD).encode())
    ours, _ = bench(answer(body, "200 OK", "Content-Encoding: gzip"))
    assert ours.close() == 1700.0


def test_the_sdks_form_of_a_call_goes_the_same_way(bench: Benches) -> None:
    ours, server = bench(answer(GOOD), answer(GOOD), answer(b"", "502 Bad Gateway"), attempts=1)
    client: Any = ours.client
    assert list(client.daily(ts_code="600519.SH").columns) == ["ts_code", "close"]
    assert list(client.query("daily", "close", ts_code="600519.SH").columns) == ["close"]
    with pytest.raises(ServerFault):
        client.daily(ts_code="600519.SH")
    assert [one.body["fields"] for one in server.requests] == ["", "close", ""]


def test_a_table_alone_cannot_tell_that_it_was_cut(bench: Benches) -> None:
    ours, _ = bench(page_rows={"daily": 1})
    with pytest.raises(PageFull) as caught:
        ours.client.query("daily", "close", trade_date="20240304")
    assert (caught.value.api, caught.value.rows, caught.value.asked) == ("daily", 1, "trade_date=20240304")


def test_only_interfaces_are_found_by_their_names(bench: Benches) -> None:
    ours, _ = bench()
    assert not hasattr(ours.client, "_unknown")
    assert copy.copy(ours.client).address == ours.client.address


def test_the_row_limit_of_an_interface_is_known_given_or_learnt(bench: Benches) -> None:
    rows = [["600519.SH", 1.0]] * 4999
    ours, server = bench(answer({"code": 0, "data": {"fields": FIELDS, "items": rows}}), page_rows={"adj_factor": 4999})

    def full(api: str) -> bool:
        return ours.client.call(api, FIELDS).full

    assert PAGE_ROWS["daily"] == 6000
    assert not full("daily")
    assert not full("suspend_d")
    assert full("adj_factor")
    server.script = [answer({"code": 0, "data": {"fields": FIELDS, "items": [*rows, rows[0]]}})]
    assert full("suspend_d")
    # 5,000 is the smallest limit that is documented. Here a smaller one was given.
    assert full("moneyflow")
    ours.client.learn_page_rows("daily", 5000)
    assert full("daily")
    ours.client.learn_page_rows("daily", 5999)
    assert full("daily")


# Refusals and retries.


@pytest.mark.parametrize(
    ("act", "kind", "facts"),
    [
        (refused(40101, "您的token不对"), TokenRefused, {"code": 40101, "said": "您的token不对"}),
        (refused(2002, "权限不足"), NotEntitled, {"code": 2002, "said": "权限不足"}),
        (refused(40203, "抱歉，您没有接口(daily)访问权限"), NotEntitled, {"code": 40203}),  # noqa: RUF001
        (refused(40203, "每小时最多访问该接口10次"), Throttled, {"limit": 10, "period": "hour", "wait": None}),
        (refused(40203, "每天最多访问该接口5次"), DayQuotaSpent, {"limit": 5, "said": "每天最多访问该接口5次"}),
        (refused(-2001, "参数错误"), RequestRejected, {"code": -2001, "said": "参数错误"}),
        (refused(-1, None), RequestRejected, {"code": -1, "said": ""}),
        (answer(b"", "404 Not Found"), ServerFault, {"status": 404}),
        (answer(b"", "204 No Content"), ServerFault, {"status": 204}),
        (answer(b"", "429 Slow", "Retry-After: 7200"), Throttled, {"limit": None, "period": "hour", "wait": 7200.0}),
    ],
)
def test_what_another_try_cannot_help_is_tried_once(
    bench: Benches, act: Act, kind: type[RequestError], facts: dict[str, object]
) -> None:
    ours, server = bench(act)
    error = ours.failure()
    assert type(error) is kind
    assert error.api == "daily"
    assert facts.items() <= vars(error).items()
    assert len(server.requests) == ours.client.calls == 1
    assert ours.clock.slept == []


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (answer(b"", "500 Internal Server Error"), ServerFault),
        (answer(b"", "503 Service Unavailable"), ServerFault),
        (answer(b"<html>Log in</html>"), MalformedAnswer),
        (answer([]), MalformedAnswer),
        (reset, Unreachable),
        (raw(), Unreachable),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Le"), Unreachable),
        (raw(b"HTTP/1.1 200 OK\r\nServer: any\r\n"), MalformedAnswer),
        (raw(head("200 OK", b"x" * 50), b'{"code": 0'), Unreachable),
        (raw(b'HTTP/1.1 200 OK\r\n\r\n{"code": 0, "data"'), MalformedAnswer),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), Unreachable),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\nab"), Unreachable),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), Unreachable),
        (raw(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n"), Unreachable),
        (answer(b"no gzip", "200 OK", "Content-Encoding: gzip"), Unreachable),
    ],
)
def test_what_another_try_may_help_is_tried_five_times(bench: Benches, act: Act, kind: type[RequestError]) -> None:
    ours, server = bench(act)
    error = ours.failure()
    assert type(error) is kind
    assert len(server.requests) == ours.client.calls == 5
    # Full jitter: anything from nothing to a second, and twice as much each time.
    assert ours.chance.drawn == [(0, 1), (0, 2), (0, 4), (0, 8)]
    assert ours.clock.slept == [1, 2, 4, 8]
    assert [seconds for seconds, _ in ours.told] == [1, 2, 4, 8]
    assert ours.told[0][1] == f"back-off: try 2 of 5 follows, for {error}"


def test_the_back_off_grows_to_thirty_seconds(bench: Benches) -> None:
    ours, _ = bench(answer(b"", "502 Bad Gateway"), attempts=9)
    ours.failure()
    assert ours.clock.slept == [1, 2, 4, 8, 16, 30, 30, 30]


def test_the_back_off_is_drawn_by_chance(bench: Benches) -> None:
    ours, _ = bench(answer(b"", "502 Bad Gateway"), answer(GOOD))
    ours.client._chance = random.Random(7)
    assert ours.close() == 1700.0
    # The first number that Python's generator with this seed gives.
    assert ours.clock.slept == [pytest.approx(0.32383276483316237)]


def test_a_try_that_succeeds_ends_the_tries(bench: Benches) -> None:
    ours, server = bench(answer(b"", "503 Busy"), reset, answer(b"<html>"), answer(GOOD), reset)
    assert ours.close() == 1700.0
    assert len(server.requests) == ours.client.calls == 4
    assert ours.clock.slept == [1, 2, 4]


@pytest.mark.parametrize(
    ("act", "waits"),
    [
        (refused(40203, "每分钟最多访问该接口200次"), [61, 61, 61, 61]),
        (answer(b"", "429 Too Many Requests"), [61, 61, 61, 61]),
        (answer(b"", "429 Too Many Requests", "Retry-After: 7"), [7, 7, 7, 7]),
        (answer(b"", "429 Too Many Requests", "Retry-After: Mon, 04 Mar 2024 01:00:30 GMT"), [30, 0, 0, 0]),
    ],
)
def test_a_throttled_call_waits_as_long_as_the_server_says_else_a_minute(
    bench: Benches, act: Act, waits: list[float]
) -> None:
    ours, _ = bench(act)
    error = ours.failure()
    assert isinstance(error, Throttled)
    assert ours.client.calls == 5
    assert ours.clock.slept == waits
    assert ours.told[0][1].startswith("throttled: try 2 of 5 follows, for daily: the server allows ")


def test_every_try_is_paced(bench: Benches) -> None:
    ours, _ = bench(answer(b"", "502 Bad Gateway"), attempts=4, per_minute=2)
    ours.failure()
    # Tries at 0 and 1 s; the third after 2 s more has to wait until the first is 60.5 s old.
    assert ours.clock.slept == [1, 2, 57.5, 4]
    assert ours.told[2] == (57.5, "pacing: 2 calls a minute at most")


# The way to the server.


@pytest.mark.parametrize(
    "act",
    [
        hang,
        drip(b"", b"H"),
        drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drip(head("200 OK", b" " * 100_000), b" "),
        # Its end is the end of the connection: cut off, it must not count as whole.
        drip(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(GOOD).encode(), b" "),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
)
def test_a_server_that_hangs_or_drips_is_cut_off_in_time(bench: Benches, act: Act) -> None:
    ours, server = bench(act, act, answer(GOOD), timeout=0.5, attempts=2)
    begin = time.monotonic()
    error = ours.failure()
    assert 1.0 <= time.monotonic() - begin < 2.5
    assert isinstance(error, Unreachable)
    assert (error.address, error.reason) == (server.url, "it was not complete after 0.5 s")
    assert ours.clock.slept == [1]
    # And the client goes on as before.
    assert ours.close() == 1700.0


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_not_followed(bench: Benches, status: str) -> None:
    _, elsewhere = bench()
    ours, server = bench(answer(b"x" * 1000, status, f"Location: {elsewhere.url}/daily"))
    error = ours.failure()
    assert isinstance(error, ServerFault)
    assert error.status == int(status[:3])
    assert (len(server.requests), elsewhere.requests) == (1, [])


@pytest.mark.parametrize("compressed", [False, True])
def test_an_answer_without_end_is_not_read_to_it(
    bench: Benches, compressed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.MAX_BYTES == 64 * 1024 * 1024
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    body = b" " * 10_000_000
    act = answer(gzip.compress(body), "200 OK", "Content-Encoding: gzip") if compressed else answer(body)
    ours, _ = bench(act, attempts=1)
    error = ours.failure()
    assert isinstance(error, MalformedAnswer)
    assert (error.expected, error.got) == ("at most 100000 bytes", "more")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ours = Bench(f"http://127.0.0.1:{port}/dataapi")
    error = ours.failure()
    assert isinstance(error, Unreachable)
    assert error.address == f"http://127.0.0.1:{port}/dataapi"
    assert "Connection refused" in error.reason
    assert ours.client.calls == 5


def test_a_handshake_without_an_answer_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        ours = Bench(f"https://127.0.0.1:{plain.getsockname()[1]}", timeout=0.3, attempts=1)
        begin = time.monotonic()
        assert isinstance(ours.failure(), Unreachable)
        assert time.monotonic() - begin < 1.5


@pytest.mark.parametrize(
    "url",
    ["", "mirror.example/dataapi", "ftp://mirror.example", "http://", "http://u:sesame@host:port", "http://[::1", "http://a..b"],
)  # fmt: skip
def test_an_address_that_is_none_is_tried_once(url: str) -> None:
    ours = Bench(url)
    error = ours.failure()
    assert isinstance(error, Unreachable)
    assert error.lasting
    assert ours.client.calls == 1
    assert "FORECASTER_TUSHARE_URL" in str(error)
    assert "sesame" not in f"{error} {vars(error)}"


FAILURES = [
    one
    for _, one in inspect.getmembers(requests.exceptions, inspect.isclass)
    if issubclass(one, requests.exceptions.RequestException)
]


def test_every_exception_of_requests_is_mapped() -> None:
    assert set(LASTING) == set(FAILURES)


@pytest.mark.parametrize("kind", FAILURES, ids=lambda one: one.__name__)
def test_an_exception_of_requests_becomes_one_of_ours(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("bad text", "doc", 0) if kind is requests.exceptions.JSONDecodeError else (f"bad text {TOKEN}",)

    def fail(*_: object, **__: object) -> None:
        raise kind(*arguments)

    ours = Bench("http://127.0.0.1:9")
    monkeypatch.setattr(ours.client._session, "post", fail)
    error = ours.failure()
    assert isinstance(error, Unreachable)
    assert error.reason.replace(" ", "") == kind.__name__.lower()
    assert error.lasting == LASTING[kind]
    assert ours.client.calls == (1 if error.lasting else 5)
    assert leaks(error) == []


# The token.


def leaks(error: BaseException) -> list[str]:
    """Where any piece of the token shows, in the error and in all that hangs on it."""
    texts, seen = [], list[BaseException]()
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is not None and one not in seen:
            seen.append(one)
            texts += [str(one), repr(one), repr(vars(one)), repr(one.args)]
            todo += [one.__cause__, one.__context__]
    return [text for text in texts if "abcdefgh" in text]


def echoes() -> dict[str, Act]:
    token = TOKEN.encode()
    quoted = json.dumps(TOKEN).encode()
    escaped = json.dumps(f"{TOKEN} 频率超限", ensure_ascii=True)
    return {
        "message": refused(-1, f"token {TOKEN} is bad"),
        "message at the cut": refused(-1, "x" * 150 + TOKEN),
        "message of throttling": refused(40203, f"{TOKEN}: 每分钟最多访问3次"),
        "message in escapes": answer(b'{"code": 40203, "msg": ' + escaped.encode() + b"}"),
        "page": answer(b"<html>" + token + b"</html>"),
        "page at the cut": answer(b"<html>" + b"x" * 900 + token + b"</html>"),
        "code": answer(b'{"code": ' + quoted + b"}"),
        "half of JSON": answer(b'{"msg": ' + quoted),
        "field": answer({"code": 0, "data": {"fields": [TOKEN], "items": []}}),
        "cell": answer({"code": 0, "data": {"fields": FIELDS, "items": [[TOKEN, 1.0], [TOKEN]]}}),
        "status": answer(b"", "500 " + json.dumps(TOKEN)),
        "header": answer(b"", "302 Found", "Location: http://127.0.0.1/?" + json.dumps(TOKEN)),
        "malformed header": raw(b"HTTP/1.1 200 OK\r\n" + token + b"\r\nA: b\r\n\r\n"),
        "no HTTP": raw(token + b"\r\n\r\n"),
        "length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + token + b"\r\n\r\n"),
        "chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + token + b"\r\n"),
        "encoding": answer(token, "200 OK", "Content-Encoding: gzip"),
        "cookie": answer(b"", "403 Forbidden", "Set-Cookie: a=" + quoted.decode()),
    }


@pytest.mark.parametrize("where", list(echoes()))
def test_a_token_that_the_server_repeats_shows_nowhere(
    bench: Benches, where: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    ours, _ = bench(echoes()[where])
    error = ours.failure()
    assert leaks(error) == []
    written = capfd.readouterr()
    for text in (caplog.text, written.out, written.err, repr(ours.client), str(ours.client), str(ours.told)):
        assert "abcdefgh" not in text


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (reset, "Connection reset by peer"),
        (raw(), "remote disconnected"),
        (raw(head("200 OK", b"x" * 50), b"{"), "incomplete read"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n"), "invalid chunk length"),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "bad status line"),
        (answer(b"no gzip", "200 OK", "Content-Encoding: gzip"), "decode error"),
        (raw(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n"), "header parsing error"),
    ],
)
def test_a_reason_is_told_without_the_servers_words(bench: Benches, act: Act, reason: str) -> None:
    ours, server = bench(act, attempts=1)
    assert str(ours.failure()) == f"daily: no whole answer from {server.url}: {reason}"


def test_a_proxy_is_used_and_cut_off_too(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    _, proxy = bench(answer(GOOD), drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/dataapi"))
    ours = Bench("http://mirror.example/dataapi", timeout=0.5, attempts=1)
    with ours.client:
        assert ours.close() == 1700.0
        assert proxy.requests[0].line == "POST http://mirror.example/dataapi/daily HTTP/1.1"
        begin = time.monotonic()
        assert isinstance(ours.failure(), Unreachable)
        assert time.monotonic() - begin < 1.5


def test_an_error_carries_nothing_of_what_it_was_made_from(bench: Benches) -> None:
    for act in (reset, answer(b"{"), answer(b"", "500 Oh")):
        ours, _ = bench(act, attempts=1)
        error = ours.failure()
        assert error.__cause__ is None
        assert error.__context__ is None


def test_a_login_in_the_address_is_used_but_not_shown(bench: Benches) -> None:
    ours, server = bench(answer(b"", "500 Oh"), attempts=1)
    ours.client._DataApi__http_url = server.url.replace("//", "//name:open%20sesame@")
    ours.failure()
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    assert ours.client.address == server.url
    for text in ("name:open", "open%20sesame", "open sesame"):
        assert ours.client._hide(f"a {text} b") == ("a *** b" if text != "name:open" else "a name:open b")


CHILD = """
import sys
from data.clock import SystemClock
from data.providers.tushare.client import TushareClient
from data.providers.tushare.limits import CallLimits
clock = SystemClock()
with TushareClient("abcdefgh", limits=CallLimits(clock, 9), clock=clock, url=sys.argv[1]) as client:
    print(len(client.call("daily", ["close"]).table))
"""


def test_nothing_is_written_to_the_home_folder(tmp_path: Path) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    root = Path(__file__).parents[4]
    with ScriptedServer() as server:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, server.url],
            env=os.environ | {"HOME": str(home), "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=work,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout, done.stderr, done.returncode) == ("1\n", "", 0)
    assert list(home.rglob("*")) == []
    assert list(work.rglob("*")) == []


# A whole server.


def test_pacing_keeps_an_account_below_its_limits(market: Market) -> None:
    clock = SimulatedClock(MORNING)
    with TushareServer(market, clock=clock, token=TOKEN, per_minute=3) as server:
        server.per_day = 10
        limits = CallLimits(clock, 3, per_day=10)
        with TushareClient(TOKEN, limits=limits, clock=clock, url=f"{server.url}/dataapi") as client:
            estimate = limits.estimate(12)
            begin = clock.now()
            for _ in range(12):
                client.call("daily", ["ts_code", "close"], trade_date="20240301")
            assert client.calls == len(server.calls) == 12
            assert not any(call.refused for call in server.calls)
            assert server.worst_minute() == 3
            assert (clock.now() - begin).total_seconds() == pytest.approx(estimate)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.status(404), ServerFault),
        (faults.redirect(), ServerFault),
        (faults.half_body(), Unreachable),
        (faults.half_body_without_length(), MalformedAnswer),
        (faults.reset(), Unreachable),
        (faults.html(), MalformedAnswer),
        (faults.empty_body(), MalformedAnswer),
        (faults.data_null(), MalformedAnswer),
        (faults.short_row(), MalformedAnswer),
        (faults.no_fields(), MalformedAnswer),
        (faults.lacks("close"), MalformedAnswer),
        (faults.other_symbols(), MalformedAnswer),
        (faults.bad_token(), TokenRefused),
        (faults.not_entitled(), NotEntitled),
        (faults.not_entitled(2002), NotEntitled),
        (faults.throttled(200, "minute"), Throttled),
        (faults.throttled(200, "day"), DayQuotaSpent),
        (faults.echo_token(), RequestRejected),
    ],
)
def test_a_misbehaving_server_is_never_an_empty_table(
    market: Market, fault: faults.Fault, kind: type[RequestError]
) -> None:
    symbol = str(market.daily["ts_code"].iloc[0])
    with TushareServer(market, token=TOKEN) as server:
        ours = Bench(f"{server.url}/dataapi", attempts=2)
        server.misbehave(fault, times=None)
        with ours.client, pytest.raises(kind) as caught:
            ours.client.call("daily", ["ts_code", "trade_date", "close"], ts_code=symbol)
        assert leaks(caught.value) == []
        assert server.count() == ours.client.calls == (2 if caught.value.helps else 1)
        assert server.strays == []


def test_the_rows_of_a_whole_server_are_the_markets(market: Market) -> None:
    symbol = str(market.daily["ts_code"].iloc[0])
    with TushareServer(market) as server:
        server.misbehave(faults.code_as_text())
        with Bench(server.url).client as client:
            found = client.call("daily", ["trade_date", "close"], ts_code=symbol, start_date="20240201")
    own = market.daily[(market.daily["ts_code"] == symbol) & (market.daily["trade_date"] >= "20240201")]
    expected = own.sort_values("trade_date", ascending=False)
    assert list(found.table["trade_date"]) == list(expected["trade_date"])
    assert list(found.table["close"]) == list(expected["close"])
