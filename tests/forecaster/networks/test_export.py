from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest

from forecaster.networks.build import build_network
from forecaster.networks.export import export_network
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec
from tests.forecaster.networks.nets import expected_output, keras_output, random_network, random_windows

PARITY = 1e-5

SPECS = {
    f"{target}, {len(units)} layers, horizon {horizon}, dropout {dropout}": ModelSpec(
        units=units, lookback=lookback, horizon=horizon, target=target, dropout=dropout
    )
    for target in ("change", "level")
    for units, lookback, dropout in (((9,), 30, 0.0), ((16, 5), 20, 0.3), ((4, 12, 7), 11, 0.0))
    for horizon in (1, 3)
}
specs = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())


@specs
@pytest.mark.parametrize(("inputs", "recurrent"), [(0.2, 0.2), (0.7, 0.7), (3.0, 0.3)], ids=["small", "usual", "large"])
def test_the_export_gives_what_keras_gives(spec: ModelSpec, inputs: float, recurrent: float) -> None:
    network = random_network(spec, seed=11, inputs=inputs, recurrent=recurrent, head=0.2)
    x = random_windows(spec, 1000, seed=12)
    found = OnnxPredictor(export_network(network, spec)).predict(x)
    assert found.dtype == np.float32
    assert found.shape == (1000, spec.horizon, 1 if spec.target == "level" else 9)
    assert np.abs(found - keras_output(network, x)).max() <= PARITY


@specs
def test_the_export_computes_the_equations_of_an_lstm(spec: ModelSpec) -> None:
    network, x = random_network(spec, seed=13), random_windows(spec, 50, seed=14)
    found = OnnxPredictor(export_network(network, spec)).predict(x)
    assert np.abs(found - expected_output(network, spec, x)).max() <= PARITY


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
def test_each_recurrent_layer_is_one_fused_node(spec: ModelSpec) -> None:
    model = onnx.load_from_string(export_network(build_network(spec), spec))
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds["LSTM"] == len(spec.units)
    assert not {"Loop", "Scan", "If", "Dropout"} & set(kinds)
    hidden = [
        onnx.helper.get_attribute_value(attribute)
        for node in model.graph.node
        if node.op_type == "LSTM"
        for attribute in node.attribute
        if attribute.name == "hidden_size"
    ]
    assert hidden == list(spec.units)


@specs
def test_the_export_passes_the_checker_and_old_runtimes_can_read_it(spec: ModelSpec) -> None:
    model = onnx.load_from_string(export_network(build_network(spec), spec))
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 13
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)]
    (window,), (output,) = model.graph.input, model.graph.output

    def shape(value: onnx.ValueInfoProto) -> list[object]:
        return [one.dim_param or one.dim_value for one in value.type.tensor_type.shape.dim]

    assert (window.name, shape(window)) == ("window", ["n", spec.lookback, 5])
    assert (output.name, shape(output)) == ("output", ["n", spec.horizon, 1 if spec.target == "level" else 9])


def test_nothing_in_the_export_says_where_it_was_made() -> None:
    spec = ModelSpec(units=(5,), lookback=6)
    assert export_network(random_network(spec, seed=18), spec) == export_network(random_network(spec, seed=18), spec)
