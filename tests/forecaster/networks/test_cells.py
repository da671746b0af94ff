"""Every cell against the papers' equations: in Keras, float64, and in ONNX Runtime; and how training drops states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from forecaster.networks.cells import LSTMVariant, LSTMVariantCell
from forecaster.networks.fused import recurrent
from forecaster.networks.graph import Graph
from forecaster.networks.recurrent import recurrent_layer
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec
from tests.forecaster.networks import equations
from tests.forecaster.networks.differences import gradients
from tests.forecaster.networks.equations import CELLS, GATES, Floats

OWN = {
    "peephole_lstm": {"peephole": True},
    "coupled_lstm": {"coupled": True},
    "peephole_coupled_lstm": {"peephole": True, "coupled": True},
}
STEPS, INPUTS, UNITS = 5, 2, 3

cells = pytest.mark.parametrize("cell", CELLS)
directions = pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both"])


@pytest.fixture
def float64() -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def made(cell: str, seed: int, *, bidirectional: bool = False, unroll: bool = False, rate: float = 0.0) -> Any:
    """One layer with random weights; called, it gives its sequence and its states."""
    spec = ModelSpec(
        cell=cell,  # type: ignore[arg-type]  # a str of the names
        units=(UNITS,),
        bidirectional=bidirectional,
        attention=True,
        recurrent_dropout=rate,
    )
    layer = recurrent_layer(spec, 0, unroll=unroll)
    layer.build((None, STEPS, INPUTS))
    random = np.random.default_rng(seed)
    layer.set_weights([random.normal(0, 0.8, weight.shape) for weight in layer.weights])
    return layer


def windows(n: int, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(0, 1, (n, STEPS, INPUTS))


@cells
@pytest.mark.usefixtures("float64")
def test_one_step_from_any_state_is_that_of_the_equations(cell: str) -> None:
    layer, x = made(cell, seed=1), windows(20, seed=2)[:, 0]
    random = np.random.default_rng(3)
    states = tuple(random.normal(0, 1, one.shape) for one in equations.first_states(cell, 20, UNITS))
    expected = equations.one_step(cell, x, states, equations.cut(cell, layer.get_weights()))
    inputs = layer.cell.project(x) if cell in OWN else x
    output, found = layer.cell(inputs, [keras.ops.convert_to_tensor(state) for state in states])
    assert len(found) == len(expected)
    assert np.abs(np.asarray(output) - expected[0]).max() < 1e-14
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(np.asarray(ours) - theirs).max() < 1e-14


@cells
@directions
@pytest.mark.parametrize("unroll", [False, True], ids=["loop", "unrolled"])
@pytest.mark.usefixtures("float64")
def test_a_sequence_is_that_of_the_equations(cell: str, bidirectional: bool, unroll: bool) -> None:
    layer, x = made(cell, seed=4, bidirectional=bidirectional, unroll=unroll), windows(20, seed=5)
    expected, last = equations.layer(cell, x, layer.get_weights(), bidirectional=bidirectional)
    sequence, *states = (np.asarray(one) for one in layer(x))
    assert np.abs(sequence - expected).max() < 1e-13
    hidden = states[:: len(states) // 2] if bidirectional else states[:1]
    assert np.abs(np.concatenate(hidden, axis=1) - last).max() < 1e-13


@cells
@directions
@pytest.mark.parametrize("steps", [1, STEPS])
def test_the_fused_node_computes_the_equations(cell: str, bidirectional: bool, steps: int) -> None:
    layer, x = made(cell, seed=6, bidirectional=bidirectional), windows(20, seed=7)[:, :steps].astype("f")
    expected = equations.layer(cell, x.astype(float), layer.get_weights(), bidirectional=bidirectional)
    width = expected[1].shape[1]
    found = []
    for asked in ("sequence", "last"):
        graph = Graph()
        flow = graph.add("Transpose", ["window"], "flow", perm=[1, 0, 2])
        sequence, last = recurrent(graph, layer, flow, "node", sequence=asked == "sequence", last=asked == "last")
        assert bool(sequence) != bool(last)
        if sequence:
            graph.add("Transpose", [sequence], "output", perm=[1, 0, 2])
        else:
            graph.add("Identity", [last], "output")
        shape = ["n", steps, width] if sequence else ["n", width]
        found.append(OnnxPredictor(graph.serialised({"window": ["n", steps, INPUTS]}, {"output": shape})).predict(x))
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(ours - theirs).max() < 1e-6


@pytest.mark.usefixtures("float64")
def test_without_peepholes_and_coupling_the_own_cell_is_that_of_keras() -> None:
    ours = LSTMVariant(LSTMVariantCell(UNITS), return_sequences=True)
    theirs = keras.layers.LSTM(UNITS, return_sequences=True)
    x = windows(20, seed=8)
    for layer in (ours, theirs):
        layer.build(x.shape)
    ours.set_weights(made("lstm", seed=9).get_weights())
    theirs.set_weights(ours.get_weights())
    assert np.abs(np.asarray(ours(x)) - np.asarray(theirs(x))).max() < 1e-14


@pytest.mark.parametrize("cell", OWN)
@pytest.mark.parametrize("unroll", [False, True], ids=["loop", "unrolled"])
@pytest.mark.usefixtures("float64")
def test_gradients_are_the_central_differences_of_the_equations(cell: str, unroll: bool) -> None:
    layer, x = made(cell, seed=10, unroll=unroll), windows(4, seed=11)
    upward = np.random.default_rng(12).normal(0, 1, (4, STEPS, UNITS))
    window = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(window)
        loss = tf.reduce_sum(layer(window)[0] * upward)
    found = tape.gradient(loss, [window, *(weight.value for weight in layer.weights)])
    expected = gradients(
        lambda values: float(
            (equations.one_direction(cell, values[0], equations.cut(cell, values[1:])) * upward).sum()
        ),
        [x, *layer.get_weights()],
    )
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(np.asarray(ours) - theirs).max() < 1e-8


@cells
@pytest.mark.usefixtures("float64")
def test_recurrent_dropout_hides_the_same_states_from_a_gate_at_each_step(cell: str) -> None:
    # Of one unit and rate 1/2, each gate sees twice h or nothing: with g gates, 2 ** g sequences are possible.
    spec = ModelSpec(cell=cell, units=(1,), attention=True, recurrent_dropout=0.5)  # type: ignore[arg-type]
    layer = recurrent_layer(spec, 0)
    layer.build((None, STEPS, INPUTS))
    random = np.random.default_rng(13)
    layer.set_weights([random.normal(0, 1, weight.shape) for weight in layer.weights])
    weights = equations.cut(cell, layer.get_weights())
    gates = len(GATES[cell])
    masks = 2.0 * np.array(np.meshgrid(*[[0, 1]] * gates)).reshape(gates, -1)  # (gates, 2 ** gates)
    one = windows(1, seed=14)
    expected = equations.one_direction(cell, np.repeat(one, 2**gates, axis=0), weights, masks[:, :, None])[..., 0]

    found = np.asarray(layer(np.repeat(one, 300, axis=0), training=True)[0])[..., 0]
    distance = np.abs(found[:, None] - expected[None]).max(axis=-1)  # (300, 2 ** gates)
    assert distance.min(axis=1).max() < 1e-13
    assert set(distance.argmin(axis=1)) == set(range(2**gates))

    again = np.asarray(layer(np.repeat(one, 300, axis=0), training=True)[0])[..., 0]
    assert (again != found).any()
    calm = np.asarray(layer(one)[0])[..., 0]
    assert np.abs(calm - equations.one_direction(cell, one, weights)[..., 0]).max() < 1e-13


@pytest.mark.usefixtures("float64")
def test_an_own_cell_drops_the_same_inputs_at_each_step() -> None:
    layer = LSTMVariant(LSTMVariantCell(UNITS, peephole=True, dropout=0.75), return_sequences=True)
    layer.build((None, STEPS, INPUTS))
    layer.set_weights(made("peephole_lstm", seed=15).get_weights())
    weights = equations.cut("peephole_lstm", layer.get_weights())
    one = windows(1, seed=16)
    masks = 4.0 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    expected = equations.one_direction("peephole_lstm", one * masks[:, None], weights)
    found = np.asarray(layer(np.repeat(one, 300, axis=0), training=True))
    distance = np.abs(found[:, None] - expected[None]).max(axis=(-2, -1))  # (300, 4)
    assert distance.min(axis=1).max() < 1e-13
    assert set(distance.argmin(axis=1)) == {0, 1, 2, 3}


def test_an_own_cell_starts_as_the_lstm_that_it_extends() -> None:
    layer = LSTMVariant(LSTMVariantCell(4, peephole=True))
    layer.build((None, 7, 5))
    kernel, recurrent_kernel, peephole, bias = layer.get_weights()
    assert np.abs(kernel).max() <= np.sqrt(6 / (5 + 16))  # Glorot & Bengio 2010
    assert recurrent_kernel @ recurrent_kernel.T == pytest.approx(np.eye(4), abs=1e-6)
    assert (peephole == 0).all()
    assert bias.tolist() == [0] * 4 + [1] * 4 + [0] * 8  # Jozefowicz et al. 2015: the forget gate starts open
    coupled = LSTMVariant(LSTMVariantCell(4, coupled=True))
    coupled.build((None, 7, 5))
    assert coupled.get_weights()[-1].tolist() == [0] * 12


@cells
@directions
def test_the_torch_start_is_uniform_within_one_over_the_root_of_the_units(cell: str, bidirectional: bool) -> None:
    spec = ModelSpec(
        cell=cell,  # type: ignore[arg-type]
        units=(64,),
        bidirectional=bidirectional,
        initialiser="torch",
    )
    layer = recurrent_layer(spec, 0)
    layer.build((None, 7, 5))
    weights = layer.get_weights()
    for weight in weights:
        assert np.abs(weight).max() <= 1 / 8
        # A uniform's standard deviation is its half width over the root of 3; the smallest weight has 64 numbers.
        assert weight.std() == pytest.approx(1 / 8 / np.sqrt(3), rel=0.3)
        assert abs(weight.mean()) < 0.04
    first = [float(weight.flat[0]) for weight in weights]
    assert len(set(first)) == len(first)  # none is drawn as another was
