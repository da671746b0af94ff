"""What nobody should send, ten thousand times over real connections: refused in words, the server none the worse."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import pytest
import uvicorn
from fastapi import FastAPI

from service.auth import Scope, entry_of, new_key
from service.jobs.folder import JobFolder
from service.protocol import Patience, PatientProtocol
from tests.service.asking import loaded

SYMBOLS: Final = 5_000
BODIES: Final = 5_000
CONNECTIONS: Final = 8

KEY: Final = new_key()
ENTRY: Final = entry_of("ops", Scope.ADMIN, KEY)
BATCH: Final = 20
MOST_BYTES: Final = 1 << 18

# An error is a sentence or two, whatever was sent.
LARGEST_ERROR: Final = 2048

KNOWN: Final = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
BELOW: Final = ("/v1/forecasts/", "/v1/diagnostics/", "/v1/prices/", "/v1/gates/")
TOLD: Final = ("/v1/forecasts/AAPL", "/v1/diagnostics/IBM", "/v1/prices/FB?sessions=9", "/v1/gates/GOOG", "/v1/symbols")

ODD_TEXTS: Final = (
    "", " ", "\0", "\n", "\r\n", "..", "../../etc/passwd", "....//", "\\", "%", "%2e%2e%2f", "?", "#", ";", "'", '"',
    "' OR 1=1", "<script>", "${x}", "{{7*7}}", "*", "/", "//", "AAPL\0", "AAPL\n", " AAPL", "AAPL.", ".AAPL", "--",
    "AAPL..US", "AAPL/", "AAPL/../IBM", "aapl", "\uff21\uff21\uff30\uff2c", "\u0410APL", "AAPL\u200b", "\u202eLPAA",
    "600519.SH", "600519.XX", "600519.sh", "A" * 21, "A" * 3000, "0" * 12, "A-", "-A", "\u00e9", "🦆", "NaN", "-1",
)  # fmt: skip
ODD_JSON: Final = (
    "null", "true", "false", "0", "-0", "-1", "1e999", "-1e999", "NaN", "Infinity", "1" * 400, "0.1e-400", "1E5", "01",
    "1.0", "1,", "9223372036854775808", '""', '"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', '"🦆"', '"AAPL"', '"1"',
    '"2013-02-30"', '"9999-12-31"', '"' + "x" * 5000 + '"', '"\\x"', "'a'", "[]", "{}", "[[]]", "[null]", '["AAPL"]',
    '["AAPL","AAPL"]', '["AAPL","TSLA"]', '{"a":1,"a":2}', "[" * 900, "[" * 300 + "]" * 300,
    '{"a":' * 200 + "1" + "}" * 200,
)  # fmt: skip

_BAR: Final = {"session": "2013-02-{day:02d}", "open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 100}


def _bars(count: int) -> list[dict[str, Any]]:
    return [{**_BAR, "session": f"2013-02-{day + 1:02d}"} for day in range(count)]


def _window(count: int) -> dict[str, Any]:
    return {"name": "window", "shape": [1, 5, count // 5], "datatype": "FP32", "data": [0.5] * count}


PROPER: Final[dict[str, tuple[Any, ...]]] = {
    "/v1/forecasts": (
        {"symbols": ["AAPL", "IBM"]},
        {"symbol": "AAPL", "bars": _bars(3)},
        {"symbol": "TSLA", "bars": {name: [bar[name] for bar in _bars(28)] for name in _BAR}},
    ),
    "/v2/models/next-close/infer": (
        {"id": "a", "inputs": [_window(110)], "outputs": [{"name": "quantiles"}]},
        {
            "inputs": [{**_window(5), "parameters": {"binary_data_size": 20}}],
            "parameters": {"binary_data_output": True},
        },
    ),
    "/v2/models/next-close/versions/1/infer": ({"inputs": [_window(110)]},),
    "/v1/models/next-close/promote": ({"version": "999"},),
    "/v1/jobs/retrain": ({"symbols": ["AAPL"], "settings": {"units": [4], "epochs": 0, "features": ["close"]}},),
}


class Asked(NamedTuple):
    """A request as it goes over the wire."""

    method: str
    target: bytes
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def raw(self) -> bytes:
        head = f"Host: service\r\nX-API-Key: {KEY}\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in self.headers
        )
        if self.method == "POST":
            head += f"Content-Length: {len(self.body)}\r\n"
        return self.method.encode() + b" " + self.target + b" HTTP/1.1\r\n" + head.encode() + b"\r\n" + self.body


class Told(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def a_symbol(dice: random.Random) -> bytes:
    """A symbol as it stands in an address: mostly none, now and then one that is known."""
    kind = dice.randrange(6)
    if kind == 0:
        return quote(dice.choice(ODD_TEXTS), safe="" if dice.random() < 0.5 else "/.").encode()
    if kind == 1:  # nearly one that is known
        text = dice.choice(KNOWN)
        at = dice.randrange(len(text) + 1)
        return quote(text[:at] + dice.choice(ODD_TEXTS)[:40] + text[at + dice.randrange(2) :], safe="").encode()
    if kind == 2:  # of the right form
        length = dice.randint(1, 12)
        text = "".join(dice.choices("ABCXYZ0189-", k=length)) + dice.choice(("", ".SH", ".HK", ".US", ".X", ".ABCDE"))
        return text.encode()
    if kind == 3:  # any bytes, encoded
        return quote(dice.randbytes(dice.randint(1, 24)), safe="").encode()
    if kind == 4:  # any characters
        text = "".join(
            chr(dice.choice((dice.randrange(1, 0xD800), dice.randrange(0xE000, 0x110000)))) for _ in range(8)
        )
        return quote(text[: dice.randint(1, 8)], safe="").encode()
    return bytes(dice.choices(b"%25AZaz09.;:@&=+$,!~*'()-_/", k=dice.randint(1, 30)))  # escapes that are none


def a_query(dice: random.Random) -> bytes:
    """What may stand behind an address, mostly nothing that means anything."""
    if dice.random() < 0.7:
        return b""
    name = dice.choice((b"as_of", b"sessions", b"x", b""))
    return b"?" + name + b"=" + quote(dice.choice((*ODD_TEXTS, *ODD_JSON))[:400], safe="").encode()


def asked_for_symbols(dice: random.Random) -> list[Asked]:
    found = []
    for _ in range(SYMBOLS):
        headers = []
        if dice.random() < 0.1:
            odd = quote(dice.choice(ODD_TEXTS)[:200], safe=" ,;=*\"'")
            headers = [(dice.choice(("Accept-Language", "Accept-Encoding", "If-None-Match", "X-Request-Id")), odd)]
        found.append(Asked("GET", dice.choice(BELOW).encode() + a_symbol(dice) + a_query(dice), tuple(headers)))
    return found


def spoilt(value: Any, dice: random.Random) -> str:
    """A value as JSON with one of its parts replaced, left out, or added to."""
    if isinstance(value, dict) and value and dice.random() < 0.8:
        chosen = dice.choice([*value])
        parts = {name: json.dumps(one) for name, one in value.items()}
        what = dice.randrange(8)
        if what == 0:
            del parts[chosen]
        elif what == 1:
            parts[dice.choice(ODD_TEXTS)[:50]] = dice.choice(ODD_JSON)
        else:
            parts[chosen] = spoilt(value[chosen], dice)
        return "{" + ",".join(f"{json.dumps(name)}:{one}" for name, one in parts.items()) + "}"
    if isinstance(value, list) and value and dice.random() < 0.8:
        items = [json.dumps(one) for one in value]
        at = dice.randrange(len(items))
        what = dice.randrange(8)
        if what == 0:
            del items[at]
        elif what == 1:
            items.append(items[at])
        else:
            items[at] = spoilt(value[at], dice)
        return "[" + ",".join(items) + "]"
    return dice.choice(ODD_JSON)


def a_body(proper: Sequence[Any], dice: random.Random) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """A body that is nearly right, with the headers that say what it is; not always the truth."""
    kind = dice.randrange(10)
    if kind == 0:
        return dice.randbytes(dice.randint(0, 200)), ()
    value = dice.choice(proper)
    body = spoilt(value, dice).encode()
    if kind == 1:
        body = body[: dice.randrange(len(body) + 1)]
    elif kind == 2:
        body = dice.choice((b"\xef\xbb\xbf" + body, body.decode().encode("utf-16"), body + b"\0", body * 2))
    elif kind == 3:
        at = dice.randrange(len(body) + 1)
        body = body[:at] + dice.randbytes(3) + body[at + dice.randrange(4) :]
    elif kind == 4:
        packed = gzip.compress(body, 1) if dice.random() < 0.5 else body
        return packed[: len(packed) - dice.randrange(3)], (
            ("Content-Encoding", dice.choice(("gzip", "deflate", "br", "x"))),
        )
    elif kind == 5:
        tail = struct.pack("<5f", *(dice.choice((0.5, 1e38, float("nan"), float("inf"))) for _ in range(5)))
        told = dice.choice((str(len(body)), str(len(body) + 99), "-1", "x", "9" * 30, "0", str(len(body) - 1)))
        return body + tail, (("Inference-Header-Content-Length", told),)
    elif kind == 6:
        return body, (("Content-Type", dice.choice(("text/plain", "application/xml", "multipart/form-data", "x", ""))),)
    return body, (("Content-Type", "application/json"),)


def asked_with_bodies(dice: random.Random) -> list[Asked]:
    found = []
    for _ in range(BODIES):
        path = dice.choice([*PROPER])
        body, headers = a_body(PROPER[path], dice)
        found.append(Asked("POST", path.encode(), headers, body))
    return found


async def tell(reader: asyncio.StreamReader) -> Told:
    """The next answer on a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    return Told(int(head[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"])))


async def ask_all(port: int, asked: Sequence[Asked]) -> list[Told]:
    """All answers in the order asked, over a few connections that are kept."""
    told: list[Told | None] = [None] * len(asked)
    waiting = iter(range(len(asked)))

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in waiting:
            writer.write(asked[number].raw())
            told[number] = answer = await asyncio.wait_for(tell(reader), 20)
            if answer.headers.get("connection") == "close":
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return [one for one in told if one is not None]


def served(app: FastAPI, work: Callable[[int], Awaitable[None]]) -> None:
    """Have something done with the app's port, behind the connections that it has in production."""

    async def go() -> None:
        http = partial(PatientProtocol, patience=Patience(10, 64))
        config = uvicorn.Config(app, http=http, lifespan="off", log_config=None)  # type: ignore[arg-type]
        server = uvicorn.Server(config)
        # By its protocol asyncio knows that small packets need not wait.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
            bound.bind(("127.0.0.1", 0))
            running = asyncio.create_task(server.serve(sockets=[bound]))
            while not server.started:
                await asyncio.sleep(0.01)
            try:
                await work(bound.getsockname()[1])
            finally:
                server.should_exit = True
                await running

    asyncio.run(go())


def assert_sound(asked: Asked, told: Told) -> None:
    """No answer blames the server, and each that refuses says so as documented and is short."""
    assert told.status < 500, (asked, told)
    if told.status < 400:
        return
    assert len(told.body) <= LARGEST_ERROR, (asked, told)
    document = json.loads(told.body)
    if asked.target.startswith(b"/v2/"):
        assert told.headers["content-type"] == "application/json", (asked, told)
        assert [*document] == ["error"]
        assert document["error"]
        return
    assert told.headers["content-type"] == "application/problem+json", (asked, told)
    assert document["status"] == told.status
    assert document["type"].startswith("urn:stock-forecaster:problem:")
    assert document["title"]
    assert document["detail"]


@pytest.fixture
def app(home: Path) -> Iterator[FastAPI]:
    limits: dict[str, Any] = {"api_keys": ENTRY, "max_batch": BATCH, "max_body_bytes": MOST_BYTES}
    with JobFolder(home / "jobs").held() as lock:  # a training runs all the time, so that none begins
        assert lock is not None
        yield loaded(home, **limits)


def test_ten_thousand_symbols_and_bodies(app: FastAPI) -> None:
    dice = random.Random(20261121)
    asked = [*asked_for_symbols(dice), *asked_with_bodies(dice)]
    dice.shuffle(asked)
    before = [Asked("GET", path.encode()) for path in TOLD]

    async def work(port: int) -> None:
        first = await ask_all(port, before)
        assert [one.status for one in first] == [200] * len(TOLD)
        told = await ask_all(port, asked)
        assert len(told) == SYMBOLS + BODIES
        for question, answer in zip(asked, told, strict=True):
            assert_sound(question, answer)
        # Some got through to where answers are made, and to what is known there.
        assert {one.status for one in told} >= {200, 404, 409, 422}
        again = await ask_all(port, before)
        assert [one.body for one in again] == [one.body for one in first]
        assert [one.headers.get("etag") for one in again] == [one.headers.get("etag") for one in first]

    served(app, work)
