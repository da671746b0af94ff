"""How often this process did not take what came. Of the process: a connection knows no app."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter

REGISTRY: Final = CollectorRegistry()

_REFUSED: Final = Counter(
    "forecaster_refused",
    "Requests and connections that were not taken, by the reason.",
    ("reason",),
    registry=REGISTRY,
)

busy: Final = _REFUSED.labels("busy")
"""Requests that came while too many were under way."""

late: Final = _REFUSED.labels("late")
"""Connections whose request did not arrive in time."""

long: Final = _REFUSED.labels("long")
"""Connections whose request's head was too large."""

work: Final = _REFUSED.labels("work")
"""Answers that would have had to be worked out while too many were."""
