"""Who performs a step: this process, or a worker that is ended when it takes too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from data.clock import Clock
from data.errors import DataError
from forecaster.errors import ForecasterError
from forecaster.pipeline.errors import StepFailed
from forecaster.pipeline.order import KINDS
from forecaster.pipeline.place import Place, Train
from forecaster.pipeline.record import Pass, StepState
from forecaster.settings import Settings


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ended; see `record.StepRecord`."""

    state: StepState
    detail: str
    evidence: dict[str, Any]


class Performer(Protocol):
    """Performs steps."""

    def perform(self, step: str, record: Pass, within: float | None) -> Ended:
        """One step, to its end.

        Args:
            step: which.
            record: what is known so far.
            within: seconds that are left for it, where something else cannot wait; None where nothing does.
        """
        ...

    def close(self) -> None:
        """Nothing more is to be performed."""
        ...


class Here:
    """Performs steps in this process, without limits."""

    def __init__(self, where: Settings, clock: Clock, train: Train, say: Callable[[str], None]) -> None:
        """See `place.Place`."""
        self._where, self._clock, self._train, self._say = where, clock, train, say

    def perform(self, step: str, record: Pass, within: float | None) -> Ended:
        """See `Performer`. A step that fails is an end, too, whatever it raises."""
        place = Place(self._where, self._clock, record, self._train, self._say)
        try:
            came = KINDS[step].perform(place)
        except StepFailed as error:
            return Ended(StepState.FAILED, error.detail, error.evidence)
        except (DataError, ForecasterError, OSError) as error:
            return Ended(StepState.FAILED, f"{error}", {"error": type(error).__name__})
        except Exception as error:  # one broken part must not silence the rest
            return Ended(StepState.FAILED, f"{type(error).__name__}: {error}", {"error": type(error).__name__})
        state = StepState.SKIPPED if came.skipped else StepState.DONE
        return Ended(state, came.detail, dict(came.evidence))

    def close(self) -> None:
        """Nothing is held."""
