"""Against PyTorch: `torch_values.json` was made by `torch_values.py`; with torch installed, also live."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from forecaster.errors import SpecError
from forecaster.networks.cells import LSTMVariant, LSTMVariantCell
from forecaster.networks.torch_layout import from_torch, to_torch
from tests.forecaster.networks import equations

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("torch_values.json").read_text(encoding="utf-8"))
KERAS = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
UNITS, LAYERS = 3, 2

stored = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case['cell']}-{'both' if case['bidirectional'] else 'forward'}" for case in CASES]
)


def state_of(case: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in case["state"].items()}


def keras_layer(cell: str, inputs: int, *, bidirectional: bool) -> Any:
    layer = KERAS[cell](UNITS, return_sequences=True, dtype="float64")
    if bidirectional:
        layer = keras.layers.Bidirectional(layer, dtype="float64")
    layer.build((None, 4, inputs))
    return layer


def stack(case: dict[str, Any]) -> list[Any]:
    """Keras layers with the weights of a stored case."""
    layers = []
    for position in range(LAYERS):
        inputs = 2 if position == 0 else UNITS * (2 if case["bidirectional"] else 1)
        layers.append(keras_layer(case["cell"], inputs, bidirectional=case["bidirectional"]))
        layers[-1].set_weights(from_torch(state_of(case), case["cell"], position))
    return layers


@stored
def test_keras_with_weights_of_pytorch_gives_what_pytorch_gave(case: dict[str, Any]) -> None:
    flow = np.array(case["x"])
    for layer in stack(case):
        flow = layer(flow)
    assert np.abs(np.asarray(flow) - case["sequence"]).max() < 1e-13


@stored
def test_the_equations_give_what_pytorch_gave(case: dict[str, Any]) -> None:
    sequence = np.array(case["x"])
    for position in range(LAYERS):
        weights = from_torch(state_of(case), case["cell"], position)
        sequence, last = equations.layer(case["cell"], sequence, weights, bidirectional=case["bidirectional"])
    assert np.abs(sequence - case["sequence"]).max() < 1e-13
    assert np.abs(last - case["last"]).max() < 1e-13


@stored
def test_weights_come_back_and_biases_as_their_sum(case: dict[str, Any]) -> None:
    state = state_of(case)
    back: dict[str, np.ndarray] = {}
    for position, layer in enumerate(stack(case)):
        back |= to_torch(layer, position)
    assert set(back) == set(state)
    for name, value in state.items():
        if name.startswith("weight") or case["cell"] == "gru":
            assert (back[name] == value).all()
        elif name.startswith("bias_ih"):
            other = name.replace("_ih_", "_hh_")
            assert back[name] + back[other] == pytest.approx(value + state[other], abs=1e-15)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", KERAS)
def test_pytorch_with_weights_of_keras_gives_what_keras_gives(cell: str, bidirectional: bool) -> None:
    torch = pytest.importorskip("torch")
    from tests.forecaster.networks.torch_values import module, outputs

    random = np.random.default_rng(3)
    x = random.normal(0, 1, (5, 6, 2))
    flow, state = x, {}
    for position in range(LAYERS):
        layer = keras_layer(cell, flow.shape[-1], bidirectional=bidirectional)
        layer.set_weights([random.normal(0, 0.6, weight.shape) for weight in layer.weights])
        flow = np.asarray(layer(flow))
        state |= to_torch(layer, position)
    one = module(cell, bidirectional=bidirectional)
    one.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    assert np.abs(outputs(one, x)["sequence"] - flow).max() < 1e-13


def test_live_pytorch_still_gives_what_is_stored() -> None:
    pytest.importorskip("torch")
    from tests.forecaster.networks.torch_values import values

    for case in CASES:
        now = values(case["cell"], bidirectional=case["bidirectional"])
        assert now["state"] == case["state"]
        assert np.abs(np.array(now["sequence"]) - case["sequence"]).max() < 1e-13


def test_a_cell_that_pytorch_does_not_have_is_refused() -> None:
    layer = LSTMVariant(LSTMVariantCell(3, peephole=True), name="recurrent_0")
    layer.build((None, 4, 2))
    with pytest.raises(SpecError, match="recurrent_0: expected a layer of SimpleRNN, GRU or LSTM"):
        to_torch(layer)
    with pytest.raises(
        SpecError, match="cell: expected one of rnn, gru, lstm: PyTorch has no other, got 'peephole_lstm'"
    ):
        from_torch({}, "peephole_lstm")


def test_weights_that_do_not_belong_to_the_cell_are_refused() -> None:
    state = state_of(next(case for case in CASES if case["cell"] == "gru"))
    with pytest.raises(
        SpecError, match=r"weight_ih_l0: expected the shape \(12, 2\) of a layer of 3 units of the cell lstm"
    ):
        from_torch(state, "lstm")
    with pytest.raises(SpecError, match="state: expected the weight weight_ih_l2"):
        from_torch(state, "gru", 2)
