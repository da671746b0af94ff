from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.networks.build import build_network
from forecaster.networks.export import export_network
from forecaster.networks.graph import Graph
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec
from tests.forecaster.networks.equations import CELLS, expected_output
from tests.forecaster.networks.nets import keras_output, random_network, random_windows
from tests.forecaster.networks.specs import model_specs

PARITY = 1e-5
NODES = {"rnn": "RNN", "gru": "GRU", **{cell: "LSTM" for cell in CELLS if "lstm" in cell}}

SPECS = {
    "default": ModelSpec(),
    "level": ModelSpec(units=(16, 5), target="level", horizon=3, dropout=0.3),
    **{
        cell: ModelSpec(cell=cell, units=(4, 12, 7), bidirectional=True, attention=True, lookback=11, horizon=3)
        for cell in CELLS
    },
}
specs = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())


@settings(deadline=None, max_examples=40)
@given(
    spec=model_specs(),
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    inputs=st.floats(0.05, 1.0),
    recurrent=st.floats(0.05, 0.35),
    head=st.floats(0.05, 0.3),
)
def test_whatever_the_spec_its_export_is_fused_and_gives_what_keras_and_the_equations_give(
    spec: ModelSpec, seed: int, n: int, inputs: float, recurrent: float, head: float
) -> None:
    network = random_network(spec, seed, inputs=inputs, recurrent=recurrent, head=head)
    x = random_windows(spec, n, seed)
    exported = export_network(network, spec)
    found = OnnxPredictor(exported).predict(x)
    assert found.dtype == np.float32
    assert found.shape == (n, spec.horizon, 1 if spec.target == "level" else len(spec.quantiles))
    assert np.abs(found - keras_output(network, x)).max() <= PARITY
    assert np.abs(found - expected_output(network, spec, x)).max() <= PARITY
    kinds = Counter(node.op_type for node in onnx.load_from_string(exported).graph.node)
    assert kinds[NODES[spec.cell]] == len(spec.units)
    assert not {"Loop", "Scan", "If", "Dropout"} & set(kinds)


@specs
@pytest.mark.parametrize(("inputs", "recurrent"), [(0.2, 0.2), (3.0, 0.3)], ids=["small", "large"])
def test_the_export_gives_what_keras_gives_on_many_windows(spec: ModelSpec, inputs: float, recurrent: float) -> None:
    network = random_network(spec, seed=11, inputs=inputs, recurrent=recurrent / max(spec.units) ** 0.5, head=0.1)
    x = random_windows(spec, 600, seed=12)
    found = OnnxPredictor(export_network(network, spec)).predict(x)
    assert np.abs(found - keras_output(network, x)).max() <= PARITY


@pytest.mark.parametrize("units", [(9,), (16, 5), (4, 12, 7)])
def test_where_rounding_is_magnified_the_export_is_as_near_to_the_equations_as_keras(units: tuple[int, ...]) -> None:
    # With recurrent weights this large an LSTM is chaotic: float32 itself cannot follow float64 to 1e-5.
    spec = ModelSpec(units=units, lookback=20, target="level")
    network, x = random_network(spec, seed=11, inputs=5.0, recurrent=5.0), random_windows(spec, 1000, seed=12)
    expected = expected_output(network, spec, x)
    ours = np.abs(OnnxPredictor(export_network(network, spec)).predict(x) - expected)
    theirs = np.abs(keras_output(network, x) - expected)
    assert np.median(ours) <= 2 * np.median(theirs)
    assert np.quantile(ours, 0.95) <= 3 * np.quantile(theirs, 0.95)


def test_the_export_of_an_untrained_network_says_exactly_same_as_yesterday() -> None:
    spec = ModelSpec(units=(5,), lookback=6)
    found = OnnxPredictor(export_network(build_network(spec), spec)).predict(random_windows(spec, 100, seed=15))
    assert (found[..., 4] == 0.0).all()


def test_the_export_keeps_quantiles_in_order() -> None:
    spec = ModelSpec(units=(5,), lookback=6, horizon=2)
    predictor = OnnxPredictor(export_network(random_network(spec, seed=16, head=30.0), spec))
    found = predictor.predict(random_windows(spec, 1000, seed=17))
    assert (np.diff(found, axis=-1) >= 0).all()


@specs
def test_each_recurrent_layer_is_one_node_with_the_cell_as_its_attributes(spec: ModelSpec) -> None:
    model = onnx.load_from_string(export_network(build_network(spec), spec))
    nodes = [node for node in model.graph.node if node.op_type == NODES[spec.cell]]
    assert [node.name for node in nodes] == [f"recurrent_{position}" for position in range(len(spec.units))]
    for node, units in zip(nodes, spec.units, strict=True):
        found = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        expected = {"hidden_size": units, "direction": b"bidirectional" if spec.bidirectional else b"forward"}
        if spec.cell == "gru":
            expected["linear_before_reset"] = 1
        if "coupled" in spec.cell:
            expected["input_forget"] = 1
        assert found == expected
        assert bool(node.input[7:]) == ("peephole" in spec.cell)  # P is the eighth input


def test_of_coupled_gates_onnx_runtime_computes_the_input_gate_and_forgets_the_rest() -> None:
    # The ONNX specification says "couple the input and forget gates", and not which of them follows. One unit, one
    # step from c = 1: with i = sigmoid(0) = 1/2 wherever it comes from, c = f + i tanh(g); an own forget gate of
    # sigmoid(5) would show.
    graph = Graph()
    zero, one = np.zeros((1, 1, 1), dtype="f"), np.ones((1, 1, 1), dtype="f")
    w = np.array([0.0, 0.0, 5.0, 1.0], dtype="f").reshape(1, 4, 1)  # input, output, forget, candidate
    inputs = [
        graph.constant(name, value)
        for name, value in (
            ("W", w),
            ("R", np.zeros_like(w)),
            ("B", np.zeros((1, 8), dtype="f")),
            ("h", zero),
            ("c", one),
        )
    ]
    places = ["window", *inputs[:3], "", *inputs[3:]]
    graph.add_many("LSTM", places, ["", "", "output"], name="lstm", hidden_size=1, input_forget=1)
    found = OnnxPredictor(graph.serialised({"window": [1, "n", 1]}, {"output": [1, "n", 1]})).predict(one)
    assert found.ravel() == pytest.approx([0.5 + 0.5 * np.tanh(1.0)], abs=1e-6)


@specs
def test_the_export_passes_the_checker_and_old_runtimes_can_read_it(spec: ModelSpec) -> None:
    model = onnx.load_from_string(export_network(build_network(spec), spec))
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 13
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)]
    (window,), (output,) = model.graph.input, model.graph.output

    def shape(value: onnx.ValueInfoProto) -> list[object]:
        return [one.dim_param or one.dim_value for one in value.type.tensor_type.shape.dim]

    assert (window.name, shape(window)) == ("window", ["n", spec.lookback, len(spec.features)])
    assert (output.name, shape(output)) == ("output", ["n", spec.horizon, 1 if spec.target == "level" else 9])


def test_nothing_in_the_export_says_where_it_was_made() -> None:
    spec = ModelSpec(units=(5,), lookback=6)
    assert export_network(random_network(spec, seed=18), spec) == export_network(random_network(spec, seed=18), spec)
