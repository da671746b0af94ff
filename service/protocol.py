"""uvicorn's HTTP protocol with an end to its patience: late heads and bodies, long heads, too many requests at once.

uvicorn itself waits for a request as long as a byte comes now and then, and starts whatever has come. Here a request's
head has some seconds to arrive and its body as many again, and what comes while too much is under way is refused before
anything is worked out or kept for it. What is refused is answered with a problem document; who has sent nothing at all
is left without an answer.

Refusals take turns. Many clients ask again as soon as they are refused, and refusing them as quickly as they ask would
take the time that the answers of the others need.
"""

from __future__ import annotations

import asyncio
import json
from asyncio import TimerHandle
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from service import refused

# Longer heads than browsers, proxies and tokens make are an attack or a mistake.
HEAD_BYTES: Final = 1 << 16

# A client that reuses its connection may have sent a request while the server began to stop.
LAST_REQUEST_SECONDS: Final = 1.0

_RETRY_AFTER: Final = 1
_PROBES: Final = ("/health/", "/v2/health/")

# So many refusals a second take less than a tenth of one core. A client that waits longer for one would give up.
REFUSALS_A_SECOND: Final = 1000
LONGEST_PAUSE_SECONDS: Final = 2.0


class Turns:
    """When each refusal of a process may be said."""

    def __init__(self) -> None:
        self._next = 0.0

    def pause(self, now: float) -> float:
        """Seconds until it is the turn of a refusal; 0 where none was said for a while.

        Args:
            now: seconds of a clock that never goes back.
        """
        turn = min(max(self._next, now), now + LONGEST_PAUSE_SECONDS)
        self._next = turn + 1 / REFUSALS_A_SECOND
        return turn - now


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and for how much one process waits.

    Attributes:
        receive_seconds: for a head to arrive, and again for its body [s].
        max_requests: under way at a time.
        turns: of those that are refused.
    """

    receive_seconds: float
    max_requests: int
    turns: Turns = field(default_factory=Turns)


def _raw(status: HTTPStatus, kind: str, title: str, detail: str, *, close: bool) -> bytes:
    """A whole response with a problem document, for where there is no request to answer through the app."""
    document = {
        "type": f"urn:stock-forecaster:problem:{kind}",
        "title": title,
        "status": status.value,
        "detail": detail,
        "instance": "/",
    }
    body = json.dumps(document).encode()
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: application/problem+json",
        f"content-length: {len(body)}",
        "x-content-type-options: nosniff",
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        head.append(f"retry-after: {_RETRY_AFTER}")
    if close:
        head.append("connection: close")
    return "\r\n".join([*head, "", ""]).encode() + body


_BUSY, _BUSY_LAST = (
    _raw(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "busy",
        "Too many requests at once",
        "this process has as many requests under way as it takes; ask again in a moment",
        close=close,
    )
    for close in (False, True)
)
_HEAD_END: Final = b"\r\n\r\n"
_LATE: Final = _raw(
    HTTPStatus.REQUEST_TIMEOUT,
    "request-timeout",
    "The request came too slowly",
    "a request's head, and then its body, must arrive within the time that this service waits",
    close=True,
)
_LONG: Final = _raw(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head-too-large",
    "The request's head is too large",
    f"expected at most {HEAD_BYTES} bytes of address and headers",
    close=True,
)


class PatientProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        patience: Patience,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._patience = patience
        self._deadline: TimerHandle | None = None
        # Which part of a request is awaited, and which the deadline is for.
        self._awaited: str | None = "head"
        self._timed: str | None = None
        self._head_bytes = 0
        self._stopping = False
        # What waits for its turn to be refused, and until when.
        self._refused: RequestResponseCycle | None = None
        self._turn: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection whose first request does not come is closed, too."""
        super().connection_made(transport)
        self._time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._awaited = None
        self._time()
        if self._turn is not None:
            self._turn.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and time what is still to come; a request that is there as a whole needs no timer."""
        heading = self._awaited != "body"
        super().data_received(data)
        if heading and self._awaited == "head":
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                refused.long.inc()
                self._give_up(_LONG)
        if self._awaited != self._timed:
            self._time()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._awaited = "head"
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._awaited, self._head_bytes = "body", 0
        super().on_headers_complete()
        if self._stopping:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A piece of the body; what is refused is read past."""
        if self.cycle is not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._awaited = None
        super().on_message_complete()

    def shutdown(self) -> None:
        """Stop: after the request under way, or after one that the client may be sending at this moment."""
        self._stopping = True
        if self.cycle is None or self.cycle.response_complete:
            self._unset_keepalive_if_required()
            self.loop.call_later(LAST_REQUEST_SECONDS, self._close_unless_busy)
        else:
            super().shutdown()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin to answer, unless too many are being answered. Probes are: a busy process is alive."""
        if len(self.tasks) < self._patience.max_requests or cycle.scope["path"].startswith(_PROBES):
            super()._start_asgi_task(cycle, app)
            return
        refused.busy.inc()
        cycle.response_started = True
        pause = self._patience.turns.pause(self.loop.time())
        self._refused, self._turn = cycle, self.loop.call_later(pause, self._refuse, cycle)

    def _refuse(self, cycle: RequestResponseCycle) -> None:
        """Say that too many are being answered."""
        self._refused = self._turn = None
        if self.transport.is_closing():
            return
        cycle.response_complete = True
        told = _BUSY if cycle.keep_alive else _BUSY_LAST
        # An answer to HEAD has no body: it would be taken for the next answer.
        self.transport.write(told.partition(_HEAD_END)[0] + _HEAD_END if cycle.scope["method"] == "HEAD" else told)
        if cycle.keep_alive:
            self.on_response_complete()
        else:
            self.transport.close()

    def _time(self) -> None:
        """Set the deadline of what is awaited, and drop that of what was."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._timed = self._awaited
        if self._awaited is not None:
            self._deadline = self.loop.call_later(self._patience.receive_seconds, self._too_late)

    def _too_late(self) -> None:
        refused.late.inc()
        said_nothing = self._awaited == "head" and self.scope is None
        self._give_up(b"" if said_nothing else _LATE)

    def _give_up(self, response: bytes) -> None:
        """Close the connection, with a response if none has begun."""
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if response and (cycle is None or cycle.response_complete or not cycle.response_started):
            if cycle is not None and not cycle.response_complete:
                cycle.response_started = cycle.response_complete = cycle.disconnected = True
                cycle.message_event.set()
            self.transport.write(response)
        self.transport.close()

    def _close_unless_busy(self) -> None:
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()
