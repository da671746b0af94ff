from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from forecaster.networks.build import build_network
from forecaster.spec import ModelSpec
from tests.forecaster.networks.equations import CELLS, expected_output
from tests.forecaster.networks.nets import keras_output, random_network, random_windows

cells = pytest.mark.parametrize("cell", CELLS)


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec(units=(7, 3), lookback=12, horizon=3),
        ModelSpec(units=(3, 8, 5), lookback=30, features=("close",), quantiles=(0.1, 0.5, 0.9)),
        ModelSpec(units=(6, 4), lookback=12, target="level", horizon=3, dropout=0.4, recurrent_dropout=0.4),
        *(
            ModelSpec(cell=cell, units=(5, 4), lookback=9, bidirectional=both, attention=attention)
            for cell in CELLS
            for both, attention in ((False, True), (True, False), (True, True))
        ),
    ],
)
def test_the_stack_computes_the_equations(spec: ModelSpec) -> None:
    network, x = random_network(spec, seed=1), random_windows(spec, 20, seed=2)
    found = keras_output(network, x)
    assert found.shape == (20, spec.horizon, 1 if spec.target == "level" else len(spec.quantiles))
    assert np.abs(found - expected_output(network, spec, x)).max() < 1e-5


@cells
def test_an_unrolled_network_has_the_same_weights_and_outputs(cell: str) -> None:
    spec = ModelSpec(cell=cell, units=(5, 4), lookback=9, bidirectional=True, attention=True)
    networks = []
    for unroll in (False, True):
        keras.utils.set_random_seed(3)
        networks.append(build_network(spec, unroll=unroll))
    loop, unrolled = networks
    for ours, theirs in zip(loop.weights, unrolled.weights, strict=True):
        assert (ours.path, ours.shape) == (theirs.path, theirs.shape)
        assert (ours.numpy() == theirs.numpy()).all()
    random = np.random.default_rng(4)
    weights = [random.normal(0, 0.5, weight.shape) for weight in loop.weights]
    loop.set_weights(weights)
    unrolled.set_weights(weights)
    x = random_windows(spec, 20, seed=5)
    assert np.abs(keras_output(loop, x) - keras_output(unrolled, x)).max() < 1e-5


@cells
@pytest.mark.parametrize("attention", [False, True])
def test_an_untrained_network_says_same_as_yesterday(cell: str, attention: bool) -> None:
    spec = ModelSpec(
        cell=cell,
        units=(5, 4),
        lookback=9,
        horizon=3,
        bidirectional=attention,
        attention=attention,
        initialiser="torch",
    )
    found = keras_output(build_network(spec), random_windows(spec, 100, seed=3))
    assert (found[..., 4] == 0.0).all()


# 90 % of a normal distribution lie within 1.644854 standard deviations, 50 % within 0.674490.
NORMAL = np.array([-1.644854, -0.674490, 0.0, 0.674490, 1.644854])


@pytest.mark.parametrize(("unit", "spread"), [("volatility", 1.0), ("range", 0.125)])
def test_an_untrained_network_starts_with_normal_moves_that_grow_with_the_root_of_the_horizon(
    unit: str, spread: float
) -> None:
    spec = ModelSpec(units=(5,), lookback=9, horizon=4, unit=unit, quantiles=(0.05, 0.25, 0.5, 0.75, 0.95))
    found = keras_output(build_network(spec), random_windows(spec, 10, seed=4))
    assert found[:, 0] == pytest.approx(np.broadcast_to(spread * NORMAL, (10, 5)), abs=1e-5)
    assert found[:, 3] == pytest.approx(np.broadcast_to(2 * spread * NORMAL, (10, 5)), abs=1e-5)


def test_the_nearest_quantiles_that_a_spec_allows_start_apart() -> None:
    spec = ModelSpec(units=(5,), lookback=9, quantiles=(0.1, 0.499999, 0.5, 0.500001, 0.9))
    bias = build_network(spec).get_layer("distances").get_weights()[1]
    # 1e-6 over the normal density of 1 / sqrt(2 pi), through the inverse of softplus.
    assert bias[[1, 3]] == pytest.approx(np.log(1e-6 * np.sqrt(2 * np.pi)), abs=1e-4)


# By hand, for 2 inputs and units 3: gates, whether peepholes, and what the bias looks like.
SHAPES = {
    "rnn": [(2, 3), (3, 3), (3,)],
    "gru": [(2, 9), (3, 9), (2, 9)],
    "lstm": [(2, 12), (3, 12), (12,)],
    "peephole_lstm": [(2, 12), (3, 12), (3, 3), (12,)],
    "coupled_lstm": [(2, 9), (3, 9), (9,)],
    "peephole_coupled_lstm": [(2, 9), (3, 9), (2, 3), (9,)],
}


@cells
def test_layers_have_the_names_and_weights_that_are_documented(cell: str) -> None:
    network = build_network(ModelSpec(cell=cell, units=(3,), lookback=4, features=("open", "close")))
    assert [weight.shape for weight in network.get_layer("recurrent_0").get_weights()] == SHAPES[cell]
    both = build_network(
        ModelSpec(
            cell=cell,
            units=(3, 2),
            lookback=4,
            features=("open", "close"),
            bidirectional=True,
            attention=True,
            dropout=0.1,
        )
    )
    assert [weight.shape for weight in both.get_layer("recurrent_0").get_weights()] == 2 * SHAPES[cell]
    assert both.get_layer("recurrent_1").get_weights()[0].shape[0] == 6  # both directions of the layer below
    assert [weight.shape for weight in both.get_layer("attention").get_weights()] == [(4, 2), (4, 2), (2,), (2,)]
    names = [layer.name for layer in both.layers]
    stack = ["dropout_0", "recurrent_0", "dropout_1", "recurrent_1"]
    assert names == ["window", *stack, "last_state", "attention", "distances", "quantiles"]


def test_a_layer_for_each_number_of_units() -> None:
    network = build_network(ModelSpec(units=(9, 2, 6), lookback=4, features=("open", "close")))
    shapes = [[weight.shape for weight in network.get_layer(f"recurrent_{k}").get_weights()] for k in range(3)]
    assert shapes == [[(2, 36), (9, 36), (36,)], [(9, 8), (2, 8), (8,)], [(2, 24), (6, 24), (24,)]]


@cells
def test_glorot_starts_as_keras_does(cell: str) -> None:
    layer = build_network(ModelSpec(cell=cell, units=(3,), lookback=4, features=("open", "close"))).get_layer(
        "recurrent_0"
    )
    kernel, recurrent, *_, bias = layer.get_weights()
    assert np.abs(kernel).max() <= np.sqrt(6 / sum(kernel.shape))  # Glorot & Bengio 2010
    assert recurrent @ recurrent.T == pytest.approx(np.eye(3), abs=1e-6)  # Saxe et al. 2014
    # Jozefowicz et al. 2015: a forget gate, where there is one, starts open.
    opened = [0] * 3 + [1] * 3 + [0] * 6 if cell in ("lstm", "peephole_lstm") else [0] * (bias.size)
    assert bias.ravel().tolist() == opened


@pytest.mark.parametrize("rates", [{"dropout": 0.5}, {"recurrent_dropout": 0.5}], ids=["dropout", "recurrent_dropout"])
def test_dropout_drops_in_training_and_never_in_prediction(rates: dict[str, float]) -> None:
    for cell in ("lstm", "peephole_coupled_lstm"):
        spec = ModelSpec(cell=cell, units=(6, 6), lookback=8, **rates)
        network, x = random_network(spec, seed=5), random_windows(spec, 10, seed=6)
        assert (keras_output(network, x) == keras_output(network, x)).all()
        assert (np.asarray(network(x, training=True)) != np.asarray(network(x, training=True))).any()


_RELOAD = """
import sys
import numpy as np
import forecaster.networks.build
import keras

for archive, inputs, outputs in zip(*[iter(sys.argv[1:])] * 3):
    network = keras.saving.load_model(archive)
    np.save(outputs, np.asarray(network(np.load(inputs), training=False)))
"""


def test_archives_are_read_by_a_new_process_without_custom_objects(tmp_path: Path) -> None:
    specs = {
        "level": ModelSpec(units=(6, 3), lookback=8, target="level"),
        "gru": ModelSpec(cell="gru", units=(6, 3), lookback=8, bidirectional=True, attention=True, initialiser="torch"),
        "coupled": ModelSpec(cell="coupled_lstm", units=(6,), lookback=8, dropout=0.2, recurrent_dropout=0.2),
        "both": ModelSpec(
            cell="peephole_coupled_lstm",
            units=(6, 3),
            lookback=8,
            horizon=2,
            bidirectional=True,
            attention=True,
            recurrent_dropout=0.2,
            initialiser="torch",
        ),
    }
    files, expected = [], []
    for name, spec in specs.items():
        network, x = random_network(spec, seed=7), random_windows(spec, 30, seed=8)
        files.append([tmp_path / f"{name}{end}" for end in (".keras", ".x.npy", ".y.npy")])
        network.save(files[-1][0])
        np.save(files[-1][1], x)
        expected.append(keras_output(network, x))
    command = [sys.executable, "-c", _RELOAD, *(file for three in files for file in three)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for (_, _, outputs), output in zip(files, expected, strict=True):
        assert (np.load(outputs) == output).all()
