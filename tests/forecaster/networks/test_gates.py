"""The gates that are handed out are those of the equations, and of the very network that serves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from forecaster.networks.export import export_network
from forecaster.networks.gates import export_gates
from forecaster.runtime import OnnxGates
from forecaster.spec import ModelSpec
from tests.forecaster.networks.equations import CELLS, Weights, cut, first_states, one_step, sigmoid
from tests.forecaster.networks.nets import random_network, random_windows

Floats = NDArray[np.float64]
Float32 = NDArray[np.float32]

LSTM_TRACES = ["input", "forget", "output", "candidate", "cell", "hidden"]
TRACES = {"rnn": ["hidden"], "gru": ["update", "reset", "candidate", "hidden"]}

SPECS = {
    f"{cell}, {'both directions and attention' if rich else 'plain'}": ModelSpec(
        cell=cell, units=(5, 3), lookback=7, bidirectional=rich, attention=rich, features=("close", "volume")
    )
    for cell in CELLS
    for rich in (False, True)
}
specs = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())


@cache
def network_of(spec: ModelSpec) -> Any:
    return random_network(spec, seed=31, inputs=1.0, recurrent=0.7)


@cache
def model_of(spec: ModelSpec) -> bytes:
    return export_gates(network_of(spec), spec)


def gates_of(cell: str, x: Floats, h: Floats, c: Floats | None, w: Weights) -> dict[str, Floats]:
    """The gates of one step from the papers' equations: Cho et al. (2014), Gers & Schmidhuber (2000), Greff et al.
    (2017); h and c are those of the step before. The states are not among them.
    """

    def a(gate: str) -> Floats:
        return np.asarray(x @ w.W[gate] + h @ w.R[gate] + w.b[gate])

    if cell == "gru":
        update, reset = (sigmoid(a(gate) + w.extra[gate]) for gate in "zr")
        inside = h @ w.R["h"] + w.extra["h"]
        return {"update": update, "reset": reset, "candidate": np.tanh(x @ w.W["h"] + w.b["h"] + reset * inside)}
    assert c is not None
    let_in = sigmoid(a("i") + w.extra.get("i", 0.0) * c)
    forget = 1 - let_in if "coupled" in cell else sigmoid(a("f") + w.extra.get("f", 0.0) * c)
    candidate = np.tanh(a("c"))
    after = forget * c + let_in * candidate
    output = sigmoid(a("o") + w.extra.get("o", 0.0) * after)
    return {"input": let_in, "forget": forget, "output": output, "candidate": candidate}


def expected_side(cell: str, x: Floats, w: Weights) -> dict[str, Floats]:
    """All traces of one direction, `(n, steps, units)`, in the order in which it reads."""
    states = first_states(cell, len(x), next(iter(w.b.values())).shape[-1])
    steps = []
    for t in range(x.shape[1]):
        c = states[1] if len(states) == 2 else None
        found = {} if cell == "rnn" else gates_of(cell, x[:, t], states[0], c, w)
        states = one_step(cell, x[:, t], states, w)
        steps.append({**found, **dict(zip(("hidden", "cell"), states, strict=False))})
    return {trace: np.stack([step[trace] for step in steps], axis=1) for trace in steps[0]}


def expected(network: Any, spec: ModelSpec, x: Float32) -> Iterator[tuple[str, Floats]]:
    sequence = x.astype(np.float64)
    for position in range(len(spec.units)):
        weights = network.get_layer(f"recurrent_{position}").get_weights()
        half = len(weights) // 2 if spec.bidirectional else len(weights)
        forward = expected_side(spec.cell, sequence, cut(spec.cell, weights[:half]))
        sides = {"forward": forward}
        if spec.bidirectional:
            backward = expected_side(spec.cell, sequence[:, ::-1], cut(spec.cell, weights[half:]))
            sides["backward"] = {trace: values[:, ::-1] for trace, values in backward.items()}
        for side, traces in sides.items():
            for trace, values in traces.items():
                yield f"layer_{position}.{side}.{trace}", values
        sequence = np.concatenate([traces["hidden"] for traces in sides.values()], axis=-1)
    if spec.attention:
        # Bahdanau, Cho & Bengio (2015), asked by the states that have read the whole window.
        w, u, b, v = (np.asarray(one, dtype=np.float64) for one in network.get_layer("attention").get_weights())
        units = spec.units[-1]
        last = np.concatenate([sequence[:, -1, :units], sequence[:, 0, units:]], axis=-1)
        energy = np.exp(np.tanh((last @ w)[:, None] + sequence @ u + b) @ v)
        yield "attention", energy / energy.sum(axis=1, keepdims=True)


@specs
def test_every_trace_is_that_of_the_equations(spec: ModelSpec) -> None:
    x = random_windows(spec, 9, seed=32)
    found = OnnxGates(model_of(spec)).traces(x)
    wanted = dict(expected(network_of(spec), spec, x))
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], values, atol=3e-6, err_msg=name)
    sides = ["forward", "backward"] if spec.bidirectional else ["forward"]
    traces = TRACES.get(spec.cell, LSTM_TRACES)
    names = [f"layer_{position}.{side}.{trace}" for position in (0, 1) for side in sides for trace in traces]
    assert list(found) == [*names, *(["attention"] if spec.attention else [])]


def serving_states(spec: ModelSpec, x: Float32) -> Iterator[tuple[int, NDArray[Any]]]:
    """Position of each layer and the last state `(directions, n, units)` in which its fused node ends."""
    model = onnx.load_from_string(export_network(network_of(spec), spec))
    nodes = [node for node in model.graph.node if node.op_type in ("RNN", "GRU", "LSTM")]
    for position, node in enumerate(nodes):
        # Not every node is asked for its last state; all can be.
        while len(node.output) < 2:
            node.output.append("")
        node.output[1] = node.output[1] or f"state_{position}"
        model.graph.output.append(onnx.helper.make_tensor_value_info(node.output[1], onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    yield from enumerate(session.run([node.output[1] for node in nodes], {"window": x}))


@specs
def test_its_states_are_those_of_the_graph_that_serves(spec: ModelSpec) -> None:
    x = random_windows(spec, 9, seed=33)
    found = OnnxGates(model_of(spec)).traces(x)
    count = 0
    for position, (forward, *backward) in serving_states(spec, x):
        count += 1
        assert np.abs(found[f"layer_{position}.forward.hidden"][:, -1] - forward).max() <= 1e-6
        for state in backward:  # it has read everything when it reaches the first session
            assert np.abs(found[f"layer_{position}.backward.hidden"][:, 0] - state).max() <= 1e-6
    assert count == 2


def test_a_window_has_the_same_gates_alone_and_among_others() -> None:
    spec = SPECS["lstm, both directions and attention"]
    gates, x = OnnxGates(model_of(spec)), random_windows(spec, 20, seed=34)
    together = gates.traces(x)
    for row in (0, 19):
        for name, values in gates.traces(x[row : row + 1]).items():
            assert np.abs(values[0] - together[name][row]).max() <= 1e-6


def test_the_graph_passes_the_checker_and_old_runtimes_can_read_it() -> None:
    spec = SPECS["peephole_coupled_lstm, both directions and attention"]
    model = onnx.load_from_string(model_of(spec))
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 13
    shapes = {
        one.name: [side.dim_param or side.dim_value for side in one.type.tensor_type.shape.dim]
        for one in (*model.graph.input, *model.graph.output)
    }
    assert shapes["window"] == ["n", 7, 2]
    assert shapes["layer_1.backward.forget"] == ["n", 7, 3]
    assert shapes["attention"] == ["n", 7]


def test_the_same_network_gives_the_same_bytes() -> None:
    spec = SPECS["gru, plain"]
    assert export_gates(network_of(spec), spec) == model_of(spec)
