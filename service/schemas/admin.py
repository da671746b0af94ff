"""What changes what serves."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Promotion(BaseModel):
    """Which version is to serve."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"version": "3"}]})

    version: str = Field(pattern=r"^[0-9]{1,9}$", description="Its number, as text.")
