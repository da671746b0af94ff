"""GARCH(1,1) with Student-t innovations (Bollerslev 1987), for each symbol, by `arch`.

Zero mean: over a day the mean return is nothing beside its spread, so the median is the last close. Parameters are
fitted to all returns known at the refit, and the variance is carried forward with every return up to the origin.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from forecaster.baselines.protocol import HINT, Fold, Made, Say, Unavailable
from forecaster.baselines.series import Array, Series, joined, rows, series_of
from forecaster.diagnostics.naive import around_zero

# The optimiser wants returns near one; `arch` recommends percent.
PERCENT: Final = 100.0
# Fewer returns do not tell four parameters; such a symbol takes the others' shape at its own variance.
LEAST_TO_FIT: Final = 250
LEAST: Final = 60
# Persistence may end at its bound, and the optimiser may step over it by this much.
ROUNDING: Final = 1e-6
# Where the fit does not settle, it is tried again from these (alpha, beta).
STARTS: Final = ((0.05, 0.93), (0.10, 0.80), (0.03, 0.965), (0.20, 0.60))

FITS: Final = "fits"
AGAIN: Final = "did not settle at once, fitted from another start"
INTEGRATED: Final = "ended at persistence one"
TOO_SHORT: Final = "too short a history, others' shape"
NO_FIT: Final = "never settled, others' shape"


@dataclass(frozen=True, slots=True)
class Garch11:
    """v(t+1) = omega + alpha r(t)^2 + beta v(t) [squared percent], Student-t innovations of nu degrees of freedom."""

    omega: float
    alpha: float
    beta: float
    nu: float

    @property
    def usable(self) -> bool:
        """Whether its variance does not explode: persistence one is allowed, as it is to the optimiser."""
        return (
            bool(np.isfinite([self.omega, self.alpha, self.beta, self.nu]).all())
            and self.omega > 0
            and self.alpha >= 0
            and self.beta >= 0
            and self.alpha + self.beta < 1 + ROUNDING
            and self.nu > 2
        )


class Garch:
    """See the module."""

    name = "garch"
    seeded = False

    def settings(self) -> Mapping[str, Any]:
        """See `Forecaster.settings`."""
        return {"least_to_fit": LEAST_TO_FIT, "least": LEAST, "starts": STARTS}

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        """See `Forecaster.fit_predict`. Origins with fewer than `LEAST` returns before them get none."""
        notes = dict.fromkeys((FITS, AGAIN, INTEGRATED, TOO_SHORT, NO_FIT), 0)
        several = [one for one in series_of(fold) if len(one.close) > LEAST]
        fits: dict[str, Garch11] = {}
        for number, one in enumerate(several, start=1):
            known = PERCENT * one.returns[: max(0, one.fitted - 1)]
            if len(known) < LEAST_TO_FIT:
                notes[TOO_SHORT] += 1
                continue
            notes[FITS] += 1
            found, tries = fit(known)
            notes[AGAIN] += tries > 1
            if found is None:
                notes[NO_FIT] += 1
            else:
                fits[one.symbol] = found
                notes[INTEGRATED] += found.alpha + found.beta > 1 - ROUNDING
            if number % 50 == 0:
                say(f"{number} of {len(several)} symbols fitted")
        common = _common(list(fits.values()))
        pieces = []
        for one in several:
            at = one.at[one.at >= LEAST]
            if len(at):
                parameters = fits.get(one.symbol) or _at_own_variance(common, one)
                pieces.append(rows(one, at, one.close[at, None] * np.exp(_spread(one, parameters, levels)[at]), levels))
        return Made(joined(pieces, levels), notes)


def fit(returns: Array) -> tuple[Garch11 | None, int]:
    """Maximum likelihood by `arch`, and how many starts it took; None where no start led to a usable optimum.

    Args:
        returns: `(n,)` in percent.

    Raises:
        Unavailable: `arch` is not installed.
    """
    try:
        from arch import arch_model
    except ImportError:
        raise Unavailable("arch", HINT) from None
    variance = float(np.mean(returns**2))
    if not variance > 0:
        return None, 0
    model = arch_model(returns, mean="Zero", vol="GARCH", p=1, o=0, q=1, dist="t", rescale=False)
    starts: list[Array | None] = [None]
    starts += [np.array([variance * (1 - alpha - beta), alpha, beta, 6.0]) for alpha, beta in STARTS]
    for tries, start in enumerate(starts, start=1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whether it settled is read from its flag below
            result = model.fit(disp="off", show_warning=False, starting_values=start, options={"maxiter": 500})
        omega, alpha, beta, nu = (float(value) for value in result.params)
        found = Garch11(omega, alpha, beta, nu)
        if result.convergence_flag == 0 and found.usable:
            return found, tries
    return None, len(starts)


def variances(returns: Array, parameters: Garch11) -> Array:
    """The variance expected of each next return, [squared percent].

    Args:
        returns: `(n,)` in percent.
        parameters: of the recursion.

    Returns:
        `(n + 1,)`: entry i rests on the first i returns; entry 0 is the mean square of the first `LEAST` ones, which
        are before any forecast.
    """
    from scipy.signal import lfilter

    start = float(np.mean(returns[:LEAST] ** 2))
    driven = parameters.omega + parameters.alpha * returns**2
    later, _ = lfilter([1.0], [1.0, -parameters.beta], driven, zi=[parameters.beta * start])
    return np.concatenate([[start], later])


def _spread(one: Series, parameters: Garch11, levels: Sequence[float]) -> Array:
    """`(n, q)`: quantiles of the log return after each of the symbol's bars."""
    from scipy import stats

    scale = np.sqrt(variances(PERCENT * one.returns, parameters)) / PERCENT
    # The distribution of the package has variance one, scipy's has nu / (nu - 2).
    unit = stats.t.ppf(levels, parameters.nu) * np.sqrt((parameters.nu - 2) / parameters.nu)
    return around_zero(scale[:, None] * unit, levels)


def _common(fits: Sequence[Garch11]) -> Garch11:
    """The medians of alpha, beta and nu over symbols, at a variance of one."""
    if not fits:
        return Garch11(0.02, 0.05, 0.93, 6.0)
    alpha, beta, nu = np.median([(one.alpha, one.beta, one.nu) for one in fits], axis=0).tolist()
    beta = min(beta, 0.999 - alpha)
    return Garch11(1 - alpha - beta, alpha, beta, nu)


def _at_own_variance(shape: Garch11, one: Series) -> Garch11:
    """`shape` with the mean square that the symbol had up to the refit or, listed later, in its first returns."""
    known = PERCENT * one.returns[: max(one.fitted - 1, LEAST)]
    return Garch11(max(shape.omega * float(np.mean(known**2)), 1e-12), shape.alpha, shape.beta, shape.nu)
