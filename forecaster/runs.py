"""A training's entry in the registry while it lasts: begun before the first epoch, watched live, ended as it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from forecaster.errors import RegistryUnavailable

Outcome = Literal["FINISHED", "FAILED", "KILLED"]

# A registry that is away costs its time limit at each try.
_PAUSE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Unended:
    """A run that has not ended.

    Attributes:
        run_id: which.
        began: when, in UTC.
        version: that it has made; None where it has made none.
    """

    run_id: str
    began: datetime
    version: str | None


class Run:
    """An MLflow run."""

    def __init__(self, answers: Callable[[], AbstractContextManager[Any]], run_id: str) -> None:
        """Made by `Registry.begin`.

        Args:
            answers: gives the registry's client, and turns what it raises into errors of ours.
            run_id: of the run.
        """
        self.id = run_id
        self._answers = answers

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One point of each curve.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            for key, value in values.items():
                client.log_metric(self.id, key, value, step=step)

    def logged(self, key: str) -> set[int]:
        """The steps that a curve has points of.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            return {point.step for point in client.get_metric_history(self.id, key)}

    def end(self, outcome: Outcome) -> None:
        """How the run ended.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            client.set_terminated(self.id, outcome)


class LiveCurves:
    """Curves that grow in the registry epoch by epoch. Training goes on while the registry is away."""

    def __init__(self, run: Run, away: Callable[[RegistryUnavailable], None] = lambda error: None) -> None:
        """Reads nothing yet.

        Args:
            run: where they go.
            away: called when points could not be sent; they are sent later.
        """
        self._run, self._away = run, away
        self._waiting: dict[int, Mapping[str, float]] = {}
        self._known: set[int] | None = None
        self._next_try = 0.0

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """One point of each curve; a step that the registry has already, from before a training was killed, is left."""
        self._waiting[step] = values
        if time.monotonic() >= self._next_try:
            try:
                self.flush()
            except RegistryUnavailable as error:
                self._next_try = time.monotonic() + _PAUSE_SECONDS
                self._away(error)

    def flush(self) -> None:
        """Send what waits.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        for step in sorted(self._waiting):
            values = self._waiting[step]
            if self._known is None:
                self._known = self._run.logged(next(iter(values)))
            if step not in self._known:
                self._run.log(step, values)
            del self._waiting[step]
