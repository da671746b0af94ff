"""Whether what comes now still looks like what a model was made on: its inputs, and its errors.

**Inputs.** The population stability index is PSI = sum over bins of (q - p) ln(q / p), p the reference's shares and q
the recent ones. For n and m independent values PSI / (1/n + 1/m) is chi-squared with bins - 1 degrees of freedom where
nothing drifts (Yurdakul & Naranjo 2020): limits such as 0.1 and 0.25 mean something else in every sample. Inputs are
not independent: shares move together, and a month's return changes little in a day. Therefore the scale is measured.
The PSI of every stretch of the reference that is as long as the recent span has a mean and a variance, and the scaled
chi-squared with these two moments (Satterthwaite 1946) is what PSI looks like without drift; it becomes an F since the
mean comes from few independent stretches. With independent values that is the published form.

Simulated without drift (500 histories each; autocorrelation 0 to 0.99 a session; one share, or 50 with common shocks;
750 to 2,000 sessions against 20 or 60), 3 to 12 % are called drifted at 5 %, most where the reference is short beside
the memory of the values; with the published form 43 to 100 % of all but independent ones. What it costs is power: of a
feature that itself wanders for months, a quarter can show great changes only.

**Errors.** Errors grow and shrink with the market's volatility, for months: whatever the standard errors, a test of
their mean over 250 sessions against 60 finds a change in 30 to 57 % of volatile histories without any, at 5 %. So the
mean error is shown beside the last close's and not tested. Tested are the model's error by the last close's, which
volatility leaves alone (4 to 6 % of the same histories), and the error by the width of the interval that came with it.
That finds intervals that are too narrow for now (1 to 19 %): where volatility has just risen, they are. Standard errors
come from cosine transforms, with floor(0.4 n^(2/3)) degrees of freedom (Lazarus, Lewis, Stock & Watson 2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecaster.diagnostics.long_run import ROUNDING, Floats

BINS: Final = 10
"""Customary; the reference's deciles are their bounds."""

ALPHA: Final = 0.01
"""How often an input, or an error, that does not drift may be called drifted."""

LEAST_SESSIONS: Final = 20
"""A month of trading; what lasts for less is not yet a change."""

LEAST_STRETCHES: Final = 10
"""So many times the reference must hold the recent span, to say how much such spans differ anyway."""

LEAST_OUTCOMES: Final = 60
"""Sessions that errors of either span need, as for every figure of errors."""


@dataclass(frozen=True, slots=True)
class Stability:
    """One feature's distribution, recent against reference.

    Attributes:
        psi: the population stability index [1].
        expected: its mean over stretches of the reference as long as the recent span [1].
        threshold: what it exceeds with probability `alpha` where nothing drifts [1].
        p_value: the probability of at least this PSI where nothing drifts [1].
    """

    psi: float
    expected: float
    threshold: float
    p_value: float

    @property
    def drifted(self) -> bool:
        """Whether PSI is above the threshold."""
        return self.psi > self.threshold


@dataclass(frozen=True, slots=True)
class Change:
    """A mean figure over two spans.

    Attributes:
        before, after: the figure.
        p_value: two-sided, of "no change" [1].
    """

    before: float
    after: float
    p_value: float

    @property
    def worse(self) -> bool:
        """Whether it has risen, and not by chance."""
        return self.after > self.before and self.p_value < ALPHA


def psi(reference: Floats, recent: Floats) -> float:
    """The population stability index of two rows of shares, `(bins,)` each, all above zero."""
    return float(((recent - reference) * np.log(recent / reference)).sum())


def stability(
    reference: Floats,
    reference_session: NDArray[Any],
    recent: Floats,
    recent_session: NDArray[Any],
    alpha: float = ALPHA,
) -> Stability | None:
    """Whether a feature's recent values are distributed as in the reference.

    Every session counts once, however many values it has.

    Args:
        reference: `(n,)` values, of any number of symbols on each session; NaN does not count.
        reference_session: `(n,)`.
        recent: `(m,)`, values after the reference.
        recent_session: `(m,)`.
        alpha: how often what does not drift may be called drifted; smaller where many features are looked at.

    Returns:
        None where the recent span has fewer than `LEAST_SESSIONS` sessions, the reference fewer than `LEAST_STRETCHES`
        times as many, or only one value, or stretches that do not differ.
    """
    edges = bounds(reference)
    before = session_shares(reference, reference_session, edges)  # (sessions, bins)
    after = session_shares(recent, recent_session, edges)
    n, m = len(before), len(after)
    if m < LEAST_SESSIONS or n < LEAST_STRETCHES * m or not len(edges):
        return None
    # A bin that nothing fell into counts as half a value; the logarithm of nothing is no figure.
    least = 0.5 / max(int(np.isfinite(recent).sum()), 1)
    shares = before.mean(axis=0)
    sums = np.vstack([np.zeros_like(shares), np.cumsum(before, axis=0)])
    stretches = np.maximum((sums[m:] - sums[:-m]) / m, least)  # (n - m + 1, bins)
    found = ((stretches - shares) * np.log(stretches / shares)).sum(axis=1)
    # Stretches lie within the reference and resemble it; the recent span does not.
    apart = (1 + m / n) / (1 - m / n)
    mean, variance = apart * float(found.mean()), apart**2 * float(found.var())
    if not variance > (ROUNDING * mean) ** 2:
        return None
    freedom = 2.0 * mean**2 / variance
    independent = n / (m + _memory(before, stretches, shares))
    value = psi(shares, np.maximum(after.mean(axis=0), least))

    # Here, not above: who reads ready figures need not wait for scipy.
    from scipy.special import fdtrc, fdtri

    return Stability(
        psi=value,
        expected=mean,
        threshold=mean * float(fdtri(freedom, freedom * independent, 1.0 - alpha)),
        p_value=float(fdtrc(freedom, freedom * independent, value / mean)),
    )


def bounds(reference: Floats) -> Floats:
    """`(bins - 1,)`: where the next bin begins, each a value of the reference, so that none of its bins is empty.

    The reference's deciles; of at most `BINS` different values each has its own bin.
    """
    values = np.unique(reference[np.isfinite(reference)])
    if len(values) > BINS:
        finite = reference[np.isfinite(reference)]
        values = np.append(values[0], np.quantile(finite, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    return np.unique(values)[1:]


def session_shares(values: Floats, session: NDArray[Any], edges: Floats) -> Floats:
    """`(sessions, bins)`: the share of each session's values in each bin; sessions in order, those with any value."""
    finite = np.isfinite(values)
    days, number = np.unique(session[finite], return_inverse=True)
    bins = len(edges) + 1
    place = number * bins + np.searchsorted(edges, values[finite], side="right")
    counts = np.bincount(place, minlength=len(days) * bins).reshape(len(days), bins)
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares


def change_of_ratio(before: tuple[Floats, Floats], after: tuple[Floats, Floats]) -> Change | None:
    """Whether mean(a) / mean(b) has changed between two spans.

    Args:
        before: a and b `(n,)`, one value a session, such as the model's and the last close's mean absolute error; b a
            row of ones tests the mean of a.
        after: the same `(m,)` of a later span.

    Returns:
        None where a span has fewer than `LEAST_OUTCOMES` sessions, b is zero on average, or nothing varies.
    """
    if min(len(before[0]), len(after[0])) < LEAST_OUTCOMES or not before[1].mean() > 0.0 or not after[1].mean() > 0.0:
        return None
    old, new = _ratio(*before), _ratio(*after)
    variance = old[1] + new[1]
    if not variance > (ROUNDING * max(abs(old[0]), abs(new[0]))) ** 2:
        return None
    # Two variances of unequal certainty: Welch (1947).
    freedom = variance**2 / (old[1] ** 2 / old[2] + new[1] ** 2 / new[2])

    from scipy.special import stdtr

    p_value = 2.0 * float(stdtr(freedom, -abs(new[0] - old[0]) / math.sqrt(variance)))
    return Change(old[0], new[0], p_value)


def cosine_variance(x: Floats) -> tuple[float, int]:
    """The variance of the mean of autocorrelated `(n,)` values, and its degrees of freedom.

    The mean of the squared first cosine transforms (Müller 2007; Lazarus, Lewis, Stock & Watson 2018, who give the
    number).
    """
    n = len(x)
    freedom = max(int(0.4 * n ** (2.0 / 3.0)), 1)
    time = (np.arange(n) + 0.5) / n
    waves = math.sqrt(2.0 / n) * np.cos(np.pi * np.arange(1, freedom + 1)[:, None] * time)
    return float(np.square(waves @ x).mean()) / n, freedom


def _ratio(a: Floats, b: Floats) -> tuple[float, float, int]:
    """Mean of a by mean of b, its variance (by the first-order expansion) and the degrees of freedom."""
    ratio = float(a.mean() / b.mean())
    variance, freedom = cosine_variance((a - ratio * b) / b.mean())
    return ratio, variance, freedom


def _memory(before: Floats, stretches: Floats, shares: Floats) -> float:
    """For how many sessions a session's shares last: the variance of stretches by that of independent sessions."""
    length = len(before) - len(stretches) + 1
    one, many = (before.var(axis=0) / shares).sum(), (stretches.var(axis=0) / shares).sum()
    return float(np.clip(length * many / one, 1.0, length)) if one > 0.0 else 1.0
