"""Asking a forecaster fold by fold, in this process: what runs beside it would take its cores."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from forecaster.backtest.folds import fold_of
from forecaster.backtest.kept import Kept, Result
from forecaster.backtest.task import Task
from forecaster.baselines.protocol import Forecaster, check_made
from forecaster.quiet import native_stderr_withheld

from .trial import Trial

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """A forecaster's walk through the trial.

    Attributes:
        table: its forecasts of all folds.
        notes: what it counted, added up over folds.
        seconds: how long it took.
    """

    table: pd.DataFrame
    notes: Mapping[str, int]
    seconds: float


def walk(
    forecaster: Forecaster,
    trial: Trial,
    levels: Sequence[float],
    seed: int,
    progress: Progress,
    kept: Kept | None = None,
    *,
    reuse: bool = False,
) -> Run:
    """Fit and forecast every fold.

    Args:
        forecaster: who is asked.
        trial: the folds.
        levels: of the quantiles.
        seed: of its training.
        progress: called with a line.
        kept: where results go.
        reuse: take what lies there on the same inputs.

    Raises:
        Unavailable: the forecaster cannot run here.
        ValueError: it gave forecasts that nobody asked for, twice, or without a value.
    """
    results = []
    for task in trial.tasks(forecaster, seed, levels):
        before = kept.get(task.name, task.inputs) if kept is not None and reuse else None
        result = before or _made(task, trial, progress)
        if kept is not None and before is None:
            kept.put(task.name, task.inputs, result)
        how = "kept from before" if before is not None else f"fitted at {task.span.refit}, {result.seconds:,.0f} s"
        progress(f"{task.label}: {how}, {len(result.table):,} origins")
        results.append(result)
    return _joined(results)


def walked(forecaster: Forecaster, trial: Trial, levels: Sequence[float], seed: int, kept: Kept) -> Run | None:
    """The whole walk as it was kept; None where a part of it is missing or rests on other inputs."""
    results = [kept.get(task.name, task.inputs) for task in trial.tasks(forecaster, seed, levels)]
    there = [one for one in results if one is not None]
    return _joined(there) if len(there) == len(results) else None


def _made(task: Task, trial: Trial, progress: Progress) -> Result:
    began = time.perf_counter()
    fold = fold_of(trial.bars, task.span)
    with native_stderr_withheld():
        made = task.contestant.fit_predict(fold, task.levels, task.seed, partial(_say, progress, task.label))
    check_made(made.table, fold.origins, task.levels, task.label)
    return Result(made.table, made.notes, time.perf_counter() - began)


def _joined(results: Sequence[Result]) -> Run:
    notes: Counter[str] = Counter()
    for one in results:
        notes.update(one.notes)
    table = pd.concat([one.table for one in results], ignore_index=True)
    return Run(table, dict(notes), sum(one.seconds for one in results))


def _say(progress: Progress, head: str, text: str) -> None:
    progress(f"{head}: {text}")
