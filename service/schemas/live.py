"""How published forecasts have done, apart from the held-out span."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from service.schemas.base import Answer
from service.schemas.figures import Bias, Coverage, Errors, Lag, Missing, Sample, Significance, Verdict


class LiveRecord(Answer):
    """Forecasts that were published before their session opened, never rewritten, beside what came."""

    since: datetime = Field(description="When the first forecast was published [UTC].")
    versions: list[str] = Field(description="The model's versions that spoke, in the order in which they began to.")
    published: int = Field(description="How many forecasts were published.")
    pending: int = Field(description="How many of them have no outcome yet.")
    restated: int = Field(description="How many rest on a close that the price store now tells otherwise.")
    sample: Sample | Missing
    errors: Errors | Missing
    bias: Bias | Missing
    lag: Lag | Missing
    significance: Significance | Missing
    coverage: Coverage | Missing
    verdict: Verdict
