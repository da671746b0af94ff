"""Additive attention over the time steps of a recurrent layer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="forecaster")
class AdditiveAttention(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Which steps matter for the last state, and what they said (Bahdanau, Cho & Bengio 2015).

    With the last state s and the states h(t)::

        e(t) = v . tanh(W s + U h(t) + b)
        a = softmax(e)
        output = [sum of a(t) h(t), s]

    Weights, in the order of `get_weights`: W `(d, units)`, U `(d, units)`, b `(units,)`, v `(units,)`.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        """How many numbers a step and the state are compared by.

        Args:
            units: the length of v.
            **kwargs: as every Keras layer takes them.
        """
        super().__init__(**kwargs)
        self.units = units

    def build(self, query_shape: tuple[int | None, ...], sequence_shape: tuple[int | None, ...]) -> None:
        """Create the weights for a query `(n, d)` and a sequence `(n, steps, d)`."""
        self.query_kernel = self.add_weight((query_shape[-1], self.units), name="query_kernel")
        self.key_kernel = self.add_weight((sequence_shape[-1], self.units), name="key_kernel")
        self.bias = self.add_weight((self.units,), name="bias", initializer="zeros")
        self.score = self.add_weight((self.units,), name="score")

    def attend(self, query: Any, sequence: Any) -> Any:
        """`(n, steps)`: the part of each step, summing to 1."""
        asked = ops.expand_dims(ops.matmul(query, self.query_kernel) + self.bias, 1)  # (n, 1, units)
        compared = ops.tanh(asked + ops.matmul(sequence, self.key_kernel))  # (n, steps, units)
        return ops.softmax(ops.matmul(compared, self.score), axis=-1)

    def call(self, query: Any, sequence: Any) -> Any:
        """`(n, d)` and `(n, steps, d)` to `(n, 2 * d)`: the context, then the query."""
        parts = ops.expand_dims(self.attend(query, sequence), -1)  # (n, steps, 1)
        return ops.concatenate([ops.sum(parts * sequence, axis=1), query], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """What `keras.saving` needs to build the layer again."""
        return {**super().get_config(), "units": self.units}
