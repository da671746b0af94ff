"""Quantiles from what the network missed on windows that it did not learn from, updated by what came since.

The start is a one-sided split-conformal correction (Romano, Patterson & Candès 2019): for each level the network's
output is moved by the quantile of its own errors on the newest slice that it did not learn from. For the level head,
which gives a single number, that is what turns it into quantiles.

Shares move together, so that a slice of 30,000 errors in 250 sessions tells little more than 250 of them. A quantile
head is therefore moved only as far as the slice's evidence goes: by the conformal correction times 1 - 1/t², with t the
coverage's mean error over its standard error between sessions, and not at all where t² is below 1 (the positive-part
rule of James & Stein 1961). It is never moved inwards: a calm slice would narrow what the next one needs, and outcomes
narrow an interval soon enough.

From then on realised outcomes move it (Gibbs & Candès 2021): after each session every quantile takes a step against the
part of the outcomes that came out on the wrong side. Whatever the prices do, the share of outcomes below a quantile
tends to its level: where none is further than b from the network's quantile, the error of n sessions is at most
(b / step + 1) / n.

The median stays where the network put it: moving it by a span's mean error would bet on that span's drift. A quantile
that would pass it stays there, too, and errs to the outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Float32 = np.ndarray[Any, np.dtype[np.float32]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]

# How many sessions of outcomes it takes to correct a quantile that is off.
SESSIONS: Final = 500


@dataclass(frozen=True, slots=True)
class Calibration:
    """Corrections in scaled units.

    Attributes:
        shift: `(horizon, q) float64`, added to the network's outputs.
        windows: how many validation windows they began with.
        step: `(horizon, q) float64`, how far one session moves a quantile, for each unit of missed coverage; 0 at the
            median. None where outcomes do not move anything.
        through: the last session whose outcomes are in `shift`; None where it is not known.
    """

    shift: Array
    windows: int
    step: Array | None = None
    through: np.datetime64 | None = None

    def apply(self, output: Float32) -> Array:
        """Calibrated quantiles in scaled units.

        Args:
            output: `(n, horizon, q)` of a quantile head or `(n, horizon, 1)` of a level head.

        Returns:
            `(n, horizon, q) float64`, ascending along the last axis.
        """
        return ordered(output + self.shift)


def ordered(moved: Array) -> Array:
    """Quantiles in ascending order, from the median outwards, so that a correction can never move the median."""
    middle = moved.shape[-1] // 2
    above, below = moved[..., middle:], moved[..., middle::-1]
    np.maximum.accumulate(above, axis=-1, out=above)
    np.minimum.accumulate(below, axis=-1, out=below)
    return moved


def calibrate(
    output: Float32, actual: Float32, levels: Sequence[float], origin: Days | None = None, outcome: Days | None = None
) -> Calibration:
    """Corrections from validation windows.

    Args:
        output: `(n, horizon, q)` or `(n, horizon, 1)`, what the network gave.
        actual: `(n, horizon)`, what came, in the same units.
        levels: `(q,)` probabilities, symmetric around 0.5.
        origin: `(n,)` the session that each window ends with; None takes the errors for independent.
        outcome: `(n,)` the session of each window's last target; with it the calibration can be updated.
    """
    errors = actual[..., None].astype(np.float64) - output  # (n, horizon, q or 1)
    count = len(errors)
    full = np.broadcast_to(errors, (*actual.shape, len(levels)))
    order = np.sort(full, axis=0)
    shift = np.zeros(order.shape[1:])
    for position, level in enumerate(levels):
        if level != 0.5:
            shift[:, position] = order[_rank(level, count) - 1, :, position]
    if origin is not None and output.shape[-1] == len(levels):
        shift *= _evidence(full, levels, origin)
        outward = np.sign(np.asarray(levels) - 0.5)
        shift = np.where(shift * outward > 0, shift, 0.0)
    if outcome is None:
        return Calibration(shift, count)
    return Calibration(shift, count, _steps(order, levels), outcome.max())


def _evidence(errors: Array, levels: Sequence[float], origin: Days) -> Array:
    """`(horizon, q)`: how much of the correction the sessions' coverage speaks for, from 0 to 1."""
    days, group = np.unique(origin, return_inverse=True)
    number = np.bincount(group)
    missed = np.empty((len(days), *errors.shape[1:]))
    for step in range(errors.shape[1]):
        for position, level in enumerate(levels):
            below = np.bincount(group, weights=errors[:, step, position] <= 0)
            missed[:, step, position] = below / number - level
    spread = missed.var(axis=0, ddof=1) / len(days) if len(days) > 1 else np.full(missed.shape[1:], np.inf)
    squared = missed.mean(axis=0) ** 2
    part: Array = np.clip(1 - np.divide(spread, squared, out=np.full_like(spread, np.inf), where=squared > 0), 0, 1)
    return part


def _steps(order: Array, levels: Sequence[float]) -> Array:
    """`(horizon, q)`: 1 / (`SESSIONS` x the density of the errors at their quantile); 0 at the median.

    The density is taken from the errors between the neighbouring levels, of the sorted errors `(n, horizon, q)`.
    """
    bounds = (levels[0] / 2, *levels, (1 + levels[-1]) / 2)
    steps = np.zeros(order.shape[1:])
    for position, level in enumerate(levels):
        if level != 0.5:
            low, high = (np.quantile(order[..., position], bounds[position + k], axis=0) for k in (0, 2))
            steps[:, position] = (high - low) / (bounds[position + 2] - bounds[position]) / SESSIONS
    return steps


def _rank(level: float, count: int) -> int:
    """The order statistic, from 1 to `count`, that covers `level` in a finite sample.

    An upper quantile takes the ceil((n + 1) p)-th smallest error (Vovk, Gammerman & Shafer 2005), a lower one its
    mirror image, so that both err to the outside.
    """
    if level > 0.5:
        return min(count, math.ceil((count + 1) * level - 1e-9))
    return count + 1 - min(count, math.ceil((count + 1) * (1 - level) - 1e-9))


def followed(
    start: Calibration,
    output: Float32,
    actual: Float32,
    levels: Sequence[float],
    origin: Days,
    outcomes: Days,
    counted: np.ndarray[Any, np.dtype[np.bool_]],
) -> tuple[Array, Calibration]:
    """Quantiles of windows as they were when each was asked for, every correction made from earlier outcomes alone.

    Args:
        start: the calibration to begin with; outcomes up to its `through` are in it already.
        output: `(n, horizon, q)` or `(n, horizon, 1)`, what the network gave.
        actual: `(n, horizon)`, what came, in the same units; NaN where it is not known yet.
        levels: `(q,)` probabilities.
        origin: `(n,)` the session that each window ends with: what came by then is known.
        outcomes: `(n, horizon)` the session of each target, NaT where it is not known yet.
        counted: `(n,)` whose outcomes move the quantiles.

    Returns:
        `(n, horizon, q)` calibrated quantiles in scaled units, and the calibration after the last outcome.
    """
    if start.step is None or start.through is None or not len(output):
        return start.apply(output), start
    wide = np.broadcast_to(output, (*actual.shape, len(levels))).astype(np.float64)
    used = np.empty((len(origin), *start.shift.shape))
    probabilities = np.asarray(levels)
    days = np.unique(np.concatenate([origin, outcomes[~np.isnat(outcomes)].ravel()]))
    asked = _grouped(np.searchsorted(days, origin), len(days))
    # What came on a day is known to the forecasts of that day. A window asked for before `through` took the start.
    came = []
    for step in range(actual.shape[1]):
        new = counted & ~np.isnan(actual[:, step]) & (outcomes[:, step] > start.through)
        place = np.where(new, np.searchsorted(days, outcomes[:, step]), len(days))
        came.append(_grouped(place, len(days)))
    shift = start.shift.copy()
    for day in range(len(days)):
        for step, groups in enumerate(came):
            known = groups[day]
            if len(known):
                below = actual[known, step, None] <= wide[known, step] + used[known, step]
                shift[step] += start.step[step] * (probabilities - below.mean(axis=0))
        used[asked[day]] = shift
    newest = days[-1] if len(days) else start.through
    return ordered(wide + used), replace(start, shift=shift, through=max(newest, start.through))


def _grouped(place: np.ndarray[Any, np.dtype[np.int64]], count: int) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """For each of `count` places the positions that have it."""
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(count + 1))
    return [order[bounds[k] : bounds[k + 1]] for k in range(count)]
