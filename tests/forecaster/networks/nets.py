"""Networks with random weights, and what they should give, written from the equations in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecaster.networks.build import build_network
from forecaster.spec import ModelSpec

Floats = NDArray[np.float64]
Float32 = NDArray[np.float32]


def random_network(
    spec: ModelSpec, seed: int, *, inputs: float = 0.5, recurrent: float = 0.5, head: float = 0.5
) -> Any:
    """A network whose weights are all random: nothing is zero, and no bias is what training starts with.

    Args:
        spec: what to build.
        seed: of the weights.
        inputs: standard deviation of the recurrent layers' kernels and biases; 3 saturates many gates.
        recurrent: that of their recurrent weights; an LSTM with large ones is chaotic, and magnifies all rounding.
        head: that of the head's weights.
    """
    random = np.random.default_rng(seed)
    network = build_network(spec)
    for layer in network.layers:
        lstm = layer.name.startswith("lstm")
        spreads = (inputs, recurrent, inputs) if lstm else (head, head)
        shapes = [weight.shape for weight in layer.get_weights()]
        layer.set_weights(
            [random.normal(0, spread, shape).astype("f") for spread, shape in zip(spreads, shapes, strict=False)]
        )
    return network


def random_windows(spec: ModelSpec, n: int, seed: int) -> Float32:
    """`(n, lookback, features)` inputs between 0 and 1, as MinMax scaling gives them."""
    return np.random.default_rng(seed).uniform(0, 1, (n, spec.lookback, len(spec.features))).astype("f")


def keras_output(network: Any, x: Float32) -> Float32:
    """What the network gives for prediction, without dropout."""
    return np.asarray(network(x, training=False))


def expected_output(network: Any, spec: ModelSpec, x: Float32) -> Floats:
    """`(n, horizon, outputs)` in float64, from the weights and the equations alone."""
    sequence = x.astype(np.float64)
    for layer in range(len(spec.units)):
        sequence = _lstm(sequence, *_weights(network, f"lstm_{layer}"))
    kernel, bias = _weights(network, "level" if spec.target == "level" else "distances")
    raw = (sequence[:, -1] @ kernel + bias).reshape(len(x), spec.horizon, -1)
    return raw if spec.target == "level" else quantiles_of(raw, spec.quantiles)


def quantiles_of(raw: Floats, levels: Sequence[float]) -> Floats:
    """The median, and from it outwards one softplus after the other."""
    middle = list(levels).index(0.5)
    distance = np.logaddexp(0.0, raw)  # softplus
    found = np.empty_like(raw)
    found[..., middle] = raw[..., middle]
    for k in range(middle + 1, len(levels)):
        found[..., k] = found[..., k - 1] + distance[..., k]
    for k in range(middle - 1, -1, -1):
        found[..., k] = found[..., k + 1] - distance[..., k]
    return found


def _weights(network: Any, name: str) -> list[Floats]:
    return [np.asarray(weight, dtype=np.float64) for weight in network.get_layer(name).get_weights()]


def _lstm(x: Floats, kernel: Floats, recurrent: Floats, bias: Floats) -> Floats:
    """Hochreiter & Schmidhuber (1997) with the forget gate of Gers, Schmidhuber & Cummins (2000).

    Keras' order of gates is input, forget, candidate, output. `(n, steps, inputs)` to `(n, steps, units)`.
    """
    n, steps, _ = x.shape
    units = recurrent.shape[0]
    hidden, cell = np.zeros((n, units)), np.zeros((n, units))
    sequence = np.empty((n, steps, units))
    for t in range(steps):
        gates = x[:, t] @ kernel + hidden @ recurrent + bias  # (n, 4 * units)
        i, f, candidate, o = (gates[:, k * units : (k + 1) * units] for k in range(4))
        cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(candidate)
        hidden = _sigmoid(o) * np.tanh(cell)
        sequence[:, t] = hidden
    return sequence


def _sigmoid(z: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -z))
