"""Weights of a recurrent layer as PyTorch's `torch.nn.RNN`, `GRU` and `LSTM` keep them, and back.

Both libraries compute the same; what differs is the layout. PyTorch has weights as (gates * units, inputs), and a
GRU's gates in the order reset, update, candidate. It has two biases in every cell, which only act as their sum, except
in a GRU.

The names are those of a `state_dict`: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, each also with
`_reverse` for the second direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np

from forecaster.errors import SpecError

Array = np.ndarray[Any, Any]

_LAYERS: Final = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
_GATES: Final = {"rnn": 1, "gru": 3, "lstm": 4}
_NAMES: Final = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def to_torch(layer: Any, position: int = 0) -> dict[str, Array]:
    """A layer's weights by PyTorch's names.

    Args:
        layer: Keras' SimpleRNN, GRU or LSTM, or a Bidirectional one of them, that has been built.
        position: of the layer in PyTorch's stack: the number after `_l` in the names.

    Raises:
        SpecError: PyTorch has no such cell.
    """
    both = isinstance(layer, keras.layers.Bidirectional)
    directions = {"": layer.forward_layer, "_reverse": layer.backward_layer} if both else {"": layer}
    found = {}
    for suffix, one in directions.items():
        cell = next((name for name, kind in _LAYERS.items() if isinstance(one, kind)), None)
        if cell is None:
            raise SpecError(layer.name, "a layer of SimpleRNN, GRU or LSTM: PyTorch has no other", type(one).__name__)
        kernel, recurrent, bias = one.get_weights()
        # Where one bias is enough, it is that of the inputs.
        biases = bias if cell == "gru" else np.stack([bias, np.zeros_like(bias)])
        arrays = (kernel.T, recurrent.T, *biases)
        for name, array in zip(_NAMES, arrays, strict=True):
            found[f"{name}_l{position}{suffix}"] = _reordered(array, cell)
    return found


def from_torch(state: Mapping[str, Array], cell: str, position: int = 0) -> list[Array]:
    """A layer's weights in the order of Keras' `get_weights`, from PyTorch's.

    Args:
        state: a `state_dict` whose values are arrays.
        cell: `rnn` (with tanh), `gru` or `lstm`.
        position: the layer's, in PyTorch's stack.

    Returns:
        Kernel, recurrent kernel and bias of the forward layer, then of the backward layer if `state` has one.

    Raises:
        SpecError: PyTorch has no such cell, a weight is missing, or it has not the shape that the cell has.
    """
    if cell not in _GATES:
        raise SpecError("cell", f"one of {', '.join(_GATES)}: PyTorch has no other", cell)
    suffixes = ["", "_reverse"] if f"weight_ih_l{position}_reverse" in state else [""]
    found = []
    for suffix in suffixes:
        names = [f"{name}_l{position}{suffix}" for name in _NAMES]
        missing = [name for name in names if name not in state]
        if missing:
            raise SpecError("state", f"the weight {missing[0]}", ", ".join(state))
        arrays = [np.asarray(state[name]) for name in names]
        units, inputs = arrays[1].shape[-1], arrays[0].shape[-1]
        width = _GATES[cell] * units
        for name, array, shape in zip(
            names, arrays, [(width, inputs), (width, units), (width,), (width,)], strict=True
        ):
            if array.shape != shape:
                raise SpecError(name, f"the shape {shape} of a layer of {units} units of the cell {cell}", array.shape)
        kernel, recurrent, of_inputs, of_state = (_reordered(array, cell) for array in arrays)
        bias = np.stack([of_inputs, of_state]) if cell == "gru" else of_inputs + of_state
        found += [np.ascontiguousarray(kernel.T), np.ascontiguousarray(recurrent.T), bias]
    return found


def _reordered(weight: Array, cell: str) -> Array:
    """The gates along the first axis in the other library's order; applied twice, it changes nothing.

    A GRU's first two are swapped. An LSTM's are input, forget, candidate, output in both.
    """
    if cell != "gru":
        return np.ascontiguousarray(weight)
    first, second, candidate = np.split(weight, 3)
    return np.concatenate([second, first, candidate])
