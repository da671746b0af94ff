"""What evidence has to show before a challenger becomes the champion."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Thresholds(BaseModel):
    """The gate's settings; in `forecaster.toml` the table `[gate]`.

    Attributes:
        sessions: how many sessions both were judged on, at least.
        significance: how improbable the challenger's lead over the champion has to be by chance: its one-sided p-value
            is at most this.
        effect: by how much its pinball loss has to be below the champion's, as a fraction of it [1].
        naive_margin: by how much its pinball loss may exceed that of the last close, as a fraction of it [1].
        coverage: how far the share of closes inside the widest interval may be from what the interval promises [1].
        parity: how far the exported network may be from the trained one, in units of its outputs.
        mebibytes: how large the bundle may be [MiB].
        latency: how long one forecast may take [ms].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sessions: int = Field(default=60, ge=2)
    significance: float = Field(default=0.05, gt=0, lt=1)
    effect: float = Field(default=0.002, ge=0, lt=1)
    naive_margin: float = Field(default=0.0, ge=0, lt=1)
    coverage: float = Field(default=0.05, gt=0, lt=1)
    parity: float = Field(default=1e-5, gt=0)
    mebibytes: float = Field(default=256, gt=0)
    latency: float = Field(default=50, gt=0)
