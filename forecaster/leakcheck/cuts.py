"""Where to cut: sessions with enough before them to train, calibrate and forecast, and something after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np

from data.errors import TooFewSessions
from data.windows import Windows
from forecaster.leakcheck.tables import Days
from forecaster.spec import ModelSpec, TrainSpec

# Sessions before a cut whose forecasts are checked, and after it whose windows share a batch with those before.
HELD_OUT: Final = 20
BEYOND: Final = 20

# Sessions to train on, and to change, at least.
LEAST_TRAINING: Final = 10
LEAST_FUTURE: Final = 5


@dataclass(frozen=True, slots=True)
class Cut:
    """A session, and the model that could have been made by it.

    Attributes:
        day: the last session that is known.
        through: the last session that a training window may end with.
        held_from: the first session whose forecasts are checked.
        until: the last session after the cut whose windows are looked at together with those before.
        seed: of what is chosen at random here.
    """

    day: np.datetime64
    through: np.datetime64
    held_from: np.datetime64
    until: np.datetime64
    seed: tuple[int, int]

    @property
    def date(self) -> date:
        """`day` for people."""
        return date.fromisoformat(str(self.day))


def choose_cuts(windows: Windows, spec: ModelSpec, training: TrainSpec, count: int, seed: int) -> list[Cut]:
    """Sessions spread over the history, one at random in each of `count` equal parts of it.

    Args:
        windows: all there are.
        spec, training: what needs how many sessions.
        count: how many at most; fewer where the history has fewer sessions to cut at.
        seed: of the choice.

    Raises:
        TooFewSessions: the history has none.
    """
    origin, outcome = windows.origin, windows.outcome
    days = np.unique(origin[windows.known])
    before = LEAST_TRAINING + training.validation + HELD_OUT + 3 * spec.horizon
    last = len(days) - LEAST_FUTURE
    if last <= before:
        raise TooFewSessions(before + LEAST_FUTURE, len(days))
    bounds = np.linspace(before, last, min(count, last - before) + 1).round().astype(int)
    rng = np.random.default_rng(seed)
    places = [int(rng.integers(low, high)) for low, high in pairwise(bounds)]
    return [_cut(origin, outcome, days, place, spec, training, (seed, number)) for number, place in enumerate(places)]


def _cut(
    origin: Days, outcome: Days, days: Days, place: int, spec: ModelSpec, training: TrainSpec, seed: tuple[int, int]
) -> Cut:
    day = days[place]
    known = np.unique(origin[outcome <= day])
    held = max(len(known) - HELD_OUT, 0)
    trained = max(held - training.validation - 2 * spec.horizon - 1, 0)
    until = days[min(place + BEYOND, len(days) - 1)]
    return Cut(day, known[trained], known[held], until, seed)
