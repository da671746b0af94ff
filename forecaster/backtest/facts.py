"""What a backtest was, for `backtest.json`, for scripts and for the page: what was asked, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np

from data.bars import Bars
from forecaster.backtest.folds import Plan, Span
from forecaster.backtest.prices import fingerprints
from forecaster.backtest.table import Compared, Key
from forecaster.backtest.task import Task

# Of each model: seconds of computing, and what it counted.
Costs = Mapping[Key, tuple[float, dict[str, int]]]

_LIBRARIES: Final = (
    "stock-forecaster",
    "tensorflow",
    "keras",
    "onnxruntime",
    "numpy",
    "pandas",
    "scipy",
    "arch",
    "statsmodels",
    "joblib",
)


def facts_of(
    now: datetime,
    data_version: int,
    bars: Bars,
    plan: Plan,
    folds: Sequence[Span],
    tasks: Sequence[Task],
    found: Compared,
    costs: Costs,
    failed: Mapping[str, str],
) -> dict[str, Any]:
    """JSON-ready facts.

    Args:
        now: when.
        data_version: of the store.
        bars: all that were read.
        plan, folds: what was asked for, and what that came to.
        tasks: what was to be done.
        found: the forecasts on common ground.
        costs: of each model that forecast all folds.
        failed: names of tasks without a result -> why.
    """
    return {
        "created": now.isoformat(timespec="seconds"),
        "complete": not failed,
        "data": {
            "version": data_version,
            "fingerprint": fingerprints(bars, folds[-1:])[0],
            "bars": len(bars),
            "symbols": list(bars.symbols),
        },
        "levels": list(tasks[0].levels),
        "plan": {name: _plain(value) for name, value in asdict(plan).items()},
        "folds": [{name: _plain(value) for name, value in asdict(span).items()} for span in folds],
        "contestants": _contestants(tasks, found, costs),
        "origins": {"asked": found.asked, "common": found.common},
        "failed": {task.label: failed[task.name] for task in tasks if task.name in failed},
        "libraries": _libraries(),
    }


def _contestants(tasks: Sequence[Task], found: Compared, costs: Costs) -> list[dict[str, Any]]:
    """One entry a model and seed; `missing` symbol-sessions, seconds and notes are null for one that failed."""
    by_key = {(task.contestant.name, task.seed): task.contestant for task in tasks}
    return [
        {
            "name": name,
            "seed": seed if contestant.seeded else None,
            "settings": json.loads(json.dumps(contestant.settings())),
            "missing": found.missing.get((name, seed)),
            "seconds": round(costs[name, seed][0], 1) if (name, seed) in costs else None,
            "notes": costs[name, seed][1] if (name, seed) in costs else None,
        }
        for (name, seed), contestant in by_key.items()
    ]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, np.datetime64 | date) else value


def _libraries() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a baseline or an engine that is not installed
            continue
    return found
