from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from forecaster.networks.build import build_network
from forecaster.networks.cells import LSTMVariant
from forecaster.spec import ModelSpec
from forecaster.training.fused import FusedLSTM, FusedPeepholeLSTM, with_fused_layers

SPEC = ModelSpec(units=(5, 4), lookback=6, features=("close", "volume"), quantiles=(0.1, 0.5, 0.9), dropout=0.0)
WINDOWS = np.random.default_rng(3).normal(0, 1, (7, 6, 2)).astype("f")


def network_of(spec: ModelSpec) -> Any:
    """With weights that leave nothing at zero, as peepholes and the head start."""
    network, random = build_network(spec), np.random.default_rng(4)
    network.set_weights([random.normal(0, 0.5, weight.shape) for weight in network.get_weights()])
    return network


def output_and_gradients(network: Any) -> list[np.ndarray]:
    with tf.GradientTape() as tape:
        output = network(WINDOWS, training=True)
        total = tf.reduce_sum(tf.sin(3 * output))
    gradients = tape.gradient(total, [weight.value for weight in network.trainable_variables])
    return [np.asarray(one) for one in (output, *gradients)]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, FusedLSTM),
        ({"bidirectional": True, "attention": True}, FusedLSTM),
        ({"cell": "peephole_lstm", "attention": True}, FusedPeepholeLSTM),
        ({"cell": "peephole_lstm", "bidirectional": True}, FusedPeepholeLSTM),
    ],
)
def test_outputs_and_gradients_are_those_of_keras(changes: dict[str, Any], kind: type) -> None:
    own = network_of(replace(SPEC, **changes))
    fused = with_fused_layers(own)
    layers = [getattr(layer, "forward_layer", layer) for layer in fused.layers if layer.name.startswith("recurrent")]
    assert [type(layer) for layer in layers] == [kind, kind]
    expected, found = output_and_gradients(own), output_and_gradients(fused)
    assert [one.shape for one in found] == [one.shape for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"cell": "gru"}, keras.layers.GRU),
        ({"cell": "peephole_coupled_lstm"}, LSTMVariant),
        ({"recurrent_dropout": 0.1}, keras.layers.LSTM),
        ({"cell": "peephole_lstm", "recurrent_dropout": 0.1}, LSTMVariant),
    ],
)
def test_what_has_no_fused_layer_stays_as_it_is(changes: dict[str, Any], kind: type) -> None:
    own = network_of(replace(SPEC, **changes))
    same = with_fused_layers(own)
    assert [type(layer) for layer in same.layers if layer.name.startswith("recurrent")] == [kind, kind]
    for one, other in zip(same.get_weights(), own.get_weights(), strict=True):
        assert np.array_equal(one, other)
