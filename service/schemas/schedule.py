"""The scheduler: whether it is alive, what it does, and when it runs next."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from pydantic import ConfigDict, Field

from forecaster.heartbeat import Liveness, Outcome, State
from service.schemas.base import Answer

SCHEDULE: Final[dict[str, Any]] = {
    "model": "next-close",
    "liveness": "alive",
    "text": (
        "alive: idle; the next pass is due at 2026-11-23 08:10 UTC; "
        "the last one succeeded at 2026-11-20 08:19 UTC; standing by: 1"
    ),
    "heartbeat_age": 2.1,
    "standbys": 1,
    "heartbeat": {
        "state": "idle",
        "started": "2026-11-02T06:00:00Z",
        "sessions": {},
        "next_due": "2026-11-23T08:10:00Z",
        "retry_at": None,
        "last": {
            "sessions": {"XSHG": "2026-11-20"},
            "outcome": "succeeded",
            "started": "2026-11-20T08:10:01Z",
            "finished": "2026-11-20T08:19:27Z",
            "detail": "the pass is done",
        },
        "failures": 0,
        "missed": [{"exchange": "XSHG", "session": "2026-11-04", "reason": "no scheduler ran"}],
        "problem": None,
    },
}


class ScheduledPass(Answer):
    """The pass that ended last."""

    sessions: dict[str, date] = Field(description="By exchange (ISO 10383 code) the session that it was for.")
    outcome: Outcome = Field(description="How it ended.")
    started: datetime
    finished: datetime
    detail: str = Field(description="The outcome in a sentence.")


class Missed(Answer):
    """A session whose pass was not done before the one that it would have forecast opened."""

    exchange: str = Field(description="ISO 10383 code.")
    session: date
    reason: str


class Said(Answer):
    """What the scheduler said last."""

    state: State = Field(description="What it does; `refusing` is having no calendar that tells, or no prices.")
    started: datetime = Field(description="Since when its process runs.")
    sessions: dict[str, date] = Field(
        description="By exchange the session whose pass runs, or waits until it is tried again."
    )
    next_due: datetime | None = Field(description="When the next pass is due; null where no calendar tells.")
    retry_at: datetime | None = Field(description="When a failed pass is tried again; null where none waits.")
    last: ScheduledPass | None = Field(description="The pass that ended last; null before the first.")
    failures: int = Field(description="Passes that failed in a row.")
    missed: list[Missed] = Field(description="The newest sessions that were missed, newest last.")
    problem: str | None = Field(description="Why something cannot be done; null where all is well.")


class ScheduleAnswer(Answer):
    """Whether the scheduler of the model that serves is alive."""

    model_config = ConfigDict(json_schema_extra={"examples": [SCHEDULE]})

    model: str = Field(description="The model whose passes it runs.")
    liveness: Liveness = Field(
        description=(
            "What its heartbeat tells: `late` after three that were left out, `dead` after twelve, `stopped` where it "
            "said so, `never started` where there is none, `unreadable` where its file is damaged."
        )
    )
    text: str = Field(description="All of it in a sentence.")
    heartbeat_age: float | None = Field(
        description="Since it spoke last [s], below zero where a clock was set back; null where it never did."
    )
    standbys: int = Field(description="Schedulers that are ready to take over.")
    heartbeat: Said | None = Field(description="What it said last; null where it never did, or that cannot be read.")
