"""Jobs: what is asked for, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from service.jobs.request import settings_schema, symbols_schema
from service.schemas.base import Answer

_RETRAINING: Final[dict[str, Any]] = {"symbols": ["AAPL", "IBM"], "settings": {"units": [64, 64], "epochs": 10}}
_ENTRY: Final[dict[str, Any]] = {
    "id": "20261121T093015123456-5f0c1e",
    "kind": "retrain",
    "state": "running",
    "created": "2026-11-21T09:30:15.123456Z",
    "started": "2026-11-21T09:30:15.410000Z",
    "finished": None,
    "detail": "training: epoch 3 of at most 10, loss 0.2480, validation 0.2341, 33,870 windows/s",
    "progress": {"epoch": 3, "of": 10},
    "version": None,
}
_JOB: Final[dict[str, Any]] = {
    **_ENTRY,
    **_RETRAINING,
    "log": [
        "reading prices",
        "loading tensorflow",
        "training on 10,550 windows of 5 symbols, on the CPU, 2 cores",
        "training: epoch 3 of at most 10, loss 0.2480, validation 0.2341, 33,870 windows/s",
    ],
}

Setting = Annotated[str, StringConstraints(max_length=200)]
Value = bool | int | float | Setting | Annotated[list[bool | int | float | Setting], Field(max_length=100)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]


class Retraining(BaseModel):
    """What to train. Nothing given trains the defaults on all symbols."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_RETRAINING]})

    symbols: Annotated[list[str], WithJsonSchema(symbols_schema())] | None = Field(
        default=None, description="Whose prices, each once; null takes all."
    )
    settings: Annotated[dict[Name, Value], Field(max_length=50), WithJsonSchema(settings_schema())] | None = Field(
        default=None, description="Of the spec, as `forecaster train --set` names them; null takes the defaults."
    )


class JobProgress(Answer):
    """How far training is."""

    epoch: int = Field(description="The epoch that ended last.")
    of: int = Field(description="How many there are at most.")


class JobEntry(Answer):
    """A job."""

    id: str
    kind: Literal["retrain"]
    state: Literal["queued", "running", "succeeded", "failed", "lost"] = Field(
        description="`lost`: its processes are gone without a word."
    )
    created: datetime
    started: datetime | None
    finished: datetime | None
    detail: str = Field(description="The state in a sentence.")
    progress: JobProgress | None = Field(description="null until the first epoch has ended.")
    version: str | None = Field(description="The version that it registered.")


class JobsAnswer(Answer):
    """The newest jobs, the newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"jobs": [_ENTRY]}]})

    jobs: list[JobEntry]


class JobAnswer(JobEntry):
    """A job with what was asked for and what it printed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_JOB]})

    symbols: list[str] | None = Field(description="Whose prices; null: all.")
    settings: dict[str, Any] = Field(description="What was not left at its default.")
    log: list[str] = Field(description="The last lines that it printed, without paths.")
