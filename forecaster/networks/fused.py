"""Recurrent layers as fused ONNX nodes, attention as basic ones, each written from a Keras layer's weights.

ONNX has weights as (directions, gates * units, inputs), gates in an order of its own, and a bias of the inputs and
one of the state. Its RNN, GRU and LSTM know all the cells: a GRU with `linear_before_reset` is Keras' with
`reset_after`, an LSTM's input P are peepholes, and its `input_forget` couples the gates.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np

from forecaster.networks.cells import LSTMVariant
from forecaster.networks.graph import Graph

Array = np.ndarray[Any, np.dtype[np.float32]]

# Keras' gates in ONNX' order: an LSTM's are input, output, forget, candidate; a GRU's are as in Keras.
_LSTM: Final = (0, 3, 1, 2)
# Coupled gates are input, candidate, output here. ONNX wants a forget gate that it does not use.
_COUPLED: Final = (0, 2, None, 1)


def recurrent(graph: Graph, layer: Any, flow: str, name: str, *, sequence: bool, last: bool) -> tuple[str, str]:
    """One fused node for a layer of `forecaster.networks.recurrent`.

    Args:
        graph: where the node goes.
        layer: the Keras layer, with one direction or two.
        flow: the layer's input, `(steps, n, inputs)`.
        name: of the node; the values that belong to it begin with it.
        sequence, last: what is asked for; the rest is not computed.

    Returns:
        The names of the sequence `(steps, n, width)` and of the last state `(n, width)`, empty where not asked for;
        `width` is the units of all directions.
    """
    both = isinstance(layer, keras.layers.Bidirectional)
    directions = [layer.forward_layer, layer.backward_layer] if both else [layer]
    kind, attributes = _kind(directions[0])
    # W, R, B and, of cells with peepholes, P: `(directions, ...)` each.
    w, r, b, *p = (np.stack(parts) for parts in zip(*(_weights(one) for one in directions), strict=True))
    inputs = [flow, *(graph.constant(f"{name}_{key}", value) for key, value in zip("WRB", (w, r, b), strict=True))]
    if p:
        # The lengths of the sequences and the first states stand between: left out, the first states are zero.
        inputs += ["", "", "", graph.constant(f"{name}_P", p[0])]
    attributes |= {"hidden_size": directions[0].cell.units, "direction": "bidirectional" if both else "forward"}
    # Y is (steps, directions, n, units), Y_h is (directions, n, units).
    y, y_h = f"{name}_Y" if sequence else "", f"{name}_Y_h" if last else ""
    graph.add_many(kind, inputs, [y, y_h], name=name, **attributes)
    width = len(directions) * directions[0].cell.units
    return (
        _side_by_side(graph, y, f"{name}_sequence", [0, 2, 1, 3], [0, 0, width]) if sequence else "",
        _side_by_side(graph, y_h, f"{name}_last", [1, 0, 2], [0, width]) if last else "",
    )


def attention(graph: Graph, layer: Any, sequence: str, last: str) -> str:
    """What `AdditiveAttention.call` does, node by node; returns the name of its output `(n, 2 * d)`.

    Args:
        graph: where the nodes go.
        layer: the Keras layer.
        sequence: `(steps, n, d)`.
        last: `(n, d)`.
    """
    query, key, bias, score = (np.asarray(weight) for weight in layer.get_weights())
    asked = graph.add(
        "Gemm", [last, graph.constant("query_kernel", query), graph.constant("query_bias", bias)], "asked"
    )
    keys = graph.add("MatMul", [sequence, graph.constant("key_kernel", key)], "keys")  # (steps, n, units)
    compared = graph.add("Tanh", [graph.add("Add", [keys, asked], "aligned")], "compared")
    scores = graph.add("MatMul", [compared, graph.constant("score", score[:, None])], "scores")  # (steps, n, 1)
    parts = graph.add("Softmax", [scores], "parts_of_steps", axis=0)
    every = graph.constant("every_step", np.array([0], dtype=np.int64))
    context = graph.add("ReduceSum", [graph.add("Mul", [parts, sequence], "weighed"), every], "context", keepdims=0)
    return graph.add("Concat", [context, last], "attended", axis=1)


def _kind(layer: Any) -> tuple[str, dict[str, Any]]:
    """The ONNX node for a Keras layer, and its attributes."""
    if isinstance(layer, keras.layers.SimpleRNN):
        return "RNN", {}
    if isinstance(layer, keras.layers.GRU):
        return "GRU", {"linear_before_reset": 1}
    coupled = isinstance(layer, LSTMVariant) and layer.cell.coupled
    return "LSTM", {"input_forget": 1} if coupled else {}


def _weights(layer: Any) -> list[Array]:
    """W, R, B and, of cells with peepholes, P of one direction, as ONNX orders them."""
    kernel, recurrent, *peephole, bias = (np.asarray(weight) for weight in layer.get_weights())
    units = layer.cell.units
    order: tuple[int | None, ...] = tuple(range(kernel.shape[-1] // units))
    if isinstance(layer, keras.layers.LSTM | LSTMVariant):
        order = _COUPLED if len(order) == 3 else _LSTM
    # A GRU has both biases, (2, 3 * units); the others one, of the inputs.
    biases = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    ordered = [_gates(weight, units, order) for weight in (kernel.T, recurrent.T)]
    ordered.append(np.concatenate([_gates(one, units, order) for one in biases]))
    if peephole:
        p = peephole[0]
        forget = p[1] if len(p) == 3 else np.zeros_like(p[0])
        ordered.append(np.concatenate([p[0], p[-1], forget]))  # ONNX: input, output, forget
    return ordered


def _gates(weight: Array, units: int, order: tuple[int | None, ...]) -> Array:
    """The gates along the first axis in another order; None is a gate of zeros."""
    return np.concatenate(
        [np.zeros_like(weight[:units]) if gate is None else weight[gate * units : (gate + 1) * units] for gate in order]
    )


def _side_by_side(graph: Graph, value: str, name: str, perm: list[int], shape: list[int]) -> str:
    """Directions next to each other in the last axis; a 0 in `shape` keeps an extent."""
    moved = graph.add("Transpose", [value], f"{name}_moved", perm=perm)
    return graph.add("Reshape", [moved, graph.constant(f"{name}_shape", np.array(shape, dtype=np.int64))], name)
