"""A Keras network from a spec."""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np

from forecaster.networks.layers import OrderedQuantiles
from forecaster.spec import ModelSpec

# Where training starts: distances between neighbouring quantiles as of a daily move whose 90 % interval is about
# 0.4 of a month's range. It only has to be of the right order.
_FIRST_INTERVAL: Final = 0.4


def build_network(spec: ModelSpec) -> Any:
    """An untrained network.

    Inputs `(n, lookback, features)`; outputs `(n, horizon, q)` ascending quantiles of the change in units of the
    scaling's range, or `(n, horizon, 1)` for the level.

    The change head starts with a median of exactly zero, "same as yesterday", so that training can only move away
    from the naive forecast for a reason. The level head is the classic Dense output.

    Returns:
        A `keras.Model`, not compiled.
    """
    window = keras.Input((spec.lookback, len(spec.features)), name="window")
    hidden = window
    for layer, units in enumerate(spec.units):
        last = layer == len(spec.units) - 1
        if spec.dropout:
            hidden = keras.layers.Dropout(spec.dropout, name=f"dropout_{layer}")(hidden)
        hidden = keras.layers.LSTM(units, return_sequences=not last, name=f"lstm_{layer}")(hidden)
    if spec.target == "level":
        output = keras.layers.Dense(spec.horizon, name="level")(hidden)
        output = keras.layers.Reshape((spec.horizon, 1), name="steps")(output)
    else:
        count = len(spec.quantiles)
        dense = keras.layers.Dense(spec.horizon * count, kernel_initializer="zeros", name="distances")
        output = OrderedQuantiles(spec.horizon, spec.quantiles, name="quantiles")(dense(hidden))
        bias = np.full((spec.horizon, count), _inverse_softplus(_FIRST_INTERVAL / (count - 1)), dtype=np.float32)
        bias[:, spec.median] = 0.0
        dense.bias.assign(bias.ravel())
    return keras.Model(window, output, name="next_close")


def _inverse_softplus(value: float) -> float:
    return float(np.log(np.expm1(value)))
