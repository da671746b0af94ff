"""Same as yesterday as a distribution: the last close, spread as the symbol's own returns were lately."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from forecaster.diagnostics.record import Floats

WINDOW: Final = 500
"""Two years of trading: enough returns for a twentieth of them to be 25, few enough to forget an old regime."""

LEAST: Final = 60
"""With fewer returns the outer quantiles would be the second or third largest of them."""

BLOCK: Final = 1 << 8
"""Origins at a time: their windows of returns then take 1 MiB, which stays in the processor's cache."""


def naive_quantiles(close: Floats, at: NDArray[np.integer[Any]], levels: Sequence[float]) -> Floats:
    """What the naive distribution said at some origins of one symbol.

    The median is the last close; the other quantiles are those of the last `WINDOW` log returns up to the origin,
    linear between order statistics, and none is on the wrong side of the median.

    Args:
        close: `(t,)` adjusted closes of the symbol [currency].
        at: `(m,)` positions of the origins' closes.
        levels: `(q,)` ascending, 0.5 among them.

    Returns:
        `(m, q)` [currency]; NaN where fewer than `LEAST` returns came before the origin.
    """
    # The returns before every origin, as a view; NaN stands for those before the first.
    past = sliding_window_view(np.concatenate([np.full(WINDOW, np.nan), np.diff(np.log(close))]), WINDOW)
    found = np.full((len(at), len(levels)), np.nan)
    enough = np.flatnonzero(at >= LEAST)
    for begin in range(0, len(enough), BLOCK):
        some = enough[begin : begin + BLOCK]
        spread = _quantiles(past, at[some], np.asarray(levels))
        found[some] = close[at[some], None] * np.exp(around_zero(spread, levels))
    return found


def around_zero(returns: Floats, levels: Sequence[float]) -> Floats:
    """Quantiles of returns `(..., q)` without a view on the direction: the median 0, the others on their side of it."""
    middle = list(levels).index(0.5)
    moved = returns.copy()
    moved[..., :middle] = np.minimum(moved[..., :middle], 0.0)
    moved[..., middle] = 0.0
    moved[..., middle + 1 :] = np.maximum(moved[..., middle + 1 :], 0.0)
    return moved


def _quantiles(past: Floats, at: NDArray[np.integer[Any]], levels: Floats) -> Floats:
    """`(m, q)`: the quantiles of the returns before each origin, `past` being `(t, WINDOW)` for every origin."""
    window = past[at]  # (m, WINDOW)
    window.sort(axis=-1)  # NaN goes to the end
    last = np.minimum(at, WINDOW)[:, None] - 1
    place = last * levels  # (m, q)
    below = place.astype(np.int64)
    low = np.take_along_axis(window, below, axis=-1)
    high = np.take_along_axis(window, np.minimum(below + 1, last), axis=-1)
    return np.asarray(low + (place - below) * (high - low))
