"""Each container killed, left away for a while, and started again, while requests run; then one more pass."""

from __future__ import annotations

import json
import time
from typing import Final

from benchmarks.composed.crashes import CONTAINERS
from benchmarks.composed.passes import another
from benchmarks.composed.stack import Stack, waited
from benchmarks.serving.finding import Finding
from benchmarks.serving.steady import Steady

_AWAY_SECONDS: Final = 10.0
_BACK_SECONDS: Final = 120.0
# Without these two the service cannot tell whether there is a newer model.
_REGISTRY: Final = ("mlflow", "postgres")


def outages(stack: Stack, steady: Steady) -> list[Finding]:
    """Whether answers go on without the others, say so, and everything is there when all is back."""
    before = _versions(stack)
    found = [one for container in CONTAINERS for one in _outage(stack, steady, container)]
    after = _versions(stack)
    another(stack)
    return [
        *found,
        Finding("outages", "versions in the registry that are not there any more", len(before - after), 0),
        Finding("outages", "a pass after all that: versions that it trained", len(_versions(stack) - after), 1, True),
    ]


def _outage(stack: Stack, steady: Steady, container: str) -> list[Finding]:
    killed = time.time()
    stack.run("kill", container)
    gone = time.time()
    if container in _REGISTRY:
        waited(lambda: any(one.stale_reason for one in steady.between(gone, time.time())), "answers that say so")
    time.sleep(_AWAY_SECONDS)
    asked = steady.between(killed, time.time())
    stale = sum(bool(one.stale_reason) for one in asked)
    began = time.time()
    stack.run("start", container)
    waited(lambda: stack.life(container) != "", f"{container} started")
    waited(stack.whole, f"answers from the registry after {container} was started")
    back = time.time()
    waited(lambda: bool(steady.between(back, time.time())), "an answer")
    asked += steady.between(began, back)
    failed = [one for one in asked if one.status != 200]
    part = f"{container} away"
    found = [
        Finding("outages", f"{part}: for [s]", began - gone),
        Finding("outages", f"{part}: from its start until all is as before [s]", back - began, _BACK_SECONDS),
        Finding("outages", f"{part}: requests meanwhile", len(asked), 1, True),
        Finding("outages", f"{part}: requests that failed", len(failed), None if container == "service" else 0),
    ]
    if container in _REGISTRY:
        found.append(Finding("outages", f"{part}: answers that said that they may be old", stale, 1, True))
    return found


def _versions(stack: Stack) -> set[str]:
    return {one["version"] for one in json.loads(stack.inside("scheduler", "forecaster", "models", "list", "--json"))}
