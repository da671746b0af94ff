"""Networks with random weights, and windows for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecaster.networks.build import build_network
from forecaster.spec import ModelSpec

Float32 = NDArray[np.float32]


def random_network(
    spec: ModelSpec, seed: int, *, inputs: float = 0.5, recurrent: float = 0.5, head: float = 0.5
) -> Any:
    """A network whose weights are all random: nothing is zero, and no bias is what training starts with.

    Args:
        spec: what to build.
        seed: of the weights.
        inputs: standard deviation of the recurrent layers' kernels, peepholes and biases; 3 saturates many gates.
        recurrent: that of their recurrent weights; an LSTM with large ones is chaotic, and magnifies all rounding.
        head: that of the head's weights, and of attention's.
    """
    random = np.random.default_rng(seed)
    network = build_network(spec)
    for layer in network.layers:
        usual = inputs if layer.name.startswith("recurrent") else head
        spreads = [recurrent if weight.name == "recurrent_kernel" else usual for weight in layer.weights]
        shapes = [weight.shape for weight in layer.weights]
        layer.set_weights(
            [random.normal(0, spread, shape).astype("f") for spread, shape in zip(spreads, shapes, strict=True)]
        )
    return network


def random_windows(spec: ModelSpec, n: int, seed: int) -> Float32:
    """`(n, lookback, features)` inputs between 0 and 1, as MinMax scaling gives them."""
    return np.random.default_rng(seed).uniform(0, 1, (n, spec.lookback, len(spec.features))).astype("f")


def keras_output(network: Any, x: Float32) -> Float32:
    """What the network gives for prediction, without dropout."""
    return np.asarray(network(x, training=False))
