from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from forecaster.networks.build import build_network
from forecaster.spec import ModelSpec
from tests.forecaster.networks.nets import expected_output, keras_output, random_network, random_windows


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec(units=(7,), lookback=12),
        ModelSpec(units=(7, 3), lookback=12, horizon=3),
        ModelSpec(units=(3, 8, 5), lookback=30, features=("close",), quantiles=(0.1, 0.5, 0.9)),
        ModelSpec(units=(7,), lookback=12, target="level"),
        ModelSpec(units=(6, 4), lookback=12, target="level", horizon=3, dropout=0.4),
    ],
)
def test_the_stack_computes_the_equations_of_an_lstm(spec: ModelSpec) -> None:
    network, x = random_network(spec, seed=1), random_windows(spec, 20, seed=2)
    found = keras_output(network, x)
    assert found.shape == (20, spec.horizon, 1 if spec.target == "level" else len(spec.quantiles))
    assert np.abs(found - expected_output(network, spec, x)).max() < 1e-5


@pytest.mark.parametrize("horizon", [1, 3])
def test_an_untrained_network_says_same_as_yesterday(horizon: int) -> None:
    spec = ModelSpec(units=(5, 4), lookback=9, horizon=horizon)
    found = keras_output(build_network(spec), random_windows(spec, 100, seed=3))
    assert (found[..., 4] == 0.0).all()


def test_an_untrained_network_starts_with_an_interval_of_0_4_in_equal_steps() -> None:
    spec = ModelSpec(units=(5,), lookback=9)
    found = keras_output(build_network(spec), random_windows(spec, 10, seed=4))
    assert found == pytest.approx(np.broadcast_to(np.linspace(-0.2, 0.2, 9), found.shape), abs=1e-6)


def test_a_layer_for_each_number_of_units() -> None:
    network = build_network(ModelSpec(units=(9, 2, 6), lookback=4, features=("open", "close")))
    shapes = [[weight.shape for weight in network.get_layer(f"lstm_{layer}").get_weights()] for layer in range(3)]
    assert shapes == [[(2, 36), (9, 36), (36,)], [(9, 8), (2, 8), (8,)], [(2, 24), (6, 24), (24,)]]


def test_dropout_drops_in_training_and_never_in_prediction() -> None:
    spec = ModelSpec(units=(6, 6), lookback=8, dropout=0.5)
    network, x = random_network(spec, seed=5), random_windows(spec, 10, seed=6)
    assert (keras_output(network, x) == keras_output(network, x)).all()
    assert (np.asarray(network(x, training=True)) != np.asarray(network(x, training=True))).any()


_RELOAD = """
import sys
import numpy as np
import forecaster.networks.layers
import keras

for archive, inputs, outputs in zip(*[iter(sys.argv[1:])] * 3):
    network = keras.saving.load_model(archive)
    np.save(outputs, np.asarray(network(np.load(inputs), training=False)))
"""


def test_the_archive_is_read_by_a_new_process_that_only_imports_the_layer(tmp_path: Path) -> None:
    specs = {
        "change": ModelSpec(units=(6, 3), lookback=8, horizon=2, dropout=0.2),
        "level": ModelSpec(units=(6, 3), lookback=8, target="level"),
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
