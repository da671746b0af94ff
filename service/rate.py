"""ASGI middleware: how much one key, or one address without a key, may ask in a minute.

Each process counts for itself: with several workers a caller may ask as many times as much.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from service.access import route_path
from service.buckets import Buckets, TooManyRequests, address_of
from service.errors import problem_of

# Whoever watches the service must be told the truth at all times, and one look at a page fetches dozens of files.
_NEVER: Final = ("/health/", "/v2/health/", "/web/", "/docs/")
_NEVER_EITHER: Final = frozenset(("/metrics", "/", "/docs", "/openapi.json"))


class RateLimit:
    """Lets a caller's requests pass as long as there are tokens in its bucket. Stands behind `service.access`."""

    def __init__(self, app: ASGIApp, per_minute: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Wrap an app.

        Args:
            app: what answers.
            per_minute: requests a caller may make in a minute, which may come at once; None sets no limit.
            clock: seconds that never go back.
        """
        self._app = app
        self._clock = clock
        self._buckets = None if per_minute is None else Buckets(per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        if self._buckets is None or scope["type"] != "http" or self._unlimited(scope):
            await self._app(scope, receive, send)
            return
        identity = scope.get("state", {}).get("identity")
        # An address cannot be taken for a key's name: no name holds a slash.
        caller = f"key/{identity}" if identity else address_of(scope)
        wait = self._buckets.take(caller, self._clock())
        if wait is None:
            await self._app(scope, receive, send)
            return
        refusal = problem_of(TooManyRequests(self._buckets.per_minute), scope["path"], retry_after=wait)
        await refusal(scope, receive, send)

    @staticmethod
    def _unlimited(scope: Scope) -> bool:
        path = route_path(scope)
        return path in _NEVER_EITHER or path.startswith(_NEVER)
