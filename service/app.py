"""The factory that puts the service together. Nothing is global: every app has its own host and metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final

from anyio.to_thread import run_sync
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from service.access import Access, describe_access
from service.auth import configured_keys
from service.body import BodyLimit
from service.clock import utc_now
from service.errors import install
from service.front import Front
from service.metrics import Metrics
from service.model_host import ModelHost
from service.packing import Packing
from service.rate import RateLimit
from service.routes import (
    admin,
    dashboard,
    diagnostics,
    forecasts,
    gates,
    health,
    jobs,
    meta,
    models,
    oip,
    prices,
    schedule,
    symbols,
)
from service.schemas.problem import Problem
from service.schemas.requests import describe as describe_requests
from service.schemas.requests import describe_model
from service.settings import ServiceSettings
from service.working import Workbench

_DESCRIPTION: Final = """
Forecasts of the next trading session's closing price, by a recurrent network trained on daily prices. Every forecast
comes with its uncertainty and with the record of such forecasts on held-out sessions: how wrong they were, by how
many sessions they trail the price, and whether they beat the trivial forecast *same as yesterday*. Read the
`verdict` before the number.

Prices of a forecast are as traded. Diagnostics are on adjusted closes. Errors are
[RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem documents. Nothing here is investment advice.
"""

_WARM_SECONDS: Final = 15

_TAGS: Final = [
    {"name": "forecasts", "description": "What is expected of the next session."},
    {"name": "diagnostics", "description": "How such forecasts have done so far."},
    {"name": "prices", "description": "The bars that forecasts are made from."},
    {"name": "gates", "description": "What happens inside the network."},
    {"name": "symbols", "description": "What can be asked for."},
    {"name": "models", "description": "What serves, and what could."},
    {"name": "jobs", "description": "Trainings that run beside the service, and the scheduler."},
    {"name": "inference", "description": "The network itself, by the Open Inference Protocol, version 2."},
    {"name": "health", "description": "Probes."},
]


class _Api(FastAPI):
    """FastAPI behind the layers that every request passes, errors that nothing else catches included."""

    layers: tuple[Callable[[ASGIApp], ASGIApp], ...] = ()

    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's own stack within ours; the first layer is the outermost."""
        stack = super().build_middleware_stack()
        for layer in reversed(self.layers):
            stack = layer(stack)
        return stack

    def openapi(self) -> dict[str, Any]:
        """The description, with the problem document that the error responses refer to."""
        described = super().openapi()
        described["components"]["schemas"].setdefault(Problem.__name__, Problem.model_json_schema())
        describe_requests(described, self.state.host.settings.max_batch)
        describe_model(described, self.state.host.settings.model)
        describe_access(described, open_read=self.state.host.settings.open_read)
        return described


def create_app(
    settings: ServiceSettings,
    *,
    clock: Callable[[], datetime] = utc_now,
    access_log: bool = False,
    host: ModelHost | None = None,
) -> FastAPI:
    """The service as an ASGI app. Its lifespan runs the refreshes.

    Args:
        settings: where things are, and how often to look for news.
        clock: the present, with a time zone.
        access_log: whether every request is logged.
        host: what is served, where loading has begun before.

    Raises:
        MalformedKeys: the API keys cannot be read.
    """
    host = host or ModelHost(settings, clock)
    workbench = Workbench(settings.max_working, settings.request_seconds)
    keys = configured_keys(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        host.start()
        # Whoever asks gets an answer, unless loading takes longer than whoever watches the start would wait.
        await run_sync(host.tried.wait, _WARM_SECONDS)
        try:
            yield
        finally:
            workbench.close()
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
    app.state.workbench = workbench
    app.state.metrics = Metrics(host)
    app.layers = (
        partial(Front, metrics=app.state.metrics, access_log=access_log),
        *([_cors(settings.cors_origins)] if settings.cors_origins else []),
        partial(Access, keys=keys, open_read=settings.open_read, routes=app.routes),
        partial(RateLimit, per_minute=settings.rate_per_minute),
        partial(BodyLimit, limit=settings.max_body_bytes),
        Packing,
    )
    install(app)
    data = (forecasts, diagnostics, prices, gates, symbols, models, admin, jobs, schedule, oip)
    for resource in (*data, health, meta, dashboard):
        app.include_router(resource.router)
    app.router.routes[:0] = forecasts.ready.routes
    return app


def _cors(origins: tuple[str, ...]) -> Callable[[ASGIApp], ASGIApp]:
    return partial(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "x-api-key", "content-type", "if-none-match"],
        expose_headers=["etag", "retry-after", "x-request-id"],
    )
