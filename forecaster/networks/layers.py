"""The quantile head: numbers in, quantiles that cannot cross out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

Array = np.ndarray[Any, np.dtype[np.float32]]


@keras.saving.register_keras_serializable(package="forecaster")
class OrderedQuantiles(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Turns `(n, horizon * q)` numbers into `(n, horizon, q)` ascending quantiles.

    The middle number is the median itself; each other one becomes, by softplus, a distance of at least zero from
    its neighbour nearer to the median. Sums of distances cannot cross.
    """

    def __init__(self, horizon: int, levels: Sequence[float], **kwargs: Any) -> None:
        """Shape of the output.

        Args:
            horizon: steps ahead.
            levels: `(q,)` probabilities, ascending, 0.5 among them.
            **kwargs: as every Keras layer takes them.
        """
        super().__init__(**kwargs)
        self.horizon = horizon
        self.levels = tuple(levels)

    def call(self, inputs: Any) -> Any:
        """`(n, horizon * q)` to `(n, horizon, q)`."""
        middle = self.levels.index(0.5)
        raw = ops.reshape(inputs, (-1, self.horizon, len(self.levels)))
        median = raw[..., middle : middle + 1]
        distances = ops.softplus(raw)
        parts = ops.concatenate([distances[..., :middle], median, distances[..., middle + 1 :]], axis=-1)
        return ops.matmul(parts, accumulation(self.levels))

    def get_config(self) -> dict[str, Any]:
        """What `keras.saving` needs to build the layer again."""
        return {**super().get_config(), "horizon": self.horizon, "levels": list(self.levels)}


def accumulation(levels: Sequence[float]) -> Array:
    """`(q, q) float32`: distances @ this = quantiles.

    The median counts for all; a distance above it is added to its own quantile and those further up, one below
    it is subtracted from its own and those further down.
    """
    middle, count = tuple(levels).index(0.5), len(levels)
    part, quantile = np.arange(count)[:, None], np.arange(count)[None, :]
    up = (part > middle) & (quantile >= part)
    down = (part < middle) & (quantile <= part)
    return np.where(part == middle, 1.0, up * 1.0 - down * 1.0).astype(np.float32)
