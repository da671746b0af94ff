"""Prometheus metrics: requests, the snapshot, refreshes. Labels have few values, whatever clients send."""

from __future__ import annotations

import time
from collections.abc import Iterable
from http import HTTPMethod
from typing import Final

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.model_host import ModelHost

# A forecast is a look-up of well under a millisecond; only the registry takes longer.
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS: Final = frozenset(HTTPMethod)


class Metrics:
    """The metrics of one app, in a registry of their own."""

    def __init__(self, host: ModelHost) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "forecaster_http_requests",
            "Requests by route template, method and status.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "forecaster_http_request_duration_seconds",
            "Time from a request to the end of its answer, by route template.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_HostMetrics(host))

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, method if method in _METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def page(self) -> Response:
        """All metrics in Prometheus' text format."""
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class RequestMetrics:
    """ASGI middleware that counts and times every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and observe its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # what the server answers where the app raises

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, watch)
        finally:
            # Routing leaves the matched route here; the path itself would make a label for every typo.
            route = getattr(scope.get("route"), "path_format", "unmatched")
            self._metrics.observe(route, scope["method"], status, time.perf_counter() - began)


class _HostMetrics(Collector):
    """What the host holds, read when Prometheus asks."""

    def __init__(self, host: ModelHost) -> None:
        self._host = host

    def collect(self) -> Iterable[Metric]:
        refreshes = CounterMetricFamily("forecaster_refreshes", "Refreshes by outcome.", labels=["outcome"])
        for outcome, count in sorted(self._host.outcomes.items()):
            refreshes.add_metric([outcome], count)
        yield refreshes
        held = self._host.snapshot
        ready, failing = float(held is not None), float(self._host.last_error is not None)
        yield GaugeMetricFamily("forecaster_ready", "1 while there are answers.", value=ready)
        yield GaugeMetricFamily("forecaster_refresh_failing", "1 after a failed refresh.", value=failing)
        if held is None:
            return
        age = (self._host.clock() - held.built_at).total_seconds()
        yield GaugeMetricFamily("forecaster_snapshot_age_seconds", "Since the answers were made.", value=age)
        yield GaugeMetricFamily("forecaster_symbols", "Symbols of the store.", value=len(held.diagnostics))
        yield GaugeMetricFamily("forecaster_stale_symbols", "Forecasts that lack a due session.", value=held.stale)
        model = GaugeMetricFamily("forecaster_model_info", "What answers.", labels=["name", "version"])
        model.add_metric([held.model.name, held.model.version], 1)
        yield model
