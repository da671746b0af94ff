"""When the scheduler runs the unattended pass, and how patient it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from data.symbols import DEFAULT_EXCHANGE, EXCHANGE_OF_SUFFIX


def _known(exchange: str) -> str:
    known = sorted({DEFAULT_EXCHANGE, *EXCHANGE_OF_SUFFIX.values()})
    if exchange not in known:
        raise ValueError(f"expected one of {', '.join(known)}")
    return exchange


class ScheduleSettings(BaseModel):
    """The scheduler's settings; in `forecaster.toml` the table `[schedule]`.

    Attributes:
        exchanges: whose sessions count, as ISO 10383 codes; by default those that the passes themselves find.
        delay_minutes: how long after a session's bars are due its pass is [min].
        retry_minutes: the pause after a pass that failed [min].
        retry_factor: how many times as long the pause is after each further failure.
        retry_minutes_at_most: the longest pause [min].
        limit_minutes: a pass that takes longer is ended, and counts as failed [min].
        drain_seconds: how long a running pass has to end, once it is told to, before it is killed [s].
        heartbeat_seconds: how often the scheduler looks at the clock, and says that it is there [s].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchanges: tuple[Annotated[str, AfterValidator(_known)], ...] = ()
    # Ten hours and more after the close the next session is near, on some exchange in some season.
    delay_minutes: float = Field(default=10, ge=0, le=600)
    retry_minutes: float = Field(default=2, gt=0, le=1440)
    retry_factor: float = Field(default=2, ge=1, le=10)
    retry_minutes_at_most: float = Field(default=60, gt=0, le=1440)
    # The steps of a pass have limits of their own, which come first unless a step gets stuck outside of them.
    limit_minutes: float = Field(default=900, gt=0, le=1440)
    drain_seconds: float = Field(default=25, ge=0, le=3600)
    heartbeat_seconds: float = Field(default=5, ge=0.1, le=60)

    @property
    def delay(self) -> timedelta:
        """How long after a session's bars are due its pass is."""
        return timedelta(minutes=self.delay_minutes)

    def pause(self, failures: int) -> timedelta:
        """How long to wait after so many failures in a row, of which there is one at least."""
        # Floats end before the count of failures does; by then every pause is the longest.
        grown = self.retry_minutes * self.retry_factor ** min(failures - 1, 100)
        return timedelta(minutes=min(grown, self.retry_minutes_at_most))
