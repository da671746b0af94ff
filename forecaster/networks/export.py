"""A trained Keras network as ONNX: each recurrent layer becomes one fused node, written from its weights.

The `onnx` package builds the graph directly. A tracing converter would turn an LSTM into a loop of small nodes, and
cannot convert graphs made on a GPU at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from forecaster.networks.graph import Graph
from forecaster.networks.layers import accumulation
from forecaster.spec import ModelSpec

Array = np.ndarray[Any, np.dtype[np.float32]]


def export_network(network: Any, spec: ModelSpec) -> bytes:
    """The network as a serialised, checked ONNX model.

    Its input `window` is `(n, lookback, features) float32`, its output `output` is `(n, horizon, outputs) float32`,
    with n free.

    Args:
        network: a `keras.Model` made by `build_network(spec)`.
        spec: what it was made from.
    """
    graph = Graph()
    # ONNX's recurrent nodes take (sequence, batch, features).
    flow = graph.add("Transpose", ["window"], "steps", perm=[1, 0, 2])
    for layer in range(len(spec.units)):
        sequence, last = _lstm(graph, network.get_layer(f"lstm_{layer}"), flow, f"lstm_{layer}")
        flow = sequence if layer < len(spec.units) - 1 else last
    dense = network.get_layer("level" if spec.target == "level" else "distances")
    kernel, bias = (np.asarray(weight) for weight in dense.get_weights())
    flow = graph.add("Gemm", [flow, graph.constant("kernel", kernel), graph.constant("bias", bias)], "dense")
    outputs = 1 if spec.target == "level" else len(spec.quantiles)
    shape = graph.constant("shape", np.array([-1, spec.horizon, outputs], dtype=np.int64))
    if spec.target == "level":
        graph.add("Reshape", [flow, shape], "output")
    else:
        _ordered_quantiles(graph, graph.add("Reshape", [flow, shape], "raw"), spec)
    return graph.serialised(
        {"window": ["n", spec.lookback, len(spec.features)]}, {"output": ["n", spec.horizon, outputs]}
    )


def _lstm(graph: Graph, layer: Any, flow: str, name: str) -> tuple[str, str]:
    """One fused LSTM node; returns its sequence `(steps, n, units)` and its last state `(n, units)`.

    Keras orders the gates input, forget, cell, output, ONNX input, output, forget, cell; ONNX has weights as
    (directions, 4 * units, inputs) and a second bias, of the recurrence, that Keras folds into the first.
    """
    kernel, recurrent, bias = (np.asarray(weight) for weight in layer.get_weights())
    w = graph.constant(f"{name}_W", _gates(kernel).T[None])  # (1, 4 * units, inputs)
    r = graph.constant(f"{name}_R", _gates(recurrent).T[None])  # (1, 4 * units, units)
    ordered = _gates(bias[None])  # (1, 4 * units)
    b = graph.constant(f"{name}_B", np.concatenate([ordered, np.zeros_like(ordered)], axis=1))
    sequence, last = f"{name}_Y", f"{name}_H"
    graph.add_many("LSTM", [flow, w, r, b], [sequence, last], name=name, hidden_size=layer.units)
    axis = graph.constant(f"{name}_direction", np.array([1], dtype=np.int64))
    first = graph.constant(f"{name}_first", np.array([0], dtype=np.int64))
    return (
        graph.add("Squeeze", [sequence, axis], f"{name}_sequence"),
        graph.add("Squeeze", [last, first], f"{name}_last"),
    )


def _gates(weight: Array) -> Array:
    """The last axis from Keras' order of gates to ONNX'."""
    i, f, c, o = np.split(weight, 4, axis=-1)
    return np.concatenate([i, o, f, c], axis=-1)


def _ordered_quantiles(graph: Graph, raw: str, spec: ModelSpec) -> None:
    """What `OrderedQuantiles.call` does, node by node."""
    middle, count = spec.median, len(spec.quantiles)

    def piece(name: str, source: str, start: int, end: int) -> str:
        bounds = [
            graph.constant(f"{name}_{part}", np.array([value], dtype=np.int64))
            for part, value in (("start", start), ("end", end), ("axis", 2))
        ]
        return graph.add("Slice", [source, *bounds], name)

    distances = graph.add("Softplus", [raw], "softplus")
    parts = [
        piece("below", distances, 0, middle),
        piece("median", raw, middle, middle + 1),
        piece("above", distances, middle + 1, count),
    ]
    joined = graph.add("Concat", parts, "parts", axis=2)
    graph.add("MatMul", [joined, graph.constant("accumulation", accumulation(spec.quantiles))], "output")
