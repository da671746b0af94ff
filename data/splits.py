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


def chronological(origin: Days, outcome: Days, *, validation: int, test: int, gap: int) -> Split:
    """Split windows by their origins, and leave out those whose outcome came too late to be learnt from.

    A share that was suspended for months has its next close when trading resumes. A window before the suspension
    would carry that price into training, although the next span's forecasts begin earlier; no gap is wide enough.

    Args:
        origin: `(n,)` the session that each window ends with; any order, any number of symbols.
        outcome: `(n,)` the session of each window's last target, NaT where it is not known.
        validation, test: how many sessions each span has; the rest, which is older, is for training.
        gap: sessions left out before validation and before test.

    Returns:
        Spans in which every outcome of an earlier one precedes the first origin of the next.

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
    # Behind the last day stands one that never comes, where a span without sessions would begin. A comparison with
    # NaT is false: what never became known teaches nothing.
    starts = np.append(days, np.datetime64("9999-12-31"))
    trained = (place < validation_from - gap) & (outcome < starts[validation_from])
    validated = (place >= validation_from) & (place < test_from - gap) & (outcome < starts[test_from])
    return Split(
        train=np.flatnonzero(trained),
        validation=np.flatnonzero(validated),
        test=np.flatnonzero(place >= test_from),
    )
