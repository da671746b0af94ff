"""Splits in time: training first, then validation, then the held-out test, with gaps between.

The cut is by session and holds for all symbols at once: a share's past must not be trained on beside another
share's future.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from data.errors import TooFewSessions

Index = np.ndarray[Any, np.dtype[np.int64]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of windows, each ascending by origin within a symbol."""

    train: Index
    validation: Index
    test: Index


def chronological(origin: Days, *, validation: int, test: int, gap: int, outcome: Days | None = None) -> Split:
    """Split windows by their origins.

    Args:
        origin: `(n,)` the session that each window ends with; any order, any number of symbols.
        validation, test: how many sessions each span has; the rest, which is older, is for training.
        gap: sessions left out before validation and before test. With a gap of at least the horizon, every
            outcome that a span learns from is known before the next span's first forecast is made, as long as
            every symbol trades in every session.
        outcome: `(n,)` the session that each window's last target belongs to. With it that holds for suspended
            symbols too: a window whose outcome was not known by then, or never was, is in neither earlier span.

    Raises:
        TooFewSessions: no session would be left for training.
    """
    days = np.unique(origin)
    needed = validation + test + 2 * gap
    if len(days) <= needed:
        raise TooFewSessions(needed, len(days))
    test_from = len(days) - test
    validation_from = test_from - gap - validation
    place = np.searchsorted(days, origin)
    met = place
    if outcome is not None:
        # The target of a suspended symbol lies further ahead than the gap.
        met = np.where(np.isnat(outcome), len(days), np.searchsorted(days, outcome, side="right") - 1)
    return Split(
        train=np.flatnonzero((place < validation_from - gap) & (met < validation_from)),
        validation=np.flatnonzero((place >= validation_from) & (place < test_from - gap) & (met < test_from)),
        test=np.flatnonzero(place >= test_from),
    )
