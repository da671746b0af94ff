"""Doing tasks until all have a result or a reason: those of a process that died are done again."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from forecaster.backtest.alone import perform_apart
from forecaster.backtest.engine import Engine, opened
from forecaster.backtest.errors import EngineFailed
from forecaster.backtest.kept import Kept
from forecaster.backtest.prices import Prices
from forecaster.backtest.task import Task, longest_first

TRIES: Final = 3
_LOOK_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is.

    Attributes:
        done, total: tasks.
        part: of the work, from 0 to 1, by about how long each task takes.
        running: what is being done, in words.
    """

    done: int
    total: int
    part: float
    running: tuple[str, ...]


def work(
    tasks: Sequence[Task],
    prices: Prices,
    kept: Kept,
    engine: Engine,
    jobs: int | None = None,
    address: str | None = None,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, str]:
    """Do what has no result yet.

    A process may die, of too little memory for example, and take with it what others were at. All that had begun and
    has no result is then done again, one at a time, so that a task which kills its process kills no other.

    Returns:
        The names of tasks without a result -> why.

    Raises:
        EngineUnavailable: nobody is there to do them.
        EngineFailed: the engine broke, before any task had begun, `TRIES` times.
    """
    for task in tasks:
        kept.clear(task.name)
    pending = longest_first([task for task in tasks if not kept.has(task.name, task.inputs)])
    failed: dict[str, str] = {}
    if not pending:
        return failed
    deaths: Counter[str] = Counter()
    idle = 0
    with _watched(tasks, kept, progress), opened(engine, jobs, address) as do:
        while pending:
            unharmed = [task for task in pending if not deaths[task.name]]
            batch = unharmed or pending[:1]
            reason = "nobody did them"
            try:
                do([(perform_apart, (task, prices, kept, os.getpid())) for task in batch])
            except Exception as error:  # each engine has errors of its own for a process that died
                reason = _line(error)
            died = [task.name for task in batch if kept.begun(task.name) is not None]
            deaths.update(died)
            for task in batch:
                why = kept.failure(task.name)
                if deaths[task.name] >= TRIES:
                    why = f"it was broken off {TRIES} times: {reason}"
                if why is not None:
                    failed[task.name] = why
            left = [task for task in pending if task.name not in failed and not kept.has(task.name, task.inputs)]
            idle = idle + 1 if len(left) == len(pending) and not died else 0
            if idle == TRIES:
                raise EngineFailed(engine, TRIES, reason)
            pending = left
            for task in pending:
                kept.clear(task.name)
    return failed


@contextmanager
def _watched(tasks: Sequence[Task], kept: Kept, progress: Callable[[Progress], None]) -> Iterator[None]:
    """Tell how far it is, from what lies in the folder: that is the same for every engine."""
    stop = threading.Event()
    done: set[str] = set()
    total = sum(task.seconds for task in tasks)

    def look() -> None:
        running = []
        for task in tasks:
            if task.name in done:
                continue
            begun = kept.begun(task.name)
            if begun is not None:
                running.append(f"{task.label}{': ' if begun else ''}{begun}")
            elif kept.failure(task.name) is not None or kept.has(task.name, task.inputs):
                done.add(task.name)
        part = sum(task.seconds for task in tasks if task.name in done) / total
        progress(Progress(len(done), len(tasks), part, tuple(running)))

    def watch() -> None:
        while not stop.wait(_LOOK_SECONDS):
            look()

    look()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
        look()


def _line(error: Exception) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
