"""Every figure about a symbol."""

from __future__ import annotations

from datetime import date

from pydantic import ConfigDict, Field

from service.examples import DIAGNOSTICS
from service.schemas.base import Answer
from service.schemas.figures import Bias, Coverage, Errors, Lag, Missing, Sample, Significance, Verdict
from service.schemas.live import LiveRecord
from service.schemas.models import ModelName


class LagPoint(Answer):
    """One bar of the correlogram."""

    lag: int = Field(description="Delay [sessions].")
    correlation: float | None = Field(
        description="Correlation of diff(forecast)[lag:] with diff(actual)[:n-1-lag], n the length of both series [1]."
    )


class LagCorrelogram(Lag):
    """The lag with the correlation at every delay."""

    correlogram: list[LagPoint]


class Series(Answer):
    """The held-out forecasts and what came, one entry a session. All arrays are equally long."""

    session: list[date]
    actual: list[float] = Field(description="Closes that came [currency, adjusted].")
    forecast: list[float] = Field(description="Median forecasts [currency, adjusted].")
    lower: list[float] = Field(description="Lower ends of the interval [currency, adjusted].")
    upper: list[float] = Field(description="Upper ends of the interval [currency, adjusted].")
    previous_close: list[float] = Field(description="The closes before [currency, adjusted].")
    quantiles: dict[str, list[float]] = Field(description="Level -> forecast quantiles [currency, adjusted].")
    naive_quantiles: dict[str, list[float]] | None = Field(
        description=(
            "Level -> quantiles of the naive forecast: the last close, spread by the symbol's own past changes "
            "[currency, adjusted]; null where its past is too short."
        )
    )


class DiagnosticsAnswer(Answer):
    """Every figure about a symbol, and the series to recompute each of them from."""

    model_config = ConfigDict(json_schema_extra={"examples": [DIAGNOSTICS]})

    symbol: str
    sample: Sample | Missing
    errors: Errors | Missing
    bias: Bias | Missing
    lag: LagCorrelogram | Missing
    significance: Significance | Missing
    coverage: Coverage | Missing
    verdict: Verdict = Field(description="Of these sessions; a forecast's own says where they are too long ago.")
    in_sample_mae: float | None = Field(description="The yardstick of `mase` [currency, adjusted].")
    in_sample_mse: float | None = Field(description="The yardstick of `rmsse`, squared [currency squared, adjusted].")
    series: Series
    model: ModelName
    live: LiveRecord | None = Field(
        default=None, description="The same figures of published forecasts, never mixed with these; null: none."
    )
