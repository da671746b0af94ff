"""A Keras network from a spec."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Final

import keras
import numpy as np

from forecaster.networks.attention import AdditiveAttention
from forecaster.networks.layers import OrderedQuantiles
from forecaster.networks.recurrent import last_state, recurrent_layer
from forecaster.spec import ModelSpec

# Where training starts: normal moves with this standard deviation, in the unit of the target. A day's move is about
# one of the share's own volatility, and an eighth of a month's range. It only has to be of the right order.
_FIRST_SPREAD: Final = {"volatility": 1.0, "range": 0.125}


def build_network(spec: ModelSpec, *, unroll: bool = False) -> Any:
    """An untrained network.

    Inputs `(n, lookback, features)`; outputs `(n, horizon, q)` ascending quantiles of the change in the spec's unit,
    or `(n, horizon, 1)` for the level.

    The change head starts with a median of exactly zero, "same as yesterday", so that training can only move away
    from the naive forecast for a reason. The level head is the classic Dense output.

    Its layers are `recurrent_0`, `recurrent_1` and so on, `attention`, and `distances` and `quantiles` or `level` and
    `steps`; `forecaster.networks.recurrent` says which weights they have.

    Args:
        spec: the network.
        unroll: write out the steps of the recurrent layers; the weights are the same.

    Returns:
        A `keras.Model`, not compiled.
    """
    window = keras.Input((spec.lookback, len(spec.features)), name="window")
    hidden = window
    for position in range(len(spec.units)):
        if spec.dropout:
            hidden = keras.layers.Dropout(spec.dropout, name=f"dropout_{position}")(hidden)
        hidden = recurrent_layer(spec, position, unroll=unroll)(hidden)
    if spec.attention:
        sequence, *states = hidden
        hidden = AdditiveAttention(spec.units[-1], name="attention")(last_state(spec, states), sequence)
    if spec.target == "level":
        output = keras.layers.Dense(spec.horizon, name="level")(hidden)
        output = keras.layers.Reshape((spec.horizon, 1), name="steps")(output)
    else:
        count = len(spec.quantiles)
        dense = keras.layers.Dense(spec.horizon * count, kernel_initializer="zeros", name="distances")
        output = OrderedQuantiles(spec.horizon, spec.quantiles, name="quantiles")(dense(hidden))
        dense.bias.assign(_first_bias(spec).ravel())
    return keras.Model(window, output, name="next_close")


def _first_bias(spec: ModelSpec) -> np.ndarray[Any, np.dtype[np.float32]]:
    """`(horizon, q)`: what makes `OrderedQuantiles` give the first quantiles, with a median of zero.

    Over several sessions moves grow with the square root of their number.
    """
    normal = NormalDist(sigma=_FIRST_SPREAD[spec.unit])
    quantiles = np.array([normal.inv_cdf(level) for level in spec.quantiles])
    steps = np.sqrt(np.arange(1, spec.horizon + 1))[:, None]
    gaps = np.diff(quantiles) * steps  # (horizon, q - 1), each between two neighbours
    bias = np.log(np.expm1(np.insert(gaps, spec.median, 1.0, axis=1)))  # softplus, backwards
    bias[:, spec.median] = 0.0
    first: np.ndarray[Any, np.dtype[np.float32]] = bias.astype(np.float32)
    return first
