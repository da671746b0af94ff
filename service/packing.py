"""ASGI middleware: answers that are made on request go out compressed to those who take gzip."""

from __future__ import annotations

from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

# They bring their own compressed form, or are tensors, which would hardly shrink.
_AS_THEY_ARE: Final = ("/v1/forecasts/", "/v2/", "/web/", "/docs/")

_LEAST: Final = 1024
# A batch has 15 MB: higher levels take three times as long and save a tenth more.
_LEVEL: Final = 1


class Packing:
    """Compresses what is worth it; other requests do not pay for the look."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an app."""
        self._app = app
        self._packing = GZipMiddleware(app, minimum_size=_LEAST, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and scope["path"].startswith(_AS_THEY_ARE):
            await self._app(scope, receive, send)
        else:
            await self._packing(scope, receive, send)
