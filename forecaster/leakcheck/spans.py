"""Whether each span of a training set ended, outcomes included, before the next one began."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from data.splits import Split
from data.windows import Index, Windows
from forecaster.leakcheck.compare import Difference
from forecaster.leakcheck.tables import Stage


def overlaps(windows: Windows, split: Split, held_from: np.datetime64) -> Iterator[tuple[Difference, str]]:
    """Windows whose outcome lies in a later span, one of each span, and what is wrong in words.

    Args:
        windows: of the training set.
        split: its spans.
        held_from: the first session of the held-out span.
    """
    validated_from = windows.origin[split.validation].min() if len(split.validation) else held_from
    for rows, part, begins in (
        ("training window", split.train, validated_from),
        ("validation window", split.validation, held_from),
    ):
        late = part[~(windows.outcome[part] < begins)]
        if len(late):
            yield _late(windows, rows, part, late, begins)


def _late(windows: Windows, rows: str, part: Index, late: Index, begins: np.datetime64) -> tuple[Difference, str]:
    worst = late[np.argmax(windows.outcome[late])]
    symbol, origin = windows.symbols[worst], windows.origin[worst]
    outcome = windows.outcome[worst]
    text = (
        f"{rows}: {symbol}, {origin} is learnt from with its outcome of {outcome}, and the next span begins on {begins}"
    )
    found = Difference(Stage.TRAINING, rows, symbol, str(origin), None, None, len(late), len(part), 0)
    return found, f"{text}; {len(late):,} of {len(part):,} are"
