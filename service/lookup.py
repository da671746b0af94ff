"""Routes whose answer lies ready, so that the way to it is what takes time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from data.symbols import parse_symbol


class LookUp(APIRoute):
    """A route below which a symbol stands, described like any other.

    FastAPI takes as long to work out what an endpoint's parameters are as the whole answer takes otherwise. Where there
    is nothing but the symbol, it is checked and the endpoint called; with a query the request takes the usual way.
    """

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """What answers a request."""
        usual: Callable[[Request], Any] = super().get_route_handler()
        endpoint: Callable[..., Awaitable[Response]] = self.endpoint

        async def answer(request: Request) -> Response:
            if request.scope["query_string"]:
                found: Response = await usual(request)
                return found
            return await endpoint(request=request, symbol=parse_symbol(request.path_params["symbol"]))

        return answer
