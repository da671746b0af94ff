"""What is known of a job."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

_ID: Final = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{6}")

LOST: Final = (
    "the processes that ran it are gone without a word: the machine or the container ended, or they were killed; "
    "started again with the same symbols and settings, a training goes on from its checkpoint"
)


class State(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"


class Progress(BaseModel):
    """How far a training is."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    of: int


class Job(BaseModel):
    """A job, as its file holds it.

    Attributes:
        id: its name; it sorts by time.
        kind: what it does.
        model: which model it trains.
        symbols: whose prices; None takes all.
        settings: of the spec, where they are not the defaults.
        state: where it is.
        created, started, finished: when; None where it has not come to that, or nobody saw it.
        detail: the state in a sentence.
        progress: how far training came.
        version: what it registered.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: Literal["retrain"]
    model: str
    symbols: tuple[str, ...] | None
    settings: dict[str, Any]
    state: State
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    detail: str = ""
    progress: Progress | None = None
    version: str | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state not in (State.QUEUED, State.RUNNING)

    def changed(self, **changes: Any) -> Job:
        """The same job with other values."""
        return self.model_copy(update=changes)

    def lost(self) -> Job:
        """The same job, whose processes are gone."""
        return self.changed(state=State.LOST, detail=LOST)


def new_id(now: datetime) -> str:
    """A name for a job that is made at `now`."""
    return f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"


def is_id(text: str) -> bool:
    """Whether a text can be a job's name, and so a part of a path."""
    return _ID.fullmatch(text) is not None
