"""The factory that puts the service together. Nothing is global: every app has its own host and metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from anyio.to_thread import run_sync
from fastapi import FastAPI

from service.errors import install
from service.metrics import Metrics, RequestMetrics
from service.model_host import ModelHost
from service.routes import diagnostics, forecasts, health, meta, models, symbols
from service.schemas.problem import Problem
from service.settings import ServiceSettings

_DESCRIPTION: Final = """
Forecasts of the next trading session's closing price, by a recurrent network trained on daily prices. Every forecast
comes with its uncertainty and with the record of such forecasts on held-out sessions: how wrong they were, by how
many sessions they trail the price, and whether they beat the trivial forecast *same as yesterday*. Read the
`verdict` before the number.

Prices of a forecast are as traded. Diagnostics are on adjusted closes. Errors are
[RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem documents. Nothing here is investment advice.
"""

_TAGS: Final = [
    {"name": "forecasts", "description": "What is expected of the next session."},
    {"name": "diagnostics", "description": "How such forecasts have done so far."},
    {"name": "symbols", "description": "What can be asked for."},
    {"name": "models", "description": "What serves, and what could."},
    {"name": "health", "description": "Probes."},
]


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The description, with the problem document that the error responses refer to."""
        described = super().openapi()
        described["components"]["schemas"].setdefault(Problem.__name__, Problem.model_json_schema())
        return described


def utc_now() -> datetime:
    """The present, with a time zone."""
    return datetime.now(UTC)


def create_app(settings: ServiceSettings, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The service as an ASGI app. Its lifespan runs the refreshes.

    Args:
        settings: where things are, and how often to look for news.
        clock: the present, with a time zone.
    """
    host = ModelHost(settings, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        host.start()
        try:
            yield
        finally:
            await run_sync(host.stop)

    app = _Api(
        title="Stock forecaster",
        version="1",
        description=_DESCRIPTION.strip(),
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
    )
    app.state.host = host
    app.state.metrics = Metrics(host)
    app.add_middleware(RequestMetrics, metrics=app.state.metrics)
    install(app)
    for resource in (forecasts, diagnostics, symbols, models, health, meta):
        app.include_router(resource.router)
    return app
