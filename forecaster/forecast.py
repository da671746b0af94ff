"""What a forecast is, and what predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Float32 = np.ndarray[Any, np.dtype[np.float32]]


class Predictor(Protocol):
    """A trained network, ready to be asked. Only this reaches the service; it cannot be trained."""

    def predict(self, x: Float32) -> Float32:
        """Scaled outputs.

        Args:
            x: `(n, lookback, features) float32`, scaled windows.

        Returns:
            `(n, horizon, outputs) float32`: one output a quantile, or a single one for a level head.
        """
        ...


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a model says about one symbol, made with the bars up to and including `as_of`.

    Attributes:
        symbol: whose price.
        as_of: the last session that the forecast knows.
        target_sessions: the sessions that it is about, one a step of the horizon.
        last_close: the close of `as_of` as traded [currency].
        levels: `(q,)` probabilities, ascending.
        quantiles: `(horizon, q) float64` closes on the scale of `last_close` [currency], ascending in each row.
    """

    symbol: str
    as_of: date
    target_sessions: tuple[date, ...]
    last_close: float
    levels: tuple[float, ...]
    quantiles: Array

    @property
    def close(self) -> float:
        """The median of the first target session [currency]: the forecast as one number."""
        return float(self.quantiles[0, self.levels.index(0.5)])

    @property
    def change(self) -> float:
        """`close` relative to `last_close` [1]."""
        return self.close / self.last_close - 1

    @property
    def probability_up(self) -> float:
        """The probability that the first target session closes above `last_close`."""
        return probability_above(self.last_close, self.quantiles[0], self.levels)


def interval_level(levels: Sequence[float]) -> float:
    """The probability between the outermost of the levels `(q,)`, without the rounding of a difference."""
    return round(levels[-1] - levels[0], 12)


def probability_above(price: float, quantiles: Array, levels: Sequence[float]) -> float:
    """The probability that an outcome exceeds `price`, from the quantiles of its distribution.

    Linear between quantiles. Beyond the outermost ones only their probabilities are known, so the answer stays
    within them.

    Args:
        price: in the unit of `quantiles`.
        quantiles: `(q,)`, ascending; equal neighbours are allowed.
        levels: `(q,)` their probabilities.
    """
    first = int(np.searchsorted(quantiles, price, side="left"))
    behind = int(np.searchsorted(quantiles, price, side="right"))
    # Where the price is itself a quantile, or lies on several equal ones, interpolation would pick one of them.
    equal = behind > first
    below = (levels[first] + levels[behind - 1]) / 2 if equal else float(np.interp(price, quantiles, levels))
    return 1 - below
