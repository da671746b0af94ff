"""What training minimises. Each loss takes targets `(n, horizon, 2)`: the change, and the change beyond the market's.

The universe's state tells which stocks do better than others, and also lets a network bet on the market as a whole,
which has few independent days. So the median is fitted to what is left of a change without the market's own; the
distances of the other quantiles from it are fitted to the whole change, as an investor meets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from forecaster.spec import ModelSpec

Loss = Callable[[Any, Any], Any]


def loss_of(spec: ModelSpec) -> Loss:
    """The loss of a spec's head: of targets and outputs `(n, horizon, outputs)`, a number for each window, `(n,)`."""
    return squared_error if spec.target == "level" else quantile_loss(spec.quantiles)


def quantile_loss(levels: tuple[float, ...]) -> Loss:
    """The mean pinball loss (Koenker & Bassett 1978) over quantiles, the median's being of the second target.

    The other quantiles pass no gradient to the median: they are the median plus distances, and learn the distances.

    Args:
        levels: `(q,)` probabilities, 0.5 among them.
    """
    middle = levels.index(0.5)
    tau = np.asarray(levels, dtype=np.float32)
    is_median = np.arange(len(levels)) == middle

    def loss(targets: Any, quantiles: Any) -> Any:
        median = quantiles[..., middle : middle + 1]  # (n, horizon, 1)
        whole = targets[..., :1] - (ops.stop_gradient(median) + (quantiles - median))  # (n, horizon, q)
        error = ops.where(is_median, targets[..., 1:] - median, whole)
        return ops.mean(ops.maximum(tau * error, (tau - 1) * error), axis=(-2, -1))

    return loss


def squared_error(targets: Any, levels: Any) -> Any:
    """The mean squared error of levels `(n, horizon, 1)` from the first target."""
    return ops.mean(ops.square(targets[..., :1] - levels), axis=(-2, -1))
