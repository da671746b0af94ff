"""Figures with standard errors that know that the symbols of one session move together.

A thousand symbols that fall on the same day are not a thousand observations. Every figure here is a ratio of totals,
so its error follows from the totals of sessions, whose own correlation over time is allowed for (Newey & West 1987).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecaster.diagnostics.long_run import newey_west
from forecaster.diagnostics.record import Floats

NORMAL_95: Final = 1.959963984540054
"""A normal variable lies within this many standard deviations with a probability of 95 %."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its standard error [unit of the figure]; None: undefined."""

    value: float | None
    error: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The ends of its 95 % confidence interval."""
        if self.value is None or self.error is None:
            return None
        return self.value - NORMAL_95 * self.error, self.value + NORMAL_95 * self.error


NOTHING: Final = Estimate(None, None)


def ratio(numerator: Floats, denominator: Floats) -> Estimate:
    """The ratio of two totals; its error by the delta method over sessions.

    With a(t) and b(t) the totals of session t and R = sum a / sum b, the error of R is that of the mean of
    (a(t) - R b(t)) / mean b (Cochran 1977, ch. 6.3, with a long-run variance).

    Args:
        numerator, denominator: `(T,)` totals of sessions; those of the denominator are not negative.
    """
    total = float(denominator.sum())
    if not total > 0.0:
        return NOTHING
    value = float(numerator.sum()) / total
    left = numerator - value * denominator
    # Two losses that are the same but for rounding have no error worth telling.
    if np.abs(left).max() <= 1e-12 * np.abs(numerator).max():
        return Estimate(value, None)
    return estimate(value, math.sqrt(newey_west(left)) / float(denominator.mean()))


def estimate(value: float, error: float) -> Estimate:
    """An estimate of numbers that may be NaN."""
    return Estimate(value if math.isfinite(value) else None, error if math.isfinite(error) else None)


def root(square: Estimate) -> Estimate:
    """The square root of an estimate, by the delta method."""
    if square.value is None or square.value < 0.0:
        return NOTHING
    value = math.sqrt(square.value)
    return Estimate(value, None if square.error is None or not value else square.error / (2.0 * value))


def one_less(share: Estimate) -> Estimate:
    """1 - an estimate."""
    return Estimate(None if share.value is None else 1.0 - share.value, share.error)
