"""What networks should give, written from the papers' equations in NumPy, float64.

A layer's weights come as `forecaster.networks.recurrent` and `forecaster.networks.cells` document them, and are cut
into the papers' own: W of the inputs, R of the state, b, and p of peepholes, for each gate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecaster.spec import ModelSpec

Floats = NDArray[np.float64]
States = tuple[Floats, ...]  # h, and c where the cell has one; each (n, units)

GATES = {
    "rnn": "h",
    "gru": "zrh",
    "lstm": "ifco",
    "peephole_lstm": "ifco",
    "coupled_lstm": "ico",
    "peephole_coupled_lstm": "ico",
}
CELLS = tuple(GATES)


@dataclass(frozen=True)
class Weights:
    """One direction of a layer, by gate.

    Attributes:
        W: `(inputs, units)` each.
        R: `(units, units)` each.
        b: `(units,)` each.
        extra: p of peepholes, or the second bias of a GRU, `(units,)` each.
    """

    W: dict[str, Floats]
    R: dict[str, Floats]
    b: dict[str, Floats]
    extra: dict[str, Floats]


def cut(cell: str, weights: Sequence[NDArray[Any]]) -> Weights:
    """The arrays of one direction, as Keras' `get_weights` orders them, by gate."""
    gates = GATES[cell]
    kernel, recurrent, *peephole, bias = (np.asarray(one, dtype=np.float64) for one in weights)

    def by_gate(array: Floats) -> dict[str, Floats]:
        return dict(zip(gates, np.split(array, len(gates), axis=-1), strict=True))

    if cell == "gru":
        return Weights(by_gate(kernel), by_gate(recurrent), by_gate(bias[0]), by_gate(bias[1]))
    p = dict(zip([gate for gate in gates if gate in "ifo"], peephole[0], strict=True)) if peephole else {}
    return Weights(by_gate(kernel), by_gate(recurrent), by_gate(bias), p)


def rnn(x: Floats, states: States, w: Weights, kept: Floats | float) -> States:
    """Elman (1990)."""
    (h,) = states
    return (np.tanh(x @ w.W["h"] + (h * kept) @ w.R["h"] + w.b["h"]),)


def gru(x: Floats, states: States, w: Weights, kept: Sequence[Floats | float]) -> States:
    """Cho et al. (2014), the reset gate acting on the product with R, which has a bias of its own, as in cuDNN."""
    (h,) = states
    r_part = {gate: (h * one) @ w.R[gate] + w.extra[gate] for gate, one in zip("zrh", kept, strict=True)}
    z = sigmoid(x @ w.W["z"] + w.b["z"] + r_part["z"])
    r = sigmoid(x @ w.W["r"] + w.b["r"] + r_part["r"])
    candidate = np.tanh(x @ w.W["h"] + w.b["h"] + r * r_part["h"])
    return (z * h + (1 - z) * candidate,)


def lstm(x: Floats, states: States, w: Weights, kept: Sequence[Floats | float]) -> States:
    """Hochreiter & Schmidhuber (1997) with the forget gate of Gers, Schmidhuber & Cummins (2000).

    With p: the peepholes of Gers & Schmidhuber (2000). Without W of a forget gate: the coupled gates, CIFG, of Greff et
    al. (2017).
    """
    h, c = states
    a = {gate: x @ w.W[gate] + (h * one) @ w.R[gate] + w.b[gate] for gate, one in zip(w.W, kept, strict=True)}
    p = {gate: w.extra.get(gate, 0.0) for gate in "ifo"}
    i = sigmoid(a["i"] + p["i"] * c)
    f = sigmoid(a["f"] + p["f"] * c) if "f" in a else 1 - i
    c = f * c + i * np.tanh(a["c"])
    o = sigmoid(a["o"] + p["o"] * c)
    return o * np.tanh(c), c


def one_step(cell: str, x: Floats, states: States, weights: Weights, kept: Any = None) -> States:
    """The states after one step.

    Args:
        cell: whose equations.
        x: `(n, inputs)`.
        states: of the step before.
        weights: of one direction.
        kept: what each gate's h is multiplied by, `(gates, n, units)`; nothing by default.
    """
    kept = np.ones(len(GATES[cell])) if kept is None else kept
    if cell == "rnn":
        return rnn(x, states, weights, kept[0])
    step: Callable[..., States] = gru if cell == "gru" else lstm
    return step(x, states, weights, kept)


def first_states(cell: str, n: int, units: int) -> States:
    """All zero."""
    return tuple(np.zeros((n, units)) for _ in range(2 if "lstm" in cell else 1))


def one_direction(cell: str, x: Floats, weights: Weights, kept: Any = None) -> Floats:
    """h of every step: `(n, steps, inputs)` to `(n, steps, units)`."""
    states = first_states(cell, len(x), next(iter(weights.b.values())).shape[-1])
    sequence = []
    for t in range(x.shape[1]):
        states = one_step(cell, x[:, t], states, weights, kept)
        sequence.append(states[0])
    return np.stack(sequence, axis=1)


def layer(cell: str, x: Floats, weights: Sequence[NDArray[Any]], *, bidirectional: bool) -> tuple[Floats, Floats]:
    """Sequence `(n, steps, width)` and last state `(n, width)`; of two directions (Schuster & Paliwal 1997), joined."""
    if not bidirectional:
        sequence = one_direction(cell, x, cut(cell, weights))
        return sequence, sequence[:, -1]
    half = len(weights) // 2
    forward = one_direction(cell, x, cut(cell, weights[:half]))
    backward = one_direction(cell, x[:, ::-1], cut(cell, weights[half:]))[:, ::-1]
    # The backward layer has read the whole window when it reaches its first session.
    return np.concatenate([forward, backward], axis=-1), np.concatenate([forward[:, -1], backward[:, 0]], axis=-1)


def attended(sequence: Floats, last: Floats, weights: Sequence[NDArray[Any]]) -> Floats:
    """Bahdanau, Cho & Bengio (2015): `(n, 2 * width)`, the context and the state that asked for it."""
    w, u, b, v = (np.asarray(one, dtype=np.float64) for one in weights)
    energy = np.stack([np.tanh(last @ w + sequence[:, t] @ u + b) @ v for t in range(sequence.shape[1])], axis=1)
    share = np.exp(energy - energy.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    return np.concatenate([np.einsum("nt,ntd->nd", share, sequence), last], axis=1)


def expected_output(network: Any, spec: ModelSpec, x: NDArray[Any]) -> Floats:
    """`(n, horizon, outputs)`, from a network's weights and the equations alone."""
    sequence = x.astype(np.float64)
    for position in range(len(spec.units)):
        weights = network.get_layer(f"recurrent_{position}").get_weights()
        sequence, last = layer(spec.cell, sequence, weights, bidirectional=spec.bidirectional)
    if spec.attention:
        last = attended(sequence, last, network.get_layer("attention").get_weights())
    head = network.get_layer("level" if spec.target == "level" else "distances")
    kernel, bias = (np.asarray(one, dtype=np.float64) for one in head.get_weights())
    raw = (last @ kernel + bias).reshape(len(x), spec.horizon, -1)
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


def sigmoid(z: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -z))
