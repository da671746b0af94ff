"""Two passes in the scheduler's container: the first version, and one that beats it while requests run."""

from __future__ import annotations

import json
import math
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.composed.stack import Stack, waited
from benchmarks.serving import home
from benchmarks.serving.finding import Finding
from benchmarks.serving.steady import Steady

_HOME: Final = "/var/lib/forecaster"
# There is momentum to be learnt, and one epoch learns less of it than four. The gate's own thresholds decide.
_MARKET: Final = "make_prices(Path({home!r}), 20, 700, momentum=0.4)"
_FIRST: Final = "[train]\nepochs = 1\n"
_SECOND: Final = "[train]\nepochs = 4\nlearning_rate = 0.003\n"
_TAKEN_UP_SECONDS: Final = 10.0
# Whatever the deployment's own passes fetch and learn from.
_WHOSE: Final = {"FORECASTER_RETRAIN__PROVIDER": "none", "FORECASTER_RETRAIN__UNIVERSE": ""}


def plant(stack: Stack) -> list[Finding]:
    """Give an empty stack a market and its first version, and wait until the service answers from it."""
    program = f"{Path(home.__file__).read_text(encoding='utf-8')}\n{_MARKET.format(home=_HOME)}\n"
    stack.inside("scheduler", "python", "-", given=program)
    began = time.perf_counter()
    told = _pass(stack, _FIRST)
    taken = time.perf_counter() - began
    up = waited(stack.whole, "answers after the first pass")
    return [
        Finding("passes", "the first pass: promoted, of its gate's own accord", _promoted(told), 1, True),
        Finding("passes", "the first pass took [s]", taken),
        Finding("passes", "the first pass: until the service answered [s]", up, _TAKEN_UP_SECONDS),
    ]


def passes(stack: Stack, steady: Steady) -> list[Finding]:
    """A pass that trains a better version while requests run."""
    began = time.time()
    told = another(stack)
    ended = time.time()
    trained = told["train"]["evidence"]["version"]
    if _promoted(told):
        waited(lambda: _served(stack) == trained, f"version {trained} served")
    asked = steady.between(began, time.time())
    new = [one.at + one.seconds for one in asked if one.version == trained]
    promoting = datetime.fromisoformat(told["promote"]["started"]).timestamp()
    return [
        Finding("passes", "the second pass: promoted, of its gate's own accord", _promoted(told), 1, True),
        Finding("passes", "the second pass took [s]", ended - began),
        Finding("passes", "requests meanwhile", len(asked), 1, True),
        Finding("passes", "requests meanwhile that failed", sum(one.status != 200 for one in asked), 0),
        Finding("passes", "versions that answered", len({one.version for one in asked}), 2, True),
        Finding("passes", "processes that answered", len({one.process for one in asked}), 1),
        Finding(
            "passes",
            "from the order to promote to an answer of the new version [s]",
            min(new, default=math.inf) - promoting,
            _TAKEN_UP_SECONDS,
        ),
    ]


def another(stack: Stack) -> dict[str, Any]:
    """One more pass, after whatever was done to the stack: its steps by name."""
    return _pass(stack, _SECOND, "--force-train")


def _pass(stack: Stack, spec: str, *options: str) -> dict[str, Any]:
    file = f"{_HOME}/trial.toml"
    stack.inside("scheduler", "sh", "-c", f"cat > {file}", given=spec)
    told = stack.inside(
        "scheduler",
        *("forecaster", "retrain", "--json", "--wait", "600", *options),
        environment={**_WHOSE, "FORECASTER_RETRAIN__SPEC": file},
        checked=False,
    )
    if not told.startswith("{"):
        raise SystemExit(
            "expected the record of a pass, got nothing: run forecaster retrain in the scheduler to see why"
        )
    steps = {step["name"]: step for step in json.loads(told)["steps"]}
    if broken := [step for step in steps.values() if step["state"] in ("failed", "timed_out")]:
        raise SystemExit(f"expected a pass that is done, but {broken[0]['name']} failed: {broken[0]['detail']}")
    return steps


def _promoted(told: dict[str, Any]) -> bool:
    return told["gate"]["state"] == "done" and bool(told["gate"]["evidence"].get("promote"))


def _served(stack: Stack) -> str:
    told = stack.ready()
    return "" if told is None else str(told["model"]["version"])
