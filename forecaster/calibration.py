"""Quantiles from what the network missed on windows that it did not learn from.

For each level the network's output is moved by the quantile of its own errors there. For the quantile head that is
a one-sided split-conformal correction (Romano, Patterson & Candès 2019); for the level head, which gives a single
number, it is what turns that number into quantiles. The median stays where the network put it: moving it by the
validation span's mean error would bet on that span's drift.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Float32 = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Corrections in scaled units.

    Attributes:
        shift: `(horizon, q) float64`, added to the network's outputs.
        windows: how many validation windows they rest on.
    """

    shift: Array
    windows: int

    def apply(self, output: Float32) -> Array:
        """Calibrated quantiles in scaled units.

        Args:
            output: `(n, horizon, q)` of a quantile head or `(n, horizon, 1)` of a level head.

        Returns:
            `(n, horizon, q) float64`, ascending along the last axis.
        """
        moved = output.astype(np.float64) + self.shift
        middle = moved.shape[-1] // 2
        # From the median outwards, so that a correction can never move the forecast itself.
        moved[..., middle:] = np.maximum.accumulate(moved[..., middle:], axis=-1)
        moved[..., : middle + 1] = np.minimum.accumulate(moved[..., middle::-1], axis=-1)[..., ::-1]
        return moved


def calibrate(output: Float32, actual: Float32, levels: Sequence[float]) -> Calibration:
    """Corrections from validation windows.

    Args:
        output: `(n, horizon, q)` or `(n, horizon, 1)`, what the network gave.
        actual: `(n, horizon)`, what came, in the same units.
        levels: `(q,)` probabilities, symmetric around 0.5.
    """
    errors = actual[..., None].astype(np.float64) - output  # (n, horizon, q or 1)
    errors = np.sort(np.broadcast_to(errors, (*actual.shape, len(levels))), axis=0)
    count = len(errors)
    shift = np.zeros(errors.shape[1:])
    for position, level in enumerate(levels):
        if level != 0.5:
            shift[:, position] = errors[_rank(level, count) - 1, :, position]
    return Calibration(shift, count)


def _rank(level: float, count: int) -> int:
    """The order statistic, from 1 to `count`, that covers `level` in a finite sample.

    An upper quantile takes the ceil((n + 1) p)-th smallest error (Vovk, Gammerman & Shafer 2005), a lower one its
    mirror image, so that both err to the outside.
    """
    if level > 0.5:
        return min(count, math.ceil((count + 1) * level - 1e-9))
    return count + 1 - min(count, math.ceil((count + 1) * (1 - level) - 1e-9))
