"""Asking a forecaster block by block."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from .forecasts import KEYS, Forecaster, column
from .trial import Trial

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """A forecaster's walk through the trial.

    Attributes:
        table: its forecasts of all blocks.
        notes: what it counted, added up over blocks.
        seconds: how long it took.
    """

    table: pd.DataFrame
    notes: Mapping[str, int]
    seconds: float


def walk(forecaster: Forecaster, trial: Trial, levels: Sequence[float], seed: int, progress: Progress) -> Run:
    """Fit and forecast every block.

    Raises:
        Unavailable: the forecaster cannot run here.
        ValueError: it gave forecasts that nobody asked for, twice, or without a value.
    """
    began = time.perf_counter()
    notes: Counter[str] = Counter()
    pieces = []
    label = forecaster.name + (f" (seed {seed})" if forecaster.seeded else "")
    for block in trial.blocks:
        head = f"{label}, block {block.number} of {block.of}"
        since = time.perf_counter()
        made = forecaster.fit_predict(block, levels, seed, partial(_say, progress, head))
        _check(made.table, block.origins, levels, label)
        pieces.append(made.table)
        notes.update(made.notes)
        took = time.perf_counter() - since
        progress(
            f"{head}: fitted at {block.refit}, {len(made.table):,} of {len(block.origins):,} origins, {took:,.0f} s"
        )
    return Run(pd.concat(pieces, ignore_index=True), dict(notes), time.perf_counter() - began)


def _say(progress: Progress, head: str, text: str) -> None:
    progress(f"{head}: {text}")


def _check(table: pd.DataFrame, origins: pd.DataFrame, levels: Sequence[float], label: str) -> None:
    keys = pd.MultiIndex.from_frame(table[list(KEYS)])
    asked = pd.MultiIndex.from_frame(origins)
    if not keys.is_unique or not keys.isin(asked).all():
        raise ValueError(f"{label}: expected each of the block's origins at most once, and no others")
    values = table[[column(level) for level in levels]]
    if not (values.notna().all(axis=None) and (values >= 0).all(axis=None)):
        raise ValueError(f"{label}: expected every quantile to be a price")
    if (values.diff(axis="columns").iloc[:, 1:] < 0).any(axis=None):
        raise ValueError(f"{label}: expected quantiles in ascending order")
