from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from forecaster.networks.attention import AdditiveAttention
from tests.forecaster.networks import equations
from tests.forecaster.networks.differences import gradients
from tests.forecaster.networks.equations import Floats


def attention(width: int, units: int, seed: int) -> AdditiveAttention:
    layer = AdditiveAttention(units, dtype="float64")
    layer.build((None, width), (None, 6, width))
    random = np.random.default_rng(seed)
    layer.set_weights([random.normal(0, 0.8, weight.shape) for weight in layer.weights])
    return layer


def inputs(width: int, seed: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    return random.normal(0, 1, (5, width)), random.normal(0, 1, (5, 6, width))


@pytest.mark.parametrize(("width", "units"), [(4, 3), (1, 1), (6, 8)])
def test_attention_is_that_of_bahdanau(width: int, units: int) -> None:
    layer, (query, sequence) = attention(width, units, seed=1), inputs(width, seed=2)
    found = np.asarray(layer(query, sequence))
    assert found.shape == (5, 2 * width)
    assert np.abs(found - equations.attended(sequence, query, layer.get_weights())).max() < 1e-14


def test_by_hand() -> None:
    # v = 2, W = 0, U = 1, b = 0: e = 2 tanh(h), of h = 0 and h = artanh(1/2) that is 0 and 1.
    layer = AdditiveAttention(1, dtype="float64")
    layer.build((None, 1), (None, 2, 1))
    layer.set_weights([np.zeros((1, 1)), np.ones((1, 1)), np.zeros(1), np.full(1, 2.0)])
    h = np.arctanh(0.5)
    query, sequence = np.array([[7.0]]), np.array([[[0.0], [h]]])
    share = np.e / (1 + np.e)
    assert np.asarray(layer.attend(query, sequence))[0] == pytest.approx([1 - share, share])
    assert np.asarray(layer(query, sequence))[0] == pytest.approx([share * h, 7.0])


def test_gradients_are_the_central_differences_of_the_equations() -> None:
    layer, (query, sequence) = attention(4, 3, seed=3), inputs(4, seed=4)
    upward = np.random.default_rng(5).normal(0, 1, (5, 8))
    asked, keys = tf.constant(query), tf.constant(sequence)
    with tf.GradientTape() as tape:
        tape.watch([asked, keys])
        loss = tf.reduce_sum(layer(asked, keys) * upward)
    found = tape.gradient(loss, [keys, asked, *(weight.value for weight in layer.weights)])
    expected = gradients(
        lambda values: float((equations.attended(values[0], values[1], values[2:]) * upward).sum()),
        [sequence, query, *layer.get_weights()],
    )
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(np.asarray(ours) - theirs).max() < 1e-8


def test_large_scores_do_not_overflow() -> None:
    layer, (query, sequence) = attention(4, 3, seed=6), inputs(4, seed=7)
    layer.set_weights([1e3 * weight for weight in layer.get_weights()])
    found = np.asarray(layer.attend(query, sequence))
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(5))
