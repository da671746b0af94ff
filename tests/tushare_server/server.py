"""The server: its settings, and the order in which a call is checked, recorded and answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import uuid4

from data.clock import Clock, SystemClock
from tests.tushare_server.connections import Listener
from tests.tushare_server.interfaces import INTERFACES, BadParams, Desk
from tests.tushare_server.limits import BAD_CALL, Limits, Refusal, bad_token, most_within
from tests.tushare_server.market import Market
from tests.tushare_server.wire import Fault, FaultQueue, Wire


class Call(NamedTuple):
    """One call that reached the server, without its token.

    Attributes:
        moment: when it came, by the server's clock.
        api_name: the interface.
        params: as they came.
        rows: how many went out; 0 while it is not answered.
        refused: whether it was answered with anything but code 0.
    """

    moment: datetime
    api_name: str
    params: dict[str, Any]
    rows: int = 0
    refused: bool = False


class TushareServer(Limits):
    """Serves a market on a port of this machine, from `start` (or `with`) to `close`.

    All settings may be changed while it serves; for those of the account see `Limits`. A call is checked for its
    form, its token, its interface, the account's points and limits, and its parameters, in this order. One that
    passes them all meets the next fault, or is answered.

    Attributes:
        market: what it serves.
        token: the one that it accepts; None accepts any but an empty one.
        today: later rows are hidden, only the calendar shows the days to come; None shows all.
        half_session: whether the bars of `today` are as at 11:00, for shares and indices.
        row_limits: rows that fit into one answer, by interface; older ones are cut off silently.
        tells_has_more: whether an answer says that rows were cut off.
        is_open_as_text: whether trade_cal sends "1" for 1.
        calls: every call, in the order of coming.
        strays: method and path of requests to anything but the documented addresses.
    """

    def __init__(
        self,
        market: Market,
        *,
        clock: Clock | None = None,
        token: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        today: date | None = None,
        points: int = 2000,
        per_minute: int | None = None,
    ) -> None:
        super().__init__(clock or SystemClock(), points=points, per_minute=per_minute)
        self.market = market
        self.token = token
        self.today = today
        self.half_session = False
        self.row_limits = {api: one.row_limit for api, one in INTERFACES.items()}
        self.tells_has_more = False
        self.is_open_as_text = False
        self.calls: list[Call] = []
        self.strays: list[tuple[str, str]] = []
        self._address = (host, port)
        self._desk = Desk()
        self._faults = FaultQueue()
        self._released, self._closing = threading.Event(), threading.Event()
        self._gate = threading.Lock()
        self._listener: Listener | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where to post to, without a slash at the end; `/dataapi` may follow, and the interface's name."""
        if self._listener is None:
            raise RuntimeError("the server is not started: use it in a with statement, or call start()")
        return f"http://{self._listener.server_name}:{self._listener.server_port}"

    def start(self) -> None:
        """Listen, and answer from threads of its own."""
        self._closing.clear()
        self._listener = Listener(self._address, self._handle)

    def close(self) -> None:
        """Stop at once, whatever hangs."""
        if self._listener is not None:
            self._closing.set()
            self._listener.stop()
            self._listener = None

    def misbehave(self, fault: Fault, times: int | None = 1, api: str | None = None, after: int = 0) -> None:
        """Let a fault of `faults` befall the next calls that would be answered with data.

        Of several faults that are due, the one that was put in first goes first.

        Args:
            fault: what to do instead of answering.
            times: how many calls; None is all from then on.
            api: only calls of this interface.
            after: so many such calls are answered as usual before, counted from now.
        """
        self._faults.put(fault, times, api, after)

    def behave(self) -> None:
        """Forget the faults that are still to come."""
        self._faults.clear()

    def release(self) -> None:
        """Let the calls that hang now have their answers."""
        released, self._released = self._released, threading.Event()
        released.set()

    def count(self, api: str | None = None) -> int:
        """How many calls came, of one interface or all."""
        return sum(api in (None, call.api_name) for call in list(self.calls))

    def worst_minute(self, api: str | None = None) -> int:
        """The most calls in any 60 seconds, refused ones among them."""
        return most_within([call.moment for call in list(self.calls) if api in (None, call.api_name)])

    def _handle(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """One request, from its body to its answer."""
        call = _parsed(body)
        api, params = str(call.get("api_name", "")), _params(call)
        if handler.command != "POST" or not _is_documented(handler.path, api):
            self.strays.append((handler.command, handler.path))
            handler.send_error(404 if handler.command == "POST" else 405)
            return
        released = self._released
        number, answer = self._checked(api, params, call)
        refused = isinstance(answer, Refusal)
        wire = Wire(
            api=api,
            token=str(call.get("token") or ""),
            row_limit=self.row_limits.get(api, 0),
            right=answer.payload() if isinstance(answer, Refusal) else answer,
            ask=lambda other: self._right(api, other, call, strict=False),
            params=params,
            record=lambda rows, refused: self._record(number, rows, refused),
            released=released,
            closing=self._closing,
            handler=handler,
        )
        fault = None if refused else self._faults.take(api)
        (fault or _as_it_is)(wire)

    def _checked(self, api: str, params: dict[str, Any], call: dict[str, Any]) -> tuple[int, Refusal | dict[str, Any]]:
        """The number of the call, and its answer."""
        with self._gate:  # moments in `calls` and in the limits have to be in one order
            moment, number = self.clock.now(), len(self.calls)
            # A token in the wrong place must not be kept either.
            self.calls.append(Call(moment, api, {name: cell for name, cell in params.items() if name != "token"}))
            refusal = self._unfit(api, call) or self.refusal(api, moment)
        if refusal is not None:
            return number, refusal
        try:
            return number, self._right(api, params, call)
        except BadParams as bad:
            return number, Refusal(BAD_CALL, str(bad))

    def _unfit(self, api: str, call: dict[str, Any]) -> Refusal | None:
        if not call:
            return Refusal(BAD_CALL, "请求格式错误")
        token = call.get("token")
        if not token or self.token not in (None, token):
            return bad_token()
        return None if api in INTERFACES else Refusal(BAD_CALL, "请指定正确的接口名")

    def _right(
        self, api: str, params: Mapping[str, Any], call: dict[str, Any], *, strict: bool = True
    ) -> dict[str, Any]:
        page = self._desk.page(
            self.market,
            api,
            params,
            str(call.get("fields") or ""),
            today=self.today,
            half_session=self.half_session,
            row_limit=self.row_limits[api],
            strict=strict,
        )
        if self.is_open_as_text and "is_open" in page.fields:
            at = page.fields.index("is_open")
            for row in page.items:
                row[at] = str(row[at])
        data: dict[str, Any] = {"fields": page.fields, "items": page.items}
        if self.tells_has_more:
            data["has_more"] = page.more
        return {"request_id": uuid4().hex, "code": 0, "msg": None, "data": data}

    def _record(self, number: int, rows: int, refused: bool) -> None:
        self.calls[number] = self.calls[number]._replace(rows=rows, refused=refused)


def _as_it_is(wire: Wire) -> None:
    wire.answer(wire.right)


def _parsed(body: bytes) -> dict[str, Any]:
    """The call, empty where it is none."""
    try:
        call = json.loads(body)
    except ValueError:
        return {}
    return call if isinstance(call, dict) else {}


def _params(call: dict[str, Any]) -> dict[str, Any]:
    params = call.get("params")
    return params if isinstance(params, dict) else {}


def _is_documented(path: str, api: str) -> bool:
    """One address for every call, or the interface's own as the SDK has it; either with /dataapi before it."""
    rest = path.removeprefix("/dataapi").strip("/")
    return rest in ("", api)
