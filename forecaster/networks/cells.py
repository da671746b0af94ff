"""LSTM cells that Keras does not have: peephole connections, coupled input and forget gates, or both.

Weights of a layer, in the order of `get_weights`, for `d` inputs and `u` units:

    kernel     (d, gates * u), gates in the order input, forget, candidate, output; coupled: input, candidate, output
    recurrent  (u, gates * u), as the kernel
    peephole   (3, u), of the input, forget and output gate; coupled: (2, u), of the input and output gate;
               only in cells with peepholes
    bias       (gates * u,), as the kernel
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="forecaster")
class LSTMVariantCell(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """One step of an LSTM with peepholes (Gers & Schmidhuber 2000), coupled gates (Greff et al. 2017), or both.

    With the gates' inputs a = W x(t) + R h(t-1) + b::

        i = sigmoid(a_i + p_i c(t-1))
        f = sigmoid(a_f + p_f c(t-1)), or 1 - i where the gates are coupled
        c(t) = f c(t-1) + i tanh(a_c)
        o = sigmoid(a_o + p_o c(t))
        h(t) = o tanh(c(t))

    without p where there are no peepholes. W x(t) + b does not depend on the step before: `project` computes it, for
    all steps at once, and `call` does the rest.
    """

    def __init__(
        self,
        units: int,
        *,
        peephole: bool = False,
        coupled: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        unit_forget_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        peephole_initializer: Any = "zeros",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        """What the cell is; names are Keras' own where Keras has them.

        Args:
            units: of the state.
            peephole: the gates see the cell state.
            coupled: what is let in replaces what is forgotten.
            dropout: part of the inputs that training drops, the same ones at each step of a window.
            recurrent_dropout: the same of the state, for each gate anew.
            unit_forget_bias: start the forget gate, where there is one, with a bias of 1.
            kernel_initializer, recurrent_initializer, peephole_initializer, bias_initializer: where weights start.
                Without peepholes at first, the cell starts as the LSTM that it extends.
            **kwargs: as every Keras layer takes them.
        """
        super().__init__(**kwargs)
        self.units, self.peephole, self.coupled = units, peephole, coupled
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.unit_forget_bias = unit_forget_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.peephole_initializer = keras.initializers.get(peephole_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.seed_generator = keras.random.SeedGenerator()
        self.gates = 3 if coupled else 4
        self.state_size = [units, units]
        self.output_size = units
        self._kept: Any = None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights for inputs `(..., d)`."""
        width = self.gates * self.units
        self.kernel = self.add_weight((input_shape[-1], width), name="kernel", initializer=self.kernel_initializer)
        self.recurrent_kernel = self.add_weight(
            (self.units, width), name="recurrent_kernel", initializer=self.recurrent_initializer
        )
        if self.peephole:
            self.peephole_kernel = self.add_weight(
                (self.gates - 1, self.units), name="peephole_kernel", initializer=self.peephole_initializer
            )
        self.bias = self.add_weight((width,), name="bias", initializer=self._first_bias)

    def project(self, inputs: Any, training: bool = False) -> Any:
        """The inputs' part of the gates: `(n, d)` or `(n, steps, d)` to `(..., gates * units)`."""
        if training and self.dropout:
            shape = ops.shape(inputs)
            # One mask a window: an axis of steps has extent 1.
            shape = (shape[0], *(1 for _ in shape[1:-1]), shape[-1])
            inputs = inputs * self._mask(shape, self.dropout)
        return ops.matmul(inputs, self.kernel) + self.bias

    def keep(self, windows: Any, training: bool) -> None:
        """Choose which states the gates see through the steps of so many windows, where training drops some."""
        if training and self.recurrent_dropout:
            self._kept = self._mask((self.gates, windows, self.units), self.recurrent_dropout)

    def release(self) -> None:
        """Forget the choice."""
        self._kept = None

    def call(self, projected: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """One step.

        Args:
            projected: `(n, gates * units)`, what `project` gave.
            states: h and c of the step before, each `(n, units)`.
        """
        hidden, carry = states
        parts = ops.split(projected + self._recurrent(hidden), self.gates, axis=-1)
        let_in = ops.sigmoid(parts[0] + self._peephole(0, carry))
        forget = 1 - let_in if self.coupled else ops.sigmoid(parts[1] + self._peephole(1, carry))
        carry = forget * carry + let_in * ops.tanh(parts[-2])
        hidden = ops.sigmoid(parts[-1] + self._peephole(-1, carry)) * ops.tanh(carry)
        return hidden, [hidden, carry]

    def get_config(self) -> dict[str, Any]:
        """What `keras.saving` needs to build the cell again."""
        plain = ("units", "peephole", "coupled", "dropout", "recurrent_dropout", "unit_forget_bias")
        drawn = ("kernel_initializer", "recurrent_initializer", "peephole_initializer", "bias_initializer")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in plain},
            **{name: keras.initializers.serialize(getattr(self, name)) for name in drawn},
        }

    def _recurrent(self, hidden: Any) -> Any:
        if self._kept is None:
            return ops.matmul(hidden, self.recurrent_kernel)
        kernels = ops.split(self.recurrent_kernel, self.gates, axis=-1)
        return ops.concatenate(
            [ops.matmul(hidden * self._kept[gate], kernel) for gate, kernel in enumerate(kernels)], axis=-1
        )

    def _peephole(self, gate: int, carry: Any) -> Any:
        return self.peephole_kernel[gate] * carry if self.peephole else 0.0

    def _mask(self, shape: tuple[Any, ...], rate: float) -> Any:
        return keras.random.dropout(ops.ones(shape, dtype=self.compute_dtype), rate, seed=self.seed_generator)

    def _first_bias(self, shape: tuple[int, ...], *args: Any, **kwargs: Any) -> Any:
        first = self.bias_initializer(shape, *args, **kwargs)
        if self.coupled or not self.unit_forget_bias:
            return first
        ones = ops.ones_like(first[: self.units])
        return ops.concatenate([first[: self.units], ones, first[2 * self.units :]])


@keras.saving.register_keras_serializable(package="forecaster")
class LSTMVariant(keras.layers.RNN):  # type: ignore[misc]  # keras ships no types
    """A layer of `LSTMVariantCell`: the inputs of all steps are projected at once, in one product."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        """`(n, steps, d)` to what `keras.layers.RNN` returns."""
        projected = self.cell.project(sequences, training=training)
        self.cell.keep(ops.shape(sequences)[0], training)
        try:
            return super().call(projected, initial_state=initial_state, mask=mask, training=training)
        finally:
            self.cell.release()
