from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from forecaster.networks.build import build_network
from forecaster.networks.export import export_network
from forecaster.runtime import OnnxPredictor
from forecaster.sensitivity import effective_memory, sensitivity
from forecaster.spec import ModelSpec
from tests.forecaster.networks.nets import random_network, random_windows

Floats = NDArray[np.float64]
Float32 = NDArray[np.float32]


@dataclass
class Linear:
    """y = A x, for `(outputs, lookback, features)` weights A, as a horizon of one step."""

    weights: Floats

    def predict(self, x: Float32) -> Float32:
        return np.einsum("ntf,qtf->nq", x.astype(np.float64), self.weights)[:, None, :].astype(np.float32)


# 3 inputs are less than one round of the batch, 360 are one and a bit.
@pytest.mark.parametrize("shape", [(3, 1), (40, 9)])
def test_of_a_linear_forecast_it_is_the_norm_of_the_coefficients(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    weights = random.normal(0, 1, (4, *shape))
    window = random.uniform(0, 1, shape).astype(np.float32)
    before = window.copy()
    found = sensitivity(Linear(weights), window)
    np.testing.assert_allclose(found, np.sqrt((weights**2).sum(axis=(0, 2))), rtol=1e-4)
    assert (window == before).all()


def test_all_steps_of_the_horizon_count() -> None:
    class TwoSteps:
        def predict(self, x: Float32) -> Float32:
            # The first step depends on session 0 with slope 3, the second with slope 4.
            return np.stack([3 * x[:, 0], 4 * x[:, 0]], axis=1)

    found = sensitivity(TwoSteps(), np.array([[0.5], [0.25]], dtype=np.float32))
    np.testing.assert_allclose(found, [5.0, 0.0], rtol=1e-5)


def jacobian(network: Any, spec: ModelSpec, x: Float32) -> Floats:
    """`(outputs, lookback, features)` by automatic differentiation of the same network in float64."""
    import keras
    import tensorflow as tf

    keras.config.set_dtype_policy("float64")
    try:
        exact = build_network(spec)
    finally:
        keras.config.set_dtype_policy("float32")
    exact.set_weights(network.get_weights())
    window = tf.constant(x[None], dtype=tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(window)
        output = tf.reshape(exact(window, training=False), (-1,))
    return np.asarray(tape.jacobian(output, window, experimental_use_pfor=False))[:, 0]


@pytest.mark.parametrize(
    ("cell", "spread", "head"), [("lstm", 0.3, 0.05), ("lstm", 1.0, 0.5), ("gru", 0.7, 0.3)], ids=str
)
def test_of_the_file_that_serves_it_is_the_exact_gradient(cell: Any, spread: float, head: float) -> None:
    spec = ModelSpec(cell=cell, units=(16, 16), lookback=20, quantiles=(0.1, 0.5, 0.9))
    network = random_network(spec, seed=2, inputs=spread, recurrent=spread, head=head)
    window = random_windows(spec, 1, seed=3)[0]
    expected = np.sqrt((jacobian(network, spec, window) ** 2).sum(axis=(0, 2)))
    found = sensitivity(OnnxPredictor(export_network(network, spec)), window)
    assert np.abs(found - expected).max() <= 4e-4 * expected.sum()
    reached = np.cumsum(expected[::-1]) / expected.sum()
    assert effective_memory(found) == int(np.argmax(reached >= 0.9)) + 1


def test_an_untrained_network_depends_on_nothing() -> None:
    spec = ModelSpec(units=(4,), lookback=6)
    predictor = OnnxPredictor(export_network(build_network(spec), spec))
    found = sensitivity(predictor, random_windows(spec, 1, seed=4)[0])
    assert (found == 0.0).all()
    assert effective_memory(found) is None


@pytest.mark.parametrize(
    ("found", "share", "sessions"),
    [
        ([1.0, 1.0, 1.0, 7.0], 0.9, 3),
        ([1.0, 1.0, 1.0, 7.0], 0.7, 1),
        ([1.0, 1.0, 1.0, 7.0], 0.75, 2),
        ([0.0, 0.0, 0.0, 2.0], 0.9, 1),
        ([2.0, 0.0, 0.0, 0.0], 0.9, 4),
        ([5.0, 0.0, 0.0, 5.0], 0.9, 4),
        ([5.0, 0.0, 0.0, 5.0], 0.5, 1),
        ([0.1] * 10, 1.0, 10),
        ([0.3], 0.9, 1),
    ],
)
def test_the_memory_is_the_least_number_of_newest_sessions(found: list[float], share: float, sessions: int) -> None:
    assert effective_memory(np.array(found), share) == sessions
