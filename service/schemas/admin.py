"""What changes what serves."""

from __future__ import annotations

from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

_EXAMPLES: Final[list[JsonValue]] = [
    {"version": "3"},
    {"version": "3", "force": True, "why": "version 2 was trained on wrong prices"},
]


class Promotion(BaseModel):
    """Which version is to serve."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": _EXAMPLES})

    version: str = Field(pattern=r"^[0-9]{1,9}$", description="Its number, as text.")
    force: bool = Field(default=False, description="Whatever the gate says; who and why are kept.")
    why: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        pattern=r"\S",
        description="With `force`: the reason, for those who come after.",
    )

    @model_validator(mode="after")
    def _forced_with_a_reason(self) -> Self:
        if self.force != (self.why is not None):
            raise ValueError("expected force and why together, or neither")
        return self
