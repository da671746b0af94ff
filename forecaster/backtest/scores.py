"""What one model's forecasts add up to in each session, and the figures that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecaster.backtest.estimates import Estimate, ratio
from forecaster.backtest.panel import Panel
from forecaster.diagnostics.coverage import central
from forecaster.diagnostics.pinball import pinball_loss
from forecaster.diagnostics.record import Floats
from forecaster.forecast import interval_level

LEAST_SESSIONS: Final = 20
"""A quarter of which fewer sessions are seen is listed, but not judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """Losses of one model, forecast by forecast, relative to the last close; a mean over its seeds.

    Attributes:
        absolute: `(n,)` of the median [1].
        squared: `(n,)` of the median [1].
        pinball: `(n,)` mean over the levels (Koenker & Bassett 1978) [1].
    """

    absolute: Floats
    squared: Floats
    pinball: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Totals of sessions of one model; T sessions, q levels, k central intervals.

    Attributes:
        hits: `(T,)` right directions; a forecast of no change counts one half, as a coin would.
        moved: `(T,)` closes that changed: only those have a direction.
        inside: `(k, T)` closes within each central interval.
        width: `(k, T)` its widths, relative to the last close.
        below: `(q, T)` closes below each quantile; one that equals it counts one half.
    """

    hits: Floats
    moved: Floats
    inside: Floats
    width: Floats
    below: Floats


@dataclass(frozen=True, slots=True)
class Interval:
    """A central interval: what share it promises, what share it held, and how wide it was, relative to the close."""

    level: float
    observed: Estimate
    width: Estimate


@dataclass(frozen=True, slots=True)
class LevelShare:
    """A quantile: the share of closes that it promises below it, and the share that was."""

    level: float
    observed: Estimate


@dataclass(frozen=True, slots=True)
class Quarter:
    """How often the outermost interval held the close in a calendar quarter."""

    name: str
    sessions: int
    forecasts: int
    coverage: Estimate

    @property
    def judged(self) -> bool:
        """Whether enough of it was seen."""
        return self.sessions >= LEAST_SESSIONS


def losses(panel: Panel, quantiles: Floats) -> Losses:
    """The losses of forecasts `(n, q)`."""
    error = panel.change - panel.median(quantiles)
    return Losses(np.abs(error), np.square(error), pinball_loss(quantiles.T, panel.change, panel.levels))


def totals(panel: Panel, quantiles: Floats) -> Totals:
    """What forecasts `(n, q)` add up to."""
    change, said = panel.change, panel.median(quantiles)
    moved = change != 0.0
    hits = np.where(said == 0.0, 0.5, np.sign(said) == np.sign(change)) * moved
    ends = [(quantiles[:, low], quantiles[:, high]) for low, high in central(panel.levels)]
    return Totals(
        hits=panel.by_session(hits),
        moved=panel.by_session(moved.astype(np.float64)),
        inside=_rows(panel, [((a <= change) & (change <= b)).astype(np.float64) for a, b in ends]),
        width=_rows(panel, [b - a for a, b in ends]),
        below=_rows(panel, [(change < own) + 0.5 * (change == own) for own in quantiles.T]),
    )


def _rows(panel: Panel, several: Sequence[Floats]) -> Floats:
    """`(k, T)`: the totals of sessions of k values `(n,)`; k may be 0."""
    return np.array([panel.by_session(values) for values in several]).reshape(-1, panel.sessions.size)


def mean_losses(several: Sequence[Losses]) -> Losses:
    """The mean over seeds."""
    return Losses(*(np.mean([getattr(one, part.name) for one in several], axis=0) for part in fields(Losses)))


def mean_totals(several: Sequence[Totals]) -> Totals:
    """The mean over seeds."""
    return Totals(*(np.mean([getattr(one, part.name) for one in several], axis=0) for part in fields(Totals)))


def intervals(panel: Panel, own: Totals) -> tuple[Interval, ...]:
    """Every central interval, the narrowest first."""
    count = panel.count
    return tuple(
        Interval(
            interval_level((panel.levels[low], panel.levels[high])),
            ratio(inside, count),
            ratio(width, count),
        )
        for (low, high), inside, width in zip(central(panel.levels), own.inside, own.width, strict=True)
    )


def level_shares(panel: Panel, own: Totals) -> tuple[LevelShare, ...]:
    """Every level's promise and what came of it."""
    return tuple(
        LevelShare(level, ratio(below, panel.count)) for level, below in zip(panel.levels, own.below, strict=True)
    )


def quarters(panel: Panel, own: Totals) -> tuple[Quarter, ...]:
    """The widest central interval by the quarter of the session forecast, in order; none without intervals."""
    if not len(own.inside):
        return ()
    quarter = quarter_numbers(panel.sessions)
    found = []
    for number in np.unique(quarter).tolist():
        chosen = quarter == number
        inside, count = own.inside[-1][chosen], panel.count[chosen]
        found.append(Quarter(quarter_name(number), int(chosen.sum()), int(count.sum()), ratio(inside, count)))
    return tuple(found)


def quarter_numbers(sessions: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """The calendar quarter of each session, counted from the first of 1970."""
    return sessions.astype("datetime64[M]").astype(np.int64) // 3


def quarter_name(number: int) -> str:
    """What people call a quarter: 188 -> "2017Q1"."""
    return f"{1970 + number // 4}Q{number % 4 + 1}"
