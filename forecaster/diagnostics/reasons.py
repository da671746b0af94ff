"""What verdicts are made of: the closed set of codes, and the figures that a sentence may name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class VerdictCode(StrEnum):
    """All verdicts there are."""

    BEATS_NAIVE = "beats_naive"
    NO_BETTER_THAN_NAIVE = "no_better_than_naive"
    WORSE_THAN_NAIVE = "worse_than_naive"
    ECHOES_YESTERDAY = "echoes_yesterday"
    OVERCONFIDENT = "overconfident"
    BIASED = "biased"
    STALE = "stale"
    INSUFFICIENT_DATA = "insufficient_data"


@dataclass(frozen=True, slots=True)
class Reasons:
    """The figures behind a verdict, the same for every language.

    Attributes:
        n: sessions judged.
        skill: 1 - MAE / MAE of the last close [1]; None where the last close was never wrong.
        same: whether the error equals that of the last close in every session.
        better: whether the model beats the last close.
        p: of the Diebold-Mariano test on absolute loss [1]; None where it is undefined.
        echo: correlation with the close's changes one session earlier [1].
        level_lag: how far back the close is that the forecast is nearest to [sessions].
        level: share of closes that the widest interval promises to hold [1].
        observed: share that it held [1].
        coverage_p: of the test that the two differ by chance [1].
        shift: mean of forecast - actual, relative to the close before [1], where that is the bias to tell of.
        slope: by how much the close moved for each unit of a forecast move [1], where that is.
        bias_p: of the test that found the bias [1].
    """

    n: int
    skill: float | None
    same: bool
    better: bool
    p: float | None
    echo: float | None
    level_lag: int | None
    level: float
    observed: float
    coverage_p: float | None
    shift: float | None = None
    slope: float | None = None
    bias_p: float | None = None
