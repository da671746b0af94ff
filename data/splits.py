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


def chronological(origin: Days, *, validation: int, test: int, gap: int) -> Split:
    """Split windows by their origins.

    Args:
        origin: `(n,)` the session that each window ends with; any order, any number of symbols.
        validation, test: how many sessions each span has; the rest, which is older, is for training.
        gap: sessions left out before validation and before test. With a gap of at least the horizon, every
            outcome that a span learns from is known before the next span's first forecast is made.

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
    return Split(
        train=np.flatnonzero(place < validation_from - gap),
        validation=np.flatnonzero((place >= validation_from) & (place < test_from - gap)),
        test=np.flatnonzero(place >= test_from),
    )
