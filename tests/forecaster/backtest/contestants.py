"""Contestants to test the engine with; processes import them from here."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecaster.baselines.naive import Naive
from forecaster.baselines.protocol import Fold, Made, Say


@dataclass(frozen=True)
class Slow:
    """Naive forecasts that take their time over the third fold, and say in which process."""

    name: str = "slow"
    seconds: float = 0.0
    seeded: bool = False

    def settings(self) -> Mapping[str, Any]:
        return {}

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        say(f"process {os.getpid()}")
        if fold.number == 3:
            time.sleep(self.seconds)
        return Naive().fit_predict(fold, levels, seed, say)


@dataclass(frozen=True)
class Broken:
    """Fails in the second fold."""

    name: str = "broken"
    seeded: bool = False

    def settings(self) -> Mapping[str, Any]:
        return {}

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        if fold.number == 2:
            raise ArithmeticError("cannot be divided")
        return Naive().fit_predict(fold, levels, seed, say)


@dataclass(frozen=True)
class Deadly:
    """Ends its process, the first `times` times that it is asked; `folder` remembers how often that was."""

    folder: Path
    times: int
    name: str = "deadly"
    seeded: bool = False

    def settings(self) -> Mapping[str, Any]:
        return {}

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        tries = len(list(self.folder.iterdir()))
        if fold.number == 1 and tries < self.times:
            (self.folder / str(tries)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Naive().fit_predict(fold, levels, seed, say)
