"""What happens inside the recurrent layers, as a second ONNX graph beside the one that serves.

Fused nodes keep their gates to themselves. Here each layer is a Scan that takes the same weights through the same
equations and hands out every gate of every session, so that a server can look inside without tensorflow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.networks.graph import Graph
from forecaster.spec import ModelSpec

Array = np.ndarray[Any, np.dtype[np.float32]]


def export_gates(network: Any, spec: ModelSpec) -> bytes:
    """The network's gates and states as a serialised, checked ONNX model.

    Its input `window` is `(n, lookback, features) float32`, n free and at least 1. Its outputs are `(n, lookback,
    units) float32` and named `layer_{k}.{forward|backward}.{trace}`; entry t of each belongs to session t of the
    window, also where the layer reads it backwards. The traces of a cell:

    ===========  ===========================================================
    LSTM kinds   `input`, `forget`, `output`, `candidate`, `cell`, `hidden`
    `gru`        `update`, `reset`, `candidate`, `hidden`
    `rnn`        `hidden`
    ===========  ===========================================================

    Where input and forget gate are coupled, `forget` is 1 - `input`. A network with attention also has the output
    `attention`, `(n, lookback)`: the weight of each session.

    Args:
        network: a `keras.Model` made by `build_network(spec)`.
        spec: what it was made from.
    """
    graph = Graph()
    outputs: dict[str, Sequence[int | str]] = {}
    count = graph.add("Shape", ["window"], "count", start=0, end=1)
    flow, last = "window", ""
    for position, units in enumerate(spec.units):
        layer, name = network.get_layer(f"recurrent_{position}"), f"layer_{position}"
        sides = {"forward": layer}
        if spec.bidirectional:
            sides = {"forward": layer.forward_layer, "backward": layer.backward_layer}
        for side, one in sides.items():
            traces = _scan(graph, spec, one.get_weights(), flow, count, f"{name}.{side}")
            outputs |= {f"{name}.{side}.{trace}": ["n", spec.lookback, units] for trace in traces}
        flow = graph.add("Concat", [f"{name}.{side}.hidden" for side in sides], f"{name}.sequence", axis=2)
        last = graph.add("Concat", [f"{name}.{side}.last.hidden" for side in sides], f"{name}.last", axis=1)
    if spec.attention:
        _attention(graph, network.get_layer("attention").get_weights(), last, flow)
        outputs["attention"] = ["n", spec.lookback]
    return graph.serialised({"window": ["n", spec.lookback, len(spec.features)]}, outputs)


def _scan(
    graph: Graph, spec: ModelSpec, weights: Sequence[Array], flow: str, count: str, name: str
) -> Mapping[str, str]:
    """One layer in one direction over the sequence `flow`; returns its traces by name.

    Weights are in the order that `forecaster.networks.recurrent` documents. The inputs' part of the gates does not
    depend on the step before, so it is one product for all steps.
    """
    kernel, recurrent, bias = weights[0], weights[1], weights[-1]
    units, width = recurrent.shape
    inside = bias[0] if spec.cell == "gru" else bias
    product = graph.add("MatMul", [flow, graph.constant(f"{name}.kernel", kernel)], f"{name}.product")
    projected = graph.add("Add", [product, graph.constant(f"{name}.bias", inside)], f"{name}.projected")

    step = _Step(f"{name}.step", recurrent)
    if spec.cell == "rnn":
        _rnn(step)
    elif spec.cell == "gru":
        _gru(step, bias[1])
    else:
        _lstm(step, weights[2] if "peephole" in spec.cell else None, coupled="coupled" in spec.cell)

    extent = graph.add(
        "Concat", [count, graph.constant(f"{name}.units", np.array([units], dtype=np.int64))], f"{name}.extent", axis=0
    )
    zero = graph.add("ConstantOfShape", [extent], f"{name}.zero")
    backward = int(name.endswith(".backward"))
    graph.add_many(
        "Scan",
        [*(zero for _ in step.states), projected],
        [*(f"{name}.last.{state}" for state in step.states), *(f"{name}.{trace}" for trace in step.traces)],
        name=name,
        body=step.body(units, width),
        num_scan_inputs=1,
        scan_input_axes=[1],
        scan_input_directions=[backward],
        scan_output_axes=[1 for _ in step.traces],
        # What is read backwards is also written backwards, so that entry t is session t.
        scan_output_directions=[backward for _ in step.traces],
    )
    return step.traces


class _Step:
    """One step of a cell, as the body of a Scan. Its values are `(n, units)`, but for `projected`.

    Attributes:
        traces: what the step hands out, by name; the states are among them.
        states: the names of those traces that the next step takes.
    """

    def __init__(self, name: str, recurrent: Array) -> None:
        self.traces: dict[str, str] = {}
        self.states: tuple[str, ...] = ()
        self.projected = f"{name}.projected"
        self._name, self._graph, self._made = name, Graph(), 0
        self._recurrent = recurrent

    def state(self, name: str) -> str:
        """A state as the step before left it."""
        self.states = (*self.states, name)
        return self._before(name)

    def constant(self, value: Array) -> str:
        return self._graph.constant(self._new(), value)

    def node(self, kind: str, *inputs: str) -> str:
        return self._graph.add(kind, inputs, self._new())

    def recurrence(self, hidden: str) -> str:
        """`(n, gates * units)`: the last hidden state's part of the gates."""
        return self.node("MatMul", hidden, self.constant(self._recurrent))

    def split(self, value: str, count: int) -> list[str]:
        """`(n, count * units)` as its parts."""
        name = self._new()
        parts = [f"{name}.{part}" for part in range(count)]
        self._graph.add_many("Split", [value], parts, name=name, axis=1)
        return parts

    def body(self, units: int, width: int) -> Any:
        """The attribute of the Scan node: states and `projected` in, next states and traces out."""
        one: Sequence[int | str] = ["n", units]
        # A value cannot be both a state and a trace of the same graph.
        after = {state: self._graph.add("Identity", [self.traces[state]], self._after(state)) for state in self.states}
        return self._graph.body(
            self._name,
            {**{self._before(state): one for state in self.states}, self.projected: ["n", width]},
            dict.fromkeys((*after.values(), *self.traces.values()), one),
        )

    def _before(self, state: str) -> str:
        return f"{self._name}.before.{state}"

    def _after(self, state: str) -> str:
        return f"{self._name}.after.{state}"

    def _new(self) -> str:
        self._made += 1
        return f"{self._name}.{self._made}"


def _rnn(step: _Step) -> None:
    """h(t) = tanh(W x(t) + R h(t-1) + b)."""
    hidden = step.state("hidden")
    step.traces = {"hidden": step.node("Tanh", step.node("Add", step.projected, step.recurrence(hidden)))}


def _gru(step: _Step, bias: Array) -> None:
    """h(t) = g + z (h(t-1) - g), the reset gate acting after the recurrent product, as cuDNN has it."""
    hidden = step.state("hidden")
    update_x, reset_x, candidate_x = step.split(step.projected, 3)
    recurrence = step.node("Add", step.recurrence(hidden), step.constant(bias))
    update_h, reset_h, candidate_h = step.split(recurrence, 3)
    update = step.node("Sigmoid", step.node("Add", update_x, update_h))
    reset = step.node("Sigmoid", step.node("Add", reset_x, reset_h))
    candidate = step.node("Tanh", step.node("Add", candidate_x, step.node("Mul", reset, candidate_h)))
    kept = step.node("Mul", update, step.node("Sub", hidden, candidate))
    step.traces = {
        "update": update,
        "reset": reset,
        "candidate": candidate,
        "hidden": step.node("Add", candidate, kept),
    }


def _lstm(step: _Step, peephole: Array | None, *, coupled: bool) -> None:
    """The equations of `forecaster.networks.cells.LSTMVariantCell`, of which Keras' own LSTM is the plain case."""
    hidden, carry = step.state("hidden"), step.state("cell")
    gates = step.node("Add", step.projected, step.recurrence(hidden))
    first, *middle, candidate, output = step.split(gates, 3 if coupled else 4)

    def seen(gate: str, position: int, cell: str) -> str:
        if peephole is None:
            return gate
        return step.node("Add", gate, step.node("Mul", step.constant(peephole[position]), cell))

    let_in = step.node("Sigmoid", seen(first, 0, carry))
    if coupled:
        kept = step.node("Sub", step.constant(np.ones(1, dtype=np.float32)), let_in)
    else:
        kept = step.node("Sigmoid", seen(middle[0], 1, carry))
    candidate = step.node("Tanh", candidate)
    cell = step.node("Add", step.node("Mul", kept, carry), step.node("Mul", let_in, candidate))
    let_out = step.node("Sigmoid", seen(output, -1, cell))
    step.traces = {
        "input": let_in,
        "forget": kept,
        "output": let_out,
        "candidate": candidate,
        "cell": cell,
        "hidden": step.node("Mul", let_out, step.node("Tanh", cell)),
    }


def _attention(graph: Graph, weights: Sequence[Array], query: str, sequence: str) -> None:
    """The parts of `forecaster.networks.attention.AdditiveAttention.attend`, as the value `attention`."""
    query_kernel, key_kernel, bias, score = (
        graph.constant(f"attention.{name}", weight)
        for name, weight in zip(("query_kernel", "key_kernel", "bias", "score"), weights, strict=True)
    )
    asked = graph.add("MatMul", [query, query_kernel], "attention.query")
    asked = graph.add("Add", [asked, bias], "attention.asked")
    axis = graph.constant("attention.axis", np.array([1], dtype=np.int64))
    asked = graph.add("Unsqueeze", [asked, axis], "attention.each")  # (n, 1, units)
    keys = graph.add("MatMul", [sequence, key_kernel], "attention.keys")  # (n, lookback, units)
    compared = graph.add("Tanh", [graph.add("Add", [asked, keys], "attention.sum")], "attention.compared")
    scores = graph.add("MatMul", [compared, score], "attention.scores")  # (n, lookback)
    graph.add("Softmax", [scores], "attention", axis=1)
