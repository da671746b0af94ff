"""Gradients by central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tests.forecaster.networks.equations import Floats

# The cube root of float64's precision, about: rounding and curvature weigh the same.
_STEP = 1e-5


def gradients(loss: Callable[[Sequence[Floats]], float], values: Sequence[Floats]) -> list[Floats]:
    """The derivative of a loss by every number of every array."""
    found = [np.empty(value.shape) for value in values]
    for position, gradient in enumerate(found):
        for place in range(gradient.size):
            losses = []
            for sign in (1, -1):
                moved = [value.copy() for value in values]
                moved[position].flat[place] += sign * _STEP
                losses.append(loss(moved))
            gradient.flat[place] = (losses[0] - losses[1]) / (2 * _STEP)
    return found
