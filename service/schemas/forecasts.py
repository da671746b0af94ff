"""The next session's forecast."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field

from service.examples import FORECAST
from service.schemas.base import Answer
from service.schemas.figures import Bias, Coverage, Errors, Lag, Missing, Sample, Significance, Verdict
from service.schemas.models import ModelName


class Interval(Answer):
    """The central prediction interval: between the outermost quantiles."""

    level: float = Field(description="Probability that the close falls inside [1].")
    lower: float = Field(description="Lower end [currency, as traded].")
    upper: float = Field(description="Upper end [currency, as traded].")


class NextClose(Answer):
    """What is expected of the next session's close."""

    close: float = Field(description="The median forecast [currency, as traded].")
    change: float = Field(description="`close` relative to `last_close`, minus 1 [1].")
    probability_up: float = Field(description="Probability that the session closes above `last_close` [1].")
    quantiles: dict[str, float] = Field(description="Level -> close [currency, as traded].")
    interval: Interval


class LaterClose(Answer):
    """One further session of a forecast with a horizon beyond the next session."""

    session: date = Field(description="The session that is forecast.")
    close: float = Field(description="The median forecast [currency, as traded].")
    quantiles: dict[str, float] = Field(description="Level -> close [currency, as traded].")
    interval: Interval


class Baseline(Answer):
    """The trivial forecast to compare with: the close stays where it is."""

    name: Literal["last_close"]
    close: float = Field(description="Its forecast [currency, as traded].")


class Diagnostics(Answer):
    """How such forecasts have done on held-out sessions."""

    sample: Sample | Missing
    errors: Errors | Missing
    bias: Bias | Missing
    lag: Lag | Missing
    significance: Significance | Missing
    coverage: Coverage | Missing


class ForecastAnswer(Answer):
    """The next session's forecast, and how far such forecasts can be trusted."""

    model_config = ConfigDict(json_schema_extra={"examples": [FORECAST]})

    symbol: str
    as_of: date = Field(description="The last session that the forecast knows.")
    target_session: date = Field(description="The session that is forecast, by the exchange's calendar.")
    last_close: float = Field(description="The close of `as_of` [currency, as traded].")
    forecast: NextClose
    path: list[LaterClose] = Field(description="The horizon's further sessions; empty for a horizon of 1.")
    baseline: Baseline
    diagnostics: Diagnostics
    verdict: Verdict
    model: ModelName
    stale: bool = Field(description="Whether it lacks a session that is due, or that cannot be told.")
    stale_reason: str | None = Field(description="Why, in one sentence.")
