"""What changes what serves."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Promotion(BaseModel):
    """Which version is to serve, where the gate lets it."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"version": "3"}]})

    version: str = Field(pattern=r"^[0-9]{1,9}$", description="Its number, as text.")
    force: Literal[False] = Field(default=False, description="By the gate.")


class ForcedPromotion(BaseModel):
    """Which version is to serve, whatever the gate says. Who and why are kept."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"version": "3", "force": True, "why": "version 2 was trained on wrong prices"}]
        },
    )

    version: str = Field(pattern=r"^[0-9]{1,9}$", description="Its number, as text.")
    force: Literal[True]
    why: str = Field(min_length=1, max_length=500, pattern=r"\S", description="The reason, for those who come after.")
