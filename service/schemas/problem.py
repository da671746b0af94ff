"""An error as clients see it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from service.examples import PROBLEM


class Problem(BaseModel):
    """An RFC 9457 problem document. Further members name the facts, such as `symbol`."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [PROBLEM]})

    type: str = Field(description="A stable name of the kind of problem.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What went wrong here, and what to do about it.")
    instance: str = Field(description="The path that was asked for, cut to 40 characters.")
