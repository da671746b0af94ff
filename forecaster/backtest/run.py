"""A backtest from the store to the table of forecasts, kept in a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from filelock import FileLock, Timeout

from data.bars import Bars
from data.errors import EmptyStore
from data.store import PriceStore
from forecaster.backtest.contestant import Network
from forecaster.backtest.engine import Engine
from forecaster.backtest.errors import BacktestBusy, NothingToCompare
from forecaster.backtest.facts import Costs, facts_of
from forecaster.backtest.folds import Plan, Span, outcomes_of, sessions_of, spans
from forecaster.backtest.kept import Kept, write_table, write_text
from forecaster.backtest.prices import StoredPrices, fingerprints
from forecaster.backtest.table import Key, compared
from forecaster.backtest.task import Task
from forecaster.backtest.work import Progress, work
from forecaster.baselines.protocol import Forecaster


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came out.

    Attributes:
        table: as `Compared.table`.
        levels: of the quantiles.
        facts: JSON-ready, as in `backtest.json`: what was asked, of which prices, and what is missing.
        folder: where all of it lies.
    """

    table: pd.DataFrame
    levels: tuple[float, ...]
    facts: Mapping[str, Any]
    folder: Path

    @property
    def complete(self) -> bool:
        """Whether every contestant forecast every fold."""
        return bool(self.facts["complete"])


def run_backtest(
    store: PriceStore,
    contestants: Sequence[Forecaster],
    plan: Plan,
    levels: Sequence[float],
    *,
    now: datetime,
    home: Path,
    folder: Path | None = None,
    symbols: Sequence[str] | None = None,
    seeds: Sequence[int] = (),
    engine: Engine = "local",
    address: str | None = None,
    jobs: int | None = None,
    fresh: bool = False,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Backtest:
    """Let every contestant forecast every fold, and put what all of them forecast into one table.

    Results are kept as they come: the same call goes on where an earlier one was ended.

    Args:
        store: where the prices are; with a cluster, as all of its machines reach it.
        contestants: who forecasts, of different names.
        plan: the folds.
        levels: of the quantiles, which every contestant can give.
        now: when, for the record.
        home: where folders of backtests are, each named by what it rests on.
        folder: another one to use; with a cluster, one that all of its machines reach.
        symbols: whose prices; None takes all.
        seeds: of what is trained; without any, the seed of each spec.
        engine, address, jobs: who does the work; see `forecaster.backtest.engine.opened`.
        fresh: do all of it anew.
        progress: called about twice a second.

    Raises:
        DataError: there are no prices.
        SpanError: the folds do not fit the prices.
        BacktestError: the engine is not there or broke, another process is at it, or nothing can be compared.
    """
    data_version = store.version()
    if data_version is None:
        raise EmptyStore(store.uri)
    bars = store.read(symbols, version=data_version)
    folds = spans(sessions_of(bars), plan)
    tasks = _tasks(bars, contestants, folds, tuple(levels), seeds)
    # A worker of a cluster that runs already has another working directory.
    folder = (folder or home / _key(tasks)).absolute()
    kept = Kept(folder / "tasks")
    prices = StoredPrices(store.absolute_uri, data_version, None if symbols is None else tuple(symbols))
    with _only_writer(folder):
        if fresh:
            for task in tasks:
                kept.forget(task.name)
        failed = work(tasks, prices, kept, engine, jobs, address, progress)
        made, costs = _gathered(tasks, kept, failed)
        found = compared(outcomes_of(bars, folds), made, levels)
        if not made or not found.common:
            reasons = {task.label: failed[task.name] for task in tasks if task.name in failed}
            raise NothingToCompare({name: len(table) for (name, _), table in made.items()}, reasons)
        facts = facts_of(now, data_version, bars, plan, folds, tasks, found, costs, failed)
        write_table(folder / "forecasts.parquet", pa.Table.from_pandas(found.table, preserve_index=False))
        write_text(folder / "backtest.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    return Backtest(found.table, tuple(levels), facts, folder)


def _tasks(
    bars: Bars,
    contestants: Sequence[Forecaster],
    folds: Sequence[Span],
    levels: tuple[float, ...],
    seeds: Sequence[int],
) -> list[Task]:
    session = bars.frame["session"].to_numpy().astype("datetime64[D]")
    seen = fingerprints(bars, folds)
    tasks = []
    for contestant in contestants:
        own = tuple(dict.fromkeys(seeds)) if contestant.seeded else (0,)
        if not own:
            own = (contestant.training.seed,) if isinstance(contestant, Network) else (0,)
        for seed in own:
            for span, prices in zip(folds, seen, strict=True):
                known = session <= span.refit
                if span.begins is not None:
                    known &= session >= span.begins
                tasks.append(Task(contestant, span, seed, levels, prices, int(known.sum())))
    return tasks


def _gathered(tasks: Sequence[Task], kept: Kept, failed: Mapping[str, str]) -> tuple[dict[Key, pd.DataFrame], Costs]:
    """The forecasts of each contestant over all folds, and what they took.

    One that failed in a fold is left out as a whole: the others would lose that fold's sessions.
    """
    lost = {(task.contestant.name, task.seed) for task in tasks if task.name in failed}
    tables: dict[Key, list[pd.DataFrame]] = {}
    costs: dict[Key, tuple[float, dict[str, int]]] = {}
    for task in tasks:
        key = task.contestant.name, task.seed
        result = None if key in lost else kept.get(task.name, task.inputs)
        if result is None:
            continue
        tables.setdefault(key, []).append(result.table)
        seconds, notes = costs.get(key, (0.0, {}))
        costs[key] = (
            seconds + result.seconds,
            {name: notes.get(name, 0) + count for name, count in {**dict.fromkeys(notes, 0), **result.notes}.items()},
        )
    return {key: pd.concat(several, ignore_index=True) for key, several in tables.items()}, costs


def _key(tasks: Sequence[Task]) -> str:
    """What a backtest rests on, as the name of a folder."""
    return hashlib.sha256("\n".join(sorted(f"{task.name} {task.inputs}" for task in tasks)).encode()).hexdigest()[:12]


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise BacktestBusy(folder) from None
    try:
        yield
    finally:
        lock.release()
