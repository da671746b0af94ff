"""What is known of a pass: an audit record with the evidence of every step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA: Final = 1

# The tag of a version that a pass has trained: which pass, and which of its trainings.
TAG: Final = "pass"


class StepState(StrEnum):
    """Where a step is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


class PassState(StrEnum):
    """Where a pass is. One that says that it runs while nobody holds its lock was interrupted."""

    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"


SETTLED: Final = frozenset({StepState.DONE, StepState.SKIPPED})
BROKEN: Final = frozenset({StepState.FAILED, StepState.TIMED_OUT})


class StepRecord(BaseModel):
    """One step.

    Attributes:
        name: of the step.
        state: where it is.
        attempts: how often it was begun.
        started, finished: of the last attempt, in UTC; None where it has not come to that.
        detail: what came of it, in a sentence.
        evidence: what it found, in figures.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    state: StepState = StepState.PENDING
    attempts: int = 0
    started: datetime | None = None
    finished: datetime | None = None
    detail: str = ""
    evidence: dict[str, Any] = {}

    @property
    def settled(self) -> bool:
        """Whether there is nothing left to do."""
        return self.state in SETTLED

    @property
    def broken(self) -> bool:
        """Whether its last attempt came to nothing."""
        return self.state in BROKEN

    def changed(self, **changes: Any) -> StepRecord:
        """The same step with other values."""
        return self.model_copy(update=changes)


class Pass(BaseModel):
    """One pass: of a model, after a session.

    Attributes:
        schema_: of the record.
        name: the model.
        key: of the pass among those of the model; in its file's name.
        session, exchange: after whose close it runs, and where (ISO 10383 code).
        state: where it is.
        started, finished: when its first step began and its last one ended, in UTC.
        trainings: how many trainings it has asked for: one more each time one was forced.
        forced: whether somebody wants a challenger whatever the reasons.
        steps: in order.
    """

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, validate_by_name=True)

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    name: str
    key: str
    session: date
    exchange: str
    state: PassState = PassState.RUNNING
    started: datetime
    finished: datetime | None = None
    trainings: int = 1
    forced: bool = False
    steps: tuple[StepRecord, ...]

    @property
    def tag(self) -> str:
        """What a version that this pass trains is marked with, so that it is trained once."""
        again = "" if self.trainings == 1 else f"/{self.trainings}"
        return f"{self.name}/{self.key}{again}"

    def step(self, name: str) -> StepRecord:
        """One step.

        Raises:
            KeyError: there is none of that name.
        """
        for one in self.steps:
            if one.name == name:
                return one
        raise KeyError(name)

    def evidence(self, name: str) -> Mapping[str, Any]:
        """What a step found; nothing where it is not done."""
        found = self.step(name)
        return found.evidence if found.settled else {}

    def with_step(self, step: StepRecord) -> Pass:
        """The same pass with one step as it is now."""
        return self.changed(steps=tuple(step if one.name == step.name else one for one in self.steps))

    def changed(self, **changes: Any) -> Pass:
        """The same pass with other values."""
        return self.model_copy(update=changes)
