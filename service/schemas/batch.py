"""Forecasts of many symbols at once."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ConfigDict, Field

from service.examples import FORECAST, PROBLEM
from service.schemas.base import Answer
from service.schemas.forecasts import ForecastAnswer
from service.schemas.models import ModelName
from service.schemas.problem import Problem

_EXAMPLE: Final[dict[str, Any]] = {
    "forecasts": [FORECAST],
    "refused": {PROBLEM["symbol"]: PROBLEM},
    "model": FORECAST["model"],
    "data_version": 41,
}


class ForecastsAnswer(Answer):
    """All of them from one model version and one version of the prices."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    forecasts: list[ForecastAnswer] = Field(description="In the order that was asked for.")
    refused: dict[str, Problem] = Field(description="Symbol -> why it has no forecast.")
    model: ModelName
    data_version: int = Field(description="The price table's version.")
