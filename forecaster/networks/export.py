"""A trained Keras network as ONNX: each recurrent layer becomes one fused node, written from its weights.

The `onnx` package builds the graph directly. A tracing converter would turn a layer into a loop of small nodes, and
cannot convert graphs made on a GPU, or cells that are not Keras' own, at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from forecaster.networks.fused import attention, recurrent
from forecaster.networks.graph import Graph
from forecaster.networks.layers import accumulation
from forecaster.spec import ModelSpec


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
    for position in range(len(spec.units)):
        name, final = f"recurrent_{position}", position == len(spec.units) - 1
        layer = network.get_layer(name)
        flow, last = recurrent(graph, layer, flow, name, sequence=spec.attention or not final, last=final)
    if spec.attention:
        last = attention(graph, network.get_layer("attention"), flow, last)
    dense = network.get_layer("level" if spec.target == "level" else "distances")
    kernel, bias = (np.asarray(weight) for weight in dense.get_weights())
    flow = graph.add("Gemm", [last, graph.constant("kernel", kernel), graph.constant("bias", bias)], "dense")
    outputs = 1 if spec.target == "level" else len(spec.quantiles)
    shape = graph.constant("shape", np.array([-1, spec.horizon, outputs], dtype=np.int64))
    if spec.target == "level":
        graph.add("Reshape", [flow, shape], "output")
    else:
        _ordered_quantiles(graph, graph.add("Reshape", [flow, shape], "raw"), spec)
    return graph.serialised(
        {"window": ["n", spec.lookback, len(spec.features)]}, {"output": ["n", spec.horizon, outputs]}
    )


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
