"""Misbehaviour, for `TushareServer.misbehave`. Each function makes a fault: what to do instead of the right answer.

The limits come first: a fault befalls a call that they let through.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

from tests.tushare_server import limits
from tests.tushare_server.wire import Fault, Wire, encoded


def status(code: int, retry_after: float | str | None = None) -> Fault:
    """An HTTP status with a page of HTML: 404, 429 (`retry_after` seconds, or a date), 500, 502, 503."""
    headers = {} if retry_after is None else {"Retry_After": str(retry_after)}
    return lambda wire: wire.send(code, f"<html><body><h1>{code}</h1></body></html>".encode(), **headers)


def redirect(location: str = "/elsewhere", code: int = 302) -> Fault:
    """Off to another address. Who follows it to this server shows up in its `strays`."""
    return lambda wire: wire.send(code, Location=location)


def hang() -> Fault:
    """Nothing, until the client goes or the server's `release` lets the right answer out."""

    def fault(wire: Wire) -> None:
        if wire.hang():
            wire.answer(wire.right)

    return fault


def drip(seconds: float = 1.0) -> Fault:
    """The right answer, but `seconds` of real time before each byte of its body; `release` ends the waiting."""

    def fault(wire: Wire) -> None:
        wire.record(len(wire.right["data"]["items"]), False)
        body = encoded(wire.right)
        wire.head(200, len(body))
        for position in range(len(body)):
            if not wire.hang(seconds):
                return
            wire.handler.wfile.write(body[position : position + 1])

    return fault


def reset() -> Fault:
    """The connection is reset (RST) where an answer should be."""

    def fault(wire: Wire) -> None:
        wire.handler.close_connection = True
        # With a linger time of zero, closing discards and resets. A plain close() would wait for the files on top.
        wire.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(wire.handler.connection.detach())

    return fault


def half_body() -> Fault:
    """Half of the body that Content-Length promises, then the end of the connection."""

    def fault(wire: Wire) -> None:
        body = encoded(wire.right)
        wire.head(200, len(body), Connection="close")
        wire.handler.wfile.write(body[: len(body) // 2])

    return fault


def half_body_without_length() -> Fault:
    """Half of the body and the end of the connection, with nothing in the headers that tells how much there was."""

    def fault(wire: Wire) -> None:
        body = encoded(wire.right)
        wire.head(200, None)
        wire.handler.wfile.write(body[: len(body) // 2])

    return fault


def html() -> Fault:
    """A page for humans with status 200, as from a login portal or a proxy."""
    return lambda wire: wire.send(200, b"<!DOCTYPE html><html><body>Please log in</body></html>")


def empty_body() -> Fault:
    """Status 200 and nothing else."""
    return lambda wire: wire.send(200, kind="application/json")


def json_of(payload: object) -> Fault:
    """Any JSON, such as `[]`, `null` or a bare number."""
    return lambda wire: wire.answer(payload)


def data_null() -> Fault:
    """Code 0, and null for the data."""
    return lambda wire: wire.answer(wire.right | {"data": None})


def short_row() -> Fault:
    """The last row lacks its last cell."""

    def fault(wire: Wire) -> None:
        items = wire.right["data"]["items"]
        wire.answer(_with(wire.right, items=[*items[:-1], *(row[:-1] for row in items[-1:])]))

    return fault


def no_fields() -> Fault:
    """Rows without the names of their columns."""

    def fault(wire: Wire) -> None:
        data = {name: value for name, value in wire.right["data"].items() if name != "fields"}
        wire.answer(wire.right | {"data": data})

    return fault


def lacks(field: str) -> Fault:
    """One column that was asked for is not there."""

    def fault(wire: Wire) -> None:
        fields = wire.right["data"]["fields"]
        kept = [position for position, name in enumerate(fields) if name != field]
        items = [[row[position] for position in kept] for row in wire.right["data"]["items"]]
        wire.answer(_with(wire.right, fields=[fields[position] for position in kept], items=items))

    return fault


def code_as_text() -> Fault:
    """The right answer with "0" for 0."""
    return lambda wire: wire.answer(wire.right | {"code": str(wire.right["code"])})


def throttled(limit: int = 200, period: str = "minute") -> Fault:
    """40203: more than `limit` calls in a minute, an hour or a day."""
    return lambda wire: wire.answer(limits.throttled(limit, period).payload())


def not_entitled(code: int = limits.NOT_ENTITLED) -> Fault:
    """40203 in its other meaning, or 2002: too few points."""
    return lambda wire: wire.answer(limits.not_entitled(wire.api, code).payload())


def bad_token() -> Fault:
    """40101: the token is not known."""
    return lambda wire: wire.answer(limits.bad_token().payload())


def refused(code: int, message: str) -> Fault:
    """Any other code and message."""
    return lambda wire: wire.answer(limits.Refusal(code, message).payload())


def full_page() -> Fault:
    """Exactly as many rows as fit, whatever was asked: the right ones, or all that there are, over and over."""

    def fault(wire: Wire) -> None:
        whole = {name: value for name, value in wire.params.items() if name not in ("offset", "limit")}
        items = wire.ask(whole)["data"]["items"] or wire.ask({})["data"]["items"]
        repeated = (items * (wire.row_limit // max(len(items), 1) + 1))[: wire.row_limit]
        wire.answer(_with(wire.right, items=repeated))

    return fault


def cut_to(rows: int) -> Fault:
    """The newest `rows` and no word of more: a row limit that is lower than documented."""

    def fault(wire: Wire) -> None:
        data = {name: value for name, value in wire.right["data"].items() if name != "has_more"}
        wire.answer(wire.right | {"data": data | {"items": data["items"][:rows]}})

    return fault


def other_symbols() -> Fault:
    """The rows of all symbols, as if ts_code had not been sent."""
    return lambda wire: wire.answer(wire.ask({**wire.params, "ts_code": None}))


def echo_token() -> Fault:
    """A refusal whose message repeats the token."""

    def fault(wire: Wire) -> None:
        wire.answer(limits.Refusal(limits.BAD_CALL, f"token {wire.token} 请求过于频繁").payload())

    return fault


def _with(payload: dict[str, Any], **data: Any) -> dict[str, Any]:
    return payload | {"data": payload["data"] | data}
