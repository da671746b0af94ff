"""The walks put together: scores on common ground, means over seeds, targets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from forecaster.backtest.table import compared

from .registered import NAMES, OURS
from .running import Run
from .scores import Score, against_yardstick, over_seeds, score
from .targets import Target, targets
from .trial import Trial


@dataclass(frozen=True, slots=True)
class Line:
    """A forecaster, or one seed of it.

    Attributes:
        label: for people.
        name, seed: whose; the seed is None for the mean over them, and for a forecaster that has none.
        score: its figures.
        errors: standard errors over seeds; None without several.
        forecasts: how many it gave, before the common ones were taken.
        seconds, notes: what it took, and what it counted, added up over seeds.
    """

    label: str
    name: str
    seed: int | None
    score: Score
    errors: Mapping[str, float] | None
    forecasts: int
    seconds: float
    notes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """What came out.

    Attributes:
        head: what was forecast, in a few lines.
        facts: the same for programs.
        lines: forecasters in order, each seed after its mean.
        absent: forecasters without forecasts -> why.
        targets: of ours; empty without it.
    """

    head: str
    facts: Mapping[str, Any]
    lines: tuple[Line, ...]
    absent: Mapping[str, str]
    targets: tuple[Target, ...]


def make_report(
    source: str,
    trial: Trial,
    runs: Mapping[tuple[str, int | None], Run],
    levels: Sequence[float],
    absent: Mapping[str, str],
) -> Report:
    """Score everything on common ground.

    Args:
        source: where the prices are from, for people.
        trial: the walk.
        runs: (name, seed) -> its forecasts; the seed is None for a forecaster that has none. At least one.
        levels: of the quantiles.
        absent: forecasters without forecasts -> why.

    Raises:
        ValueError: no symbol-session was forecast by all.
    """
    labels = {_label(*key): key for key in runs}
    found = compared(trial.outcomes, {(label, 0): runs[key].table for label, key in labels.items()}, levels)
    rows = {str(label): own for label, own in found.table.groupby("model", sort=False)}
    if not found.common:
        raise ValueError("expected symbol-sessions that every forecaster gave, and there are none")
    scores = against_yardstick({label: score(table, levels) for label, table in rows.items()})
    lines: list[Line] = []
    for name in NAMES:
        lines += _lines(name, {key: runs[key] for key in runs if key[0] == name}, scores)
    first = next(iter(rows.values()))
    facts = _facts(source, trial, first, found.common)
    aims = next((targets(line.score) for line in lines if line.name == OURS and line.seed is None), [])
    return Report(_head(facts), facts, tuple(lines), dict(absent), tuple(aims))


def as_json(report: Report) -> dict[str, Any]:
    """JSON-ready: figures that do not exist are null."""
    return {
        "trial": dict(report.facts),
        "forecasters": [
            {
                "name": line.name,
                "seed": line.seed,
                "metrics": _plain(line.score.values),
                "standard_errors_over_seeds": None if line.errors is None else _plain(line.errors),
                "quarters": [asdict(quarter) for quarter in line.score.quarters],
                "forecasts": line.forecasts,
                "seconds": round(line.seconds, 1),
                "notes": dict(line.notes),
            }
            for line in report.lines
        ],
        "left_out": dict(report.absent),
        "targets": [asdict(target) for target in report.targets],
    }


def _lines(name: str, own: Mapping[tuple[str, int | None], Run], scores: Mapping[str, Score]) -> list[Line]:
    if not own:
        return []
    seeds = [
        Line(_label(*key), name, key[1], scores[_label(*key)], None, len(run.table), run.seconds, run.notes)
        for key, run in own.items()
    ]
    if seeds[0].seed is None:
        return seeds
    mean, errors = over_seeds([line.score for line in seeds])
    notes: dict[str, int] = {}
    for line in seeds:
        for text, count in line.notes.items():
            notes[text] = notes.get(text, 0) + count
    label = f"{name}, {len(seeds)} seeds" if len(seeds) > 1 else name
    total = sum(line.forecasts for line in seeds)
    whole = Line(label, name, None, mean, errors, total, sum(line.seconds for line in seeds), notes)
    return [whole, *(seeds if len(seeds) > 1 else [])]


def _label(name: str, seed: int | None) -> str:
    return name if seed is None else f"  {name} {seed}"


def _facts(source: str, trial: Trial, rows: pd.DataFrame, count: int) -> dict[str, Any]:
    return {
        "source": source,
        "symbols": int(rows["symbol"].nunique()),
        "first_origin": str(trial.outcomes["origin"].min().date()),
        "last_origin": str(trial.outcomes["origin"].max().date()),
        "sessions": trial.sessions,
        "refits": [str(span.refit) for span in trial.folds],
        "symbol_sessions": len(trial.outcomes),
        "forecast_by_all": count,
        "fingerprint": trial.prices[-1],
    }


def _head(facts: Mapping[str, Any]) -> str:
    return (
        f"{facts['source']}: {facts['symbols']} symbols, {facts['sessions']} sessions of origins from "
        f"{facts['first_origin']} to {facts['last_origin']}, fitted at {', '.join(facts['refits'])}\n"
        f"{facts['forecast_by_all']:,} of {facts['symbol_sessions']:,} symbol-sessions were forecast by all: "
        "these are compared"
    )


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}
