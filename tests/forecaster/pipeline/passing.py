"""What the tests of passes share: settings, a clock of one's choice, and a training that takes no time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecaster.pipeline.settings import RetrainSettings
from forecaster.promotion.thresholds import Thresholds
from forecaster.registry import Registry
from forecaster.settings import Settings

# Whatever a network of four units shows is enough, so that the first one serves.
LENIENT = Thresholds(sessions=2, naive_margin=0.9, coverage=0.9)


class Days:
    """A clock that stands at half past ten in the evening, in UTC, of one day after the other."""

    def __init__(self, day: str) -> None:
        self.go(day)

    def go(self, day: str) -> None:
        self._now = datetime.fromisoformat(f"{day}T22:30").replace(tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


def settings_of(home: Path, gate: Thresholds = LENIENT, **retrain: Any) -> Settings:
    wanted: dict[str, Any] = {"provider": "sample", "spec": home / "spec.toml", **retrain}
    return Settings(home=home, tracking_uri="", gate=gate, retrain=RetrainSettings(**wanted))


def registry_of(where: Settings) -> Registry:
    return Registry(where.registry_uri, where.artifacts, where.model)


def copies(settings: Settings, tag: str, start: str, say: Callable[[str], None]) -> str:
    """Registers version 1 once more, as if it had been trained again."""
    registry = registry_of(settings)
    first = registry.get("1")
    tags = {**first.tags, "pass": tag}
    made = registry.register(registry.bundle_path(first), params={}, metrics={}, curves={}, tags=tags)
    say(f"copied from {start}")
    return made.version


def never(settings: Settings, tag: str, start: str, say: Callable[[str], None]) -> str:
    raise AssertionError("nothing is to be trained here")
