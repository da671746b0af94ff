"""Prometheus metrics: requests, the snapshot, refreshes, limits. Labels have few values, whatever clients send.

With several workers each counts its own requests in files that all of them read when Prometheus asks one
(PROMETHEUS_MULTIPROC_DIR, which `forecaster serve` sets); what a snapshot holds is told by the worker that is asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPMethod
from time import perf_counter
from typing import Final

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from forecaster.diagnostics.verdict import VerdictCode
from forecaster.heartbeat import HeartbeatFolder
from service import refused
from service.model_host import ModelHost

# A forecast is a look-up of well under a millisecond; only the registry takes longer.
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS: Final = frozenset(HTTPMethod)
_SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The metrics of one app, in a registry of their own."""

    def __init__(self, host: ModelHost) -> None:
        self._registry = CollectorRegistry()
        self._host = _HostMetrics(host)
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
        self._inference = Histogram(
            "forecaster_inference_seconds",
            "Time to work out what does not lie ready, by what was asked for: own_bars, as_of, windows.",
            ("kind",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        # Looking labels up takes longer than counting.
        self._observers: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (route, method if method in _METHODS else "other", status)
        found = self._observers.get(key)
        if found is None:
            request = self._requests.labels(key[0], key[1], str(status))
            found = self._observers[key] = (request.inc, self._seconds.labels(route).observe)
        found[0]()
        found[1](seconds)

    @contextmanager
    def inference(self, kind: str) -> Iterator[None]:
        """Time what happens within, as one forecast of a kind."""
        began = perf_counter()
        yield
        self._inference.labels(kind).observe(perf_counter() - began)

    def page(self) -> Response:
        """All metrics in Prometheus' text format."""
        if _SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            counted = [registry]
        else:
            counted = [self._registry, refused.REGISTRY]
        own = CollectorRegistry()
        own.register(self._host)
        text = b"".join(generate_latest(one) for one in (*counted, own))
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


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
        yield from _scheduler(self._host)
        if held is None:
            return
        age = (self._host.clock() - held.built_at).total_seconds()
        yield GaugeMetricFamily("forecaster_snapshot_age_seconds", "Since the answers were made.", value=age)
        yield GaugeMetricFamily("forecaster_symbols", "Symbols of the store.", value=len(held.listed))
        yield GaugeMetricFamily("forecaster_snapshot_seconds", "What making them took.", value=held.seconds)
        yield GaugeMetricFamily("forecaster_data_version", "Of the price table behind them.", value=held.data_version)
        verdicts = GaugeMetricFamily("forecaster_verdicts", "Forecasts by the head of their verdict.", labels=["code"])
        for code in VerdictCode:
            verdicts.add_metric([code.value], held.verdicts.get(code.value, 0))
        yield verdicts
        yield GaugeMetricFamily("forecaster_stale_symbols", "Forecasts that lack a due session.", value=held.stale)
        model = GaugeMetricFamily("forecaster_model_info", "What answers.", labels=["name", "version"])
        model.add_metric([held.model.name, held.model.version], 1)
        yield model


def _scheduler(host: ModelHost) -> Iterator[Metric]:
    """What its heartbeat tells; nothing where none was ever started, since no age is not an age of zero."""
    seen = HeartbeatFolder(host.settings.home).look(host.settings.model, host.clock())
    if seen.heartbeat is None or seen.age is None:
        return
    name = "forecaster_schedule_heartbeat_age_seconds"
    yield GaugeMetricFamily(name, "Since the scheduler spoke last.", value=seen.age)
    name = "forecaster_schedule_failures_in_a_row"
    yield GaugeMetricFamily(name, "Passes that failed since one succeeded.", value=seen.heartbeat.failures)
