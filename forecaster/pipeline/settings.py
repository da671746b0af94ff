"""What an unattended pass does: in `forecaster.toml` the table `[retrain]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

HOUR: Final = 3600.0


class Limits(BaseModel):
    """How long each step of a pass may take [s]; in `forecaster.toml` the table `[retrain.limits]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fetch: float = Field(default=2 * HOUR, gt=0)
    check: float = Field(default=HOUR / 2, gt=0)
    score: float = Field(default=HOUR / 4, gt=0)
    decide: float = Field(default=HOUR / 2, gt=0)
    train: float = Field(default=6 * HOUR, gt=0)
    gate: float = Field(default=HOUR, gt=0)
    promote: float = Field(default=HOUR / 12, gt=0)
    publish: float = Field(default=HOUR / 4, gt=0)
    clean: float = Field(default=HOUR / 2, gt=0)


class RetrainSettings(BaseModel):
    """The settings of a pass.

    Attributes:
        provider: where prices come from; "none" where something else fetches them.
        path: the file or folder of the files provider.
        columns: of the files provider: our names of columns that have others in the files.
        universe: whose prices are fetched, learnt from and forecast: a file, an index, a name from `universes`, or all;
            by default all that are stored, or that the provider has.
        spec: a TOML file as `forecaster train --spec` takes it; by default the program's own spec, or, where a training
            starts from the champion, the champion's.
        start: whether a challenger is trained from scratch or goes on from the champion's weights.
        every_sessions: a challenger is trained when the newest version was trained so many sessions ago.
        max_age_sessions: and when the champion has learnt nothing of so many last sessions.
        on_drift: and when the champion's inputs have drifted.
        on_error: and when its errors have.
        pause_sessions: but never within so many sessions of the training before, whatever came of that.
        leakcheck_symbols: how many symbols a challenger's spec is checked for leaks on.
        wait: how long to wait for others who write to the prices or the ledger [s].
        reserve: so long before the next session opens, training and judging give way to publishing [s].
        keep_passes: how many records of passes are kept.
        keep_days: how long replaced versions of the prices, and checkpoints of trainings that ended, are kept.
        limits: how long each step may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["none", "sample", "files", "tushare"] = "none"
    path: Path | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    universe: str | None = None
    spec: Path | None = None
    start: Literal["scratch", "champion"] = "scratch"
    every_sessions: int = Field(default=60, ge=1)
    max_age_sessions: int = Field(default=500, ge=1)
    on_drift: bool = True
    on_error: bool = True
    pause_sessions: int = Field(default=5, ge=1)
    leakcheck_symbols: int = Field(default=3, ge=1, le=100)
    wait: float = Field(default=60, ge=0)
    reserve: float = Field(default=HOUR / 2, ge=0)
    keep_passes: int = Field(default=500, ge=2)
    keep_days: int = Field(default=30, ge=1)
    limits: Limits = Limits()

    @field_validator("path", "universe", "spec", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @model_validator(mode="after")
    def _whole(self) -> RetrainSettings:
        if self.provider == "files" and self.path is None:
            raise ValueError('expected a path beside provider = "files": the file or folder to read, got none')
        if self.path is not None and self.provider != "files":
            raise ValueError(f'expected provider = "files" beside a path, got {self.provider!r}')
        return self
