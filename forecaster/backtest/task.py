"""One piece of work: a contestant forecasts a fold, in whatever process the engine gives it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from data.errors import DataError
from forecaster.backtest.contestant import Network
from forecaster.backtest.folds import Span, fold_of
from forecaster.backtest.kept import Kept, Result
from forecaster.backtest.orphan import end_with
from forecaster.backtest.prices import Prices
from forecaster.baselines.protocol import Forecaster, Unavailable, check_made
from forecaster.errors import ForecasterError
from forecaster.quiet import native_stderr_withheld

# Raised when the same inputs would give other forecasts.
_FORM: Final = 1

# Seconds of one core for 200,000 known bars: what is longest is begun first, and the time left is told from it.
_SECONDS: Final = {"naive": 2.0, "drift": 2.0, "ewma": 1.0, "garch": 6.0, "ets": 20.0}
_BARS: Final = 200_000
_SECONDS_A_WEIGHT: Final = 3.3e-4


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done.

    Attributes:
        contestant: who forecasts.
        span: which fold.
        seed: of its training; 0 for a contestant that has none.
        levels: of the quantiles.
        prices: fingerprint of the bars that the fold may see.
        bars: about how many of them are known at the refit.
    """

    contestant: Forecaster
    span: Span
    seed: int
    levels: tuple[float, ...]
    prices: str
    bars: int

    @property
    def name(self) -> str:
        """Of its files: unique in a backtest."""
        contestant = re.sub(r"[^A-Za-z0-9._-]", "_", self.contestant.name)
        seed = f"-seed-{self.seed}" if self.contestant.seeded else ""
        return f"{contestant}{seed}-fold-{self.span.number}"

    @property
    def label(self) -> str:
        """For people."""
        seed = f" (seed {self.seed})" if self.contestant.seeded else ""
        return f"{self.contestant.name}{seed}, fold {self.span.number} of {self.span.of}"

    @property
    def inputs(self) -> str:
        """The fingerprint of all that its forecasts rest on; the code and its libraries are not among it."""
        span = [str(one) for one in (self.span.begins, self.span.refit, self.span.first, self.span.last)]
        parts: list[Any] = [_FORM, self.contestant.name, self.contestant.settings(), self.seed, self.prices, span]
        text = json.dumps([*parts, self.levels], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def seconds(self) -> float:
        """About how long it takes on one core."""
        part = self.bars / _BARS
        if not isinstance(self.contestant, Network):
            return part * _SECONDS.get(self.contestant.name, 10.0)
        spec, training = self.contestant.spec, self.contestant.training
        widths = (len(spec.features), *spec.units)
        weights = sum(own * (own + before) for before, own in zip(widths, spec.units, strict=False))
        # With early stopping most of the epochs are never begun.
        epochs = min(training.epochs, training.patience + 2) if training.patience else training.epochs
        return 10.0 + part * _SECONDS_A_WEIGHT * epochs * spec.lookback * weights


def perform(task: Task, prices: Prices, kept: Kept, owner: int) -> None:
    """Do a task and keep what came of it: its result, or why there is none.

    What goes wrong with the task is written down, and the others go on; what goes wrong with the process or with the
    folder is the engine's to tell.

    Args:
        task: what is to be done.
        prices: where its bars are.
        kept: where its result goes.
        owner: the process that shows progress, whose standard error stays as it is; one that it started ends with it.
    """
    end_with(owner)
    kept.begin(task.name)
    began = time.perf_counter()
    try:
        with one_thread(), nullcontext() if os.getpid() == owner else native_stderr_withheld(Exception):
            result = _made(task, prices, partial(kept.begin, task.name), began)
    except (DataError, ForecasterError, Unavailable) as error:
        kept.end(task.name, str(error))
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        kept.end(task.name, f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})")
    else:
        kept.put(task.name, task.inputs, result)
        kept.end(task.name)


@contextmanager
def one_thread() -> Iterator[None]:
    """Cores are shared out by task, whatever the engine and the number of jobs.

    That is for the figures, too: BLAS adds up in another order when it has another number of threads, and an optimiser
    on a flat likelihood then ends somewhere else.
    """
    import scipy.linalg  # noqa: F401  (brings a BLAS of its own, which must be there to be limited)
    from threadpoolctl import threadpool_limits

    # tensorflow reads it when it starts.
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    with threadpool_limits(1):
        yield


def _made(task: Task, prices: Prices, say: partial[None], began: float) -> Result:
    fold = fold_of(prices.read(task.span.begins, task.span.last), task.span)
    made = task.contestant.fit_predict(fold, task.levels, task.seed, say)
    check_made(made.table, fold.origins, task.levels, task.label)
    return Result(made.table.reset_index(drop=True), made.notes, time.perf_counter() - began)


def longest_first(tasks: Sequence[Task]) -> list[Task]:
    """The tasks in the order in which they are begun."""
    return sorted(tasks, key=lambda task: (-task.seconds, task.name))
