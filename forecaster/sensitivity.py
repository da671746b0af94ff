"""How much a forecast depends on each session of its window, and how far back that reaches."""

from __future__ import annotations

from typing import Final

import numpy as np

from forecaster.forecast import Array, Float32, Predictor

SHARE: Final = 0.9
"""The part of all sensitivity that counts as the forecast's memory."""

# Inputs are of about size 1. In float32 a smaller step drowns in rounding, a larger one in curvature; a power of two
# changes an input exactly. Against a float64 gradient the error is a few hundred-thousandths of the total.
_STEP: Final = 2.0**-6
_AT_ONCE: Final = 256


def sensitivity(predictor: Predictor, window: Float32) -> Array:
    """`(lookback,)`: the norm of the forecast's derivative with respect to each session's inputs.

    For session t it is the square root of the sum of (dy/dx)^2 over all outputs y (every quantile and step of the
    horizon, as the network gives them) and all inputs x of that session (as the network gets them): the Frobenius norm
    of a block of the Jacobian. Its decay with the distance in time is what Bengio, Simard & Frasconi (1994) and
    Pascanu, Mikolov & Bengio (2013) measure a recurrent network's memory by. The scaling itself is held: that another
    price would also move the window's minimum and maximum is not counted.

    By central differences, so that it tells about the very file that serves.

    Args:
        predictor: the network.
        window: `(lookback, features) float32`, one scaled window.
    """
    features = window.shape[1]
    squares = np.empty(window.size)
    for start in range(0, window.size, _AT_ONCE):
        flat = np.arange(start, min(start + _AT_ONCE, window.size))
        pair, place = np.arange(len(flat)), (flat // features, flat % features)
        nudged = np.broadcast_to(window, (2, len(flat), *window.shape)).copy()
        for side, step in enumerate((_STEP, -_STEP)):
            nudged[side, pair, *place] += np.float32(step)
        distance = nudged[0, pair, *place].astype(np.float64) - nudged[1, pair, *place]
        outputs = predictor.predict(nudged.reshape(-1, *window.shape)).astype(np.float64)
        up, down = outputs.reshape(2, len(flat), -1)  # (pairs, outputs) each
        squares[flat] = (((up - down) / distance[:, None]) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(squares.reshape(window.shape).sum(axis=1)))


def effective_memory(found: Array, share: float = SHARE) -> int | None:
    """The least number of newest sessions whose sensitivities add up to at least `share` of all.

    None where nothing has any influence, as in a network that was never trained.

    Args:
        found: `(lookback,)` sensitivities, oldest session first.
        share: between 0 and 1.
    """
    total = found.sum()
    if not total > 0:
        return None
    # Added up from the newest on; the total by the same sum, so that rounding cannot miss a share of 1.
    reached = np.cumsum(found[::-1])
    return int(np.searchsorted(reached, share * reached[-1])) + 1
