"""What can go wrong with a backtest. Each error keeps its facts as fields and builds its message from them.

::

    ForecasterError
    ├── SpecError
    │   └── SpanError           the folds do not fit the prices
    └── BacktestError
        ├── EngineUnavailable   what should spread the folds is not installed, or does not answer
        ├── EngineFailed        it broke before any fold had begun
        ├── BacktestBusy        another process writes to the same folder
        └── NothingToCompare    no symbol-session was forecast by all
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from forecaster.errors import ForecasterError, SpecError


class SpanError(SpecError):
    """The folds do not fit the prices, or contradict each other."""


class BacktestError(ForecasterError):
    """Base of errors of a backtest."""


class EngineUnavailable(BacktestError):
    """What should spread the folds is not installed, or does not answer."""

    def __init__(self, engine: str, reason: str) -> None:
        self.engine = engine
        self.reason = reason
        super().__init__(f"the engine {engine} cannot be used: {reason}; --engine local needs nothing else")


class EngineFailed(BacktestError):
    """The engine broke, again and again, before any fold had begun."""

    def __init__(self, engine: str, tries: int, reason: str) -> None:
        self.engine = engine
        self.tries = tries
        self.reason = reason
        super().__init__(
            f"the engine {engine} broke {tries} times before any fold had begun: {reason}; "
            "what is finished is kept, and the same command goes on from there"
        )


class BacktestBusy(BacktestError):
    """Another process writes to the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"another backtest writes to {folder} at the moment; wait for it, or give another --out")


class NothingToCompare(BacktestError):
    """No symbol-session was forecast by all contestants."""

    def __init__(self, given: Mapping[str, int], failed: Mapping[str, str]) -> None:
        self.given = dict(given)
        self.failed = dict(failed)
        counts = ", ".join(f"{name} gave {count:,}" for name, count in given.items())
        reasons = "".join(f"; {name} failed: {why}" for name, why in failed.items())
        super().__init__(
            f"expected forecasts that all contestants gave, and there are none: {counts or 'none'}{reasons}"
        )
