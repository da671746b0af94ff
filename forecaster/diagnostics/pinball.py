"""How good a whole predicted distribution is: the pinball loss over its quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecaster.diagnostics.record import Floats


def pinball_loss(quantiles: Floats, actual: Floats, levels: Sequence[float]) -> Floats:
    """The mean pinball loss over levels (Koenker & Bassett 1978), for each outcome.

    With e = actual - quantile at level a the loss is a e where e >= 0, else (a - 1) e. Its expectation is smallest
    at the true quantile; over a fine, even grid of levels the mean approaches half the continuous ranked probability
    score (Gneiting & Raftery 2007).

    Args:
        quantiles: `(q, ..., n)`, any unit; level first.
        actual: `(..., n)`, the same unit.
        levels: `(q,)` [1].

    Returns:
        `(..., n)`, the unit of the arguments; NaN where a quantile is NaN.

    Raises:
        ValueError: there is not one array of quantiles a level, each of the outcomes' shape.
    """
    if quantiles.shape != (len(levels), *actual.shape):
        raise ValueError(
            f"pinball loss: expected quantiles of shape {(len(levels), *actual.shape)}, received {quantiles.shape}"
        )
    total = np.zeros(actual.shape)
    for level, quantile in zip(levels, quantiles, strict=True):
        error = actual - quantile
        total += np.maximum(level * error, (level - 1.0) * error)
    return np.asarray(total / len(levels))
