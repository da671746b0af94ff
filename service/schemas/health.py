"""Probes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from service.schemas.base import Answer
from service.schemas.models import ModelName


class Live(Answer):
    """The process answers."""

    status: Literal["live"]


class Ready(Answer):
    """What the service answers from."""

    status: Literal["ready"]
    model: ModelName
    data_version: int = Field(description="The price table's version.")
    symbols: int = Field(description="How many symbols can be asked for.")
    stale: int = Field(description="How many forecasts lack a session that is due.")
    built_at: datetime = Field(description="When these answers were made.")
    last_error: str | None = Field(description="Why the latest refresh failed; the answers are older.")
