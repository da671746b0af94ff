"""One recurrent layer of a spec.

Weights in the order of `get_weights`, for `d` inputs and `u` units; a bidirectional layer has those of the forward
layer, then those of the backward layer:

    rnn   kernel (d, u), recurrent (u, u), bias (u,)
    gru   kernel (d, 3 u), recurrent (u, 3 u), bias (2, 3 u), of the inputs and of the state;
          gates in the order update, reset, candidate
    lstm  kernel (d, 4 u), recurrent (u, 4 u), bias (4 u,); gates in the order input, forget, candidate, output

and those of `forecaster.networks.cells` for its own.
"""

from __future__ import annotations

from typing import Any

import keras

from forecaster.networks.cells import LSTMVariant, LSTMVariantCell
from forecaster.spec import ModelSpec


def recurrent_layer(spec: ModelSpec, position: int, *, unroll: bool = False) -> Any:
    """The layer at a position of the stack, named `recurrent_{position}`.

    It gives its sequence `(n, lookback, units)`, twice as wide where there are two directions; the last one of the
    stack its last state only, or, where attention follows, the sequence and the states.

    Args:
        spec: the whole stack.
        position: 0 is the layer that sees the window.
        unroll: write out the steps instead of a loop: faster on a CPU, slower to trace.
    """
    last = position == len(spec.units) - 1
    units, name = spec.units[position], f"recurrent_{position}"
    shape = {
        "return_sequences": spec.attention or not last,
        "return_state": spec.attention and last,
        "unroll": unroll,
        "name": name,
    }
    weights = _torch_uniform(spec.cell, units) if spec.initialiser == "torch" else {}
    weights["recurrent_dropout"] = spec.recurrent_dropout
    layer: Any
    if spec.cell == "rnn":
        layer = keras.layers.SimpleRNN(units, **weights, **shape)
    elif spec.cell == "gru":
        layer = keras.layers.GRU(units, **weights, **shape)
    elif spec.cell == "lstm":
        layer = keras.layers.LSTM(units, **weights, **shape)
    else:
        peephole, coupled = "peephole" in spec.cell, "coupled" in spec.cell
        # Keras would number its name, and paths of weights would differ from one network to the next.
        cell = LSTMVariantCell(units, peephole=peephole, coupled=coupled, name="cell", **weights)
        layer = LSTMVariant(cell, **shape)
    return keras.layers.Bidirectional(layer, name=name) if spec.bidirectional else layer


def last_state(spec: ModelSpec, states: list[Any]) -> Any:
    """The hidden states `(n, units)` of a layer that returns its states, joined where there are two directions.

    Args:
        spec: the whole stack.
        states: h, and c where the cell has one, of each direction.
    """
    if not spec.bidirectional:
        return states[0]
    return keras.layers.Concatenate(name="last_state")([states[0], states[len(states) // 2]])


def _torch_uniform(cell: str, units: int) -> dict[str, Any]:
    """PyTorch's start for every weight and bias of a recurrent layer: uniform(-1/sqrt(h), 1/sqrt(h)).

    PyTorch has two biases that only ever act as their sum; there is one here, except in a GRU, where both count.
    """
    names = ["kernel_initializer", "recurrent_initializer", "bias_initializer"]
    if "peephole" in cell:
        names.append("peephole_initializer")
    bound = units**-0.5
    # An initialiser of its own for each: one that is shared draws the same numbers each time.
    found: dict[str, Any] = {name: keras.initializers.RandomUniform(-bound, bound) for name in names}
    if "lstm" in cell:
        found["unit_forget_bias"] = False
    return found
