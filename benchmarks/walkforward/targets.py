"""What the default spec is aimed at, and whether it was met."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from .scores import Score

MAE_RATIO: Final = 1.0
RANK_IC: Final = 0.04
PINBALL_RATIO: Final = 0.985
COVERAGE: Final = (0.89, 0.91)
QUARTER_COVERAGE: Final = (0.85, 0.95)


@dataclass(frozen=True, slots=True)
class Target:
    """One aim: what it says, what came, and whether that meets it; None where it could not be judged."""

    text: str
    found: str
    met: bool | None

    def __str__(self) -> str:
        """One line for people."""
        verdict = "not judged" if self.met is None else "met" if self.met else "not met"
        return f"target {self.text}: {verdict} ({self.found})"


def targets(mean: Score) -> list[Target]:
    """Every aim, judged by the mean over seeds."""
    values = mean.values

    def one(text: str, value: float, met: bool, digits: int = 4) -> Target:
        if math.isnan(value):
            return Target(text, "there is no such figure", None)
        return Target(text, f"{value:.{digits}f}", met)

    low, high = COVERAGE
    covered = values["coverage_90"]
    return [
        one("MAE below naive", values["mae_ratio"], values["mae_ratio"] < MAE_RATIO),
        one(f"RankIC at least {RANK_IC}", values["rank_ic"], values["rank_ic"] >= RANK_IC),
        one(
            f"pinball at most {PINBALL_RATIO} of GARCH-t's",
            values["pinball_ratio"],
            values["pinball_ratio"] <= PINBALL_RATIO,
        ),
        one(f"90 % coverage {low} to {high}", covered, low <= covered <= high),
        _quarterly(mean),
    ]


def _quarterly(mean: Score) -> Target:
    low, high = QUARTER_COVERAGE
    text = f"90 % coverage {low} to {high} in every quarter"
    judged = [quarter for quarter in mean.quarters if quarter.judged]
    if not judged:
        return Target(text, "no quarter was seen long enough", None)
    outside = [quarter for quarter in judged if not low <= quarter.coverage <= high]
    named = ", ".join(f"{quarter.name} {quarter.coverage:.3f}" for quarter in outside or judged)
    return Target(text, named, not outside)
