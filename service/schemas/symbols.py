"""What can be asked for."""

from __future__ import annotations

from datetime import date

from pydantic import ConfigDict, Field

from service.examples import SYMBOLS
from service.schemas.base import Answer


class SymbolEntry(Answer):
    """One symbol of the store."""

    symbol: str
    exchange: str | None = Field(description="ISO 10383 code; null where the suffix names none.")
    first: date = Field(description="Session of the oldest bar.")
    last: date = Field(description="Session of the newest bar.")
    sessions: int = Field(description="How many bars.")
    forecast: bool = Field(description="Whether it can be forecast.")
    reason: str | None = Field(description="Why not.")
    as_of: date | None = Field(description="The last session that its forecast knows.")
    stale: bool | None = Field(description="Whether its forecast lacks a session that is due; null without forecast.")
    stale_reason: str | None


class SymbolsAnswer(Answer):
    """What can be asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [SYMBOLS]})

    data_version: int = Field(description="The price table's version.")
    symbols: list[SymbolEntry]
