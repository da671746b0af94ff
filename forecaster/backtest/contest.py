"""Whether one model is better than another, and which models may be the best.

Tests are on the means of sessions. Of two equally good models that each bet on the market as a whole, a test that
counts each of 20 symbols finds one better, at 5 %, in half of all cases; these do in 5 to 6 % (1,000 simulations each
of 60 to 500 sessions).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecaster.backtest.panel import Panel
from forecaster.backtest.scores import Losses
from forecaster.diagnostics.bias import mean_test
from forecaster.diagnostics.multiple import benjamini_hochberg
from forecaster.diagnostics.record import Floats
from forecaster.diagnostics.significance import ROUNDING, diebold_mariano
from forecaster.diagnostics.verdict import ALPHA, MIN_SESSIONS

SIZE: Final = 0.10
"""The model confidence set holds the best model with a probability of at least 1 - this."""

REPETITIONS: Final = 1000
"""Bootstrap samples of the model confidence set: its p-values are then good to 0.01 where they decide."""

NO_ARCH: Final = (
    "Which models may be the best was decided by testing each against the first, one by one, because the package arch "
    "is not installed: pip install 'stock-forecaster[train]' for the model confidence set."
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Diebold and Mariano's test. Below zero the model is better; the p-value is two-sided."""

    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Comparisons:
    """One model against another on three losses; None: the losses do not differ, or by no varying amount."""

    absolute: Comparison | None
    squared: Comparison | None
    pinball: Comparison | None


@dataclass(frozen=True, slots=True)
class Winners:
    """On how many symbols a model beats the baseline on absolute loss.

    Attributes:
        tested: symbols with enough sessions, whose test is defined.
        beat: those with a smaller loss and p < `ALPHA`, two-sided, each looked at alone.
        remain: those left when all tests are allowed for (Benjamini & Hochberg 1995), on one-sided p-values.
    """

    tested: int
    beat: int
    remain: int


@dataclass(frozen=True, slots=True)
class ConfidenceSet:
    """The models that may be the best (Hansen, Lunde & Nason 2011).

    Attributes:
        p_values: of every model; those of at least `SIZE` are members.
        note: what was done instead where the set could not be computed; empty otherwise.
    """

    p_values: Mapping[str, float]
    note: str = ""

    @property
    def members(self) -> frozenset[str]:
        """Their names."""
        return frozenset(name for name, p in self.p_values.items() if p >= SIZE)


def compare(panel: Panel, model: Losses, other: Losses) -> Comparisons:
    """One model against another, on the mean losses of sessions."""
    return Comparisons(
        difference_test(panel, model.absolute, other.absolute),
        difference_test(panel, model.squared, other.squared),
        difference_test(panel, model.pinball, other.pinball),
    )


def difference_test(panel: Panel, model: Floats, other: Floats) -> Comparison | None:
    """Diebold & Mariano's test (1995) of two losses `(n,)`; None where they do not differ, or by no varying amount.

    One symbol: with the correction of Harvey, Leybourne & Newbold (1997). Several: on the differences of the means of
    sessions, whose correlation over time is allowed for.
    """
    count = panel.count
    a, b = panel.by_session(model) / count, panel.by_session(other) / count
    if len(panel.symbols) == 1:
        found = diebold_mariano(a, b)
        return None if found is None else Comparison(*found)
    if np.ptp(a - b) <= ROUNDING * float(np.maximum(a, b).max()):
        return None
    _, statistic, p_value = mean_test(a - b)
    return Comparison(float(statistic), float(p_value)) if np.isfinite(statistic) else None


def winners(panel: Panel, model: Losses, baseline: Losses) -> Winners:
    """How many symbols the model beats the baseline on; a symbol with fewer than `MIN_SESSIONS` is not tested."""
    from scipy.special import stdtr

    difference = model.absolute - baseline.absolute
    m = len(panel.symbols)

    def total(values: Floats) -> Floats:
        return np.bincount(panel.symbol, weights=values, minlength=m).astype(np.float64)

    n = total(np.ones(difference.size))
    mean = total(difference) / n
    centred = difference - mean[panel.symbol]
    size = np.zeros(m)
    np.maximum.at(size, panel.symbol, np.maximum(model.absolute, baseline.absolute))
    with np.errstate(divide="ignore", invalid="ignore"):
        # The correction of Harvey, Leybourne & Newbold at one session turns the statistic into Student's own.
        deviation = np.sqrt(total(np.square(centred)) / (n - 1.0))
        statistic = mean / (deviation / np.sqrt(n))
    defined = (n >= MIN_SESSIONS) & (deviation > ROUNDING * size)
    p_better = np.where(defined, stdtr(n - 1.0, statistic), np.nan)
    remain = benjamini_hochberg(p_better, ALPHA)
    beat = defined & (p_better < ALPHA / 2.0)
    return Winners(int(defined.sum()), int(beat.sum()), int(remain.sum()))


def confidence_set(panel: Panel, own: Mapping[str, Losses], seed: int) -> ConfidenceSet:
    """The models that may have the smallest pinball loss.

    By arch's bootstrap of the range statistic, in blocks of about the square root of T sessions. Models with the same
    losses in every session share their place: the test of one against the other does not exist.

    Args:
        panel: what was forecast.
        own: the losses of every model, in the order of their mean pinball loss.
        seed: of the bootstrap.
    """
    names = list(own)
    daily = np.stack([panel.by_session(own[name].pinball) / panel.count for name in names])  # (models, T)
    same = [next(at for at in range(len(names)) if _same(daily[at], daily[place])) for place in range(len(names))]
    distinct = sorted(set(same))
    if len(distinct) == 1:
        return ConfidenceSet(dict.fromkeys(names, 1.0))
    try:
        p_values, note = _hansen(daily[distinct], seed), ""
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "arch":
            raise
        p_values, note = _one_by_one(panel, [own[names[at]] for at in distinct]), NO_ARCH
    by_place = dict(zip(distinct, p_values, strict=True))
    return ConfidenceSet({name: by_place[at] for name, at in zip(names, same, strict=True)}, note)


def _hansen(daily: Floats, seed: int) -> list[float]:
    from arch.bootstrap import MCS

    found = MCS(daily.T, size=SIZE, reps=REPETITIONS, seed=seed)
    found.compute()
    by_place = found.pvalues["Pvalue"]
    return [float(by_place.loc[place]) for place in range(len(daily))]


def _one_by_one(panel: Panel, own: list[Losses]) -> list[float]:
    found = [difference_test(panel, one.pinball, own[0].pinball) for one in own]
    return [1.0 if one is None else one.p_value for one in found]


def _same(a: Floats, b: Floats) -> bool:
    return float(np.ptp(a - b)) <= ROUNDING * float(np.maximum(a, b).max())
