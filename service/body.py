"""ASGI middleware: no request's body is read beyond what the service takes."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import problem_of
from service.refusals import BodyTooLarge

_WITHOUT: Final = frozenset(("GET", "HEAD"))


class BodyLimit:
    """Refuses large bodies by what they say of themselves, and those that say nothing as soon as they are too long."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        """Wrap an app.

        Args:
            app: what answers.
            limit: bytes.
        """
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT:
            await self._app(scope, receive, send)
            return
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if told.isdigit() and int(told) > self._limit:
            await problem_of(BodyTooLarge(self._limit), scope["path"])(scope, receive, send)
            return
        read = 0
        started = False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise BodyTooLarge(self._limit)
            return message

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, watch)
        except BodyTooLarge as error:
            if started:
                raise
            await problem_of(error, scope["path"])(scope, receive, send)
