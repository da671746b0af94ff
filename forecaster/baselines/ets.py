"""Exponential smoothing on the log close of each symbol (Hyndman, Koehler, Ord & Snyder 2008), by `statsmodels`.

With additive errors e the state of level l and trend b goes

    forecast = l + phi b,    l' = forecast + alpha e,    b' = phi b + beta e

without a trend (b = 0), with one (phi = 1) or with a damped one. The form with the lowest AICc on the closes known at
the refit is taken, with its parameters; the state is carried forward with every later bar. Quantiles are normal, with
the variance that the errors had when it was fitted.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from forecaster.baselines.protocol import HINT, Fold, Made, Say, Unavailable
from forecaster.baselines.series import Array, joined, rows, series_of

# Fewer bars before an origin are no history.
LEAST: Final = 60
# (trend, damped): a seasonal form would need a season, and daily closes have none.
FORMS: Final = ((None, False), ("add", False), ("add", True))

NO_FIT: Final = "never settled, a random walk instead"
_NAMES: Final = {(None, False): "without trend", ("add", False): "with trend", ("add", True): "with damped trend"}


@dataclass(frozen=True, slots=True)
class Smoothing:
    """One symbol's form, fitted.

    Attributes:
        alpha, beta, phi: how much of an error goes into the level and into the trend, and what of the trend stays.
        level, trend: the state before the first close.
        deviation: standard deviation of the errors [log].
        form: in words.
    """

    alpha: float
    beta: float
    phi: float
    level: float
    trend: float
    deviation: float
    form: str


class Ets:
    """See the module."""

    name = "ets"
    seeded = False

    def settings(self) -> Mapping[str, Any]:
        """See `Forecaster.settings`."""
        return {"forms": FORMS, "least": LEAST}

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        """See `Forecaster.fit_predict`. Origins with fewer than `LEAST` bars before them get none."""
        from scipy.special import ndtri

        notes = dict.fromkeys((*_NAMES.values(), NO_FIT), 0)
        normal = ndtri(np.asarray(levels))  # (q,)
        several = [one for one in series_of(fold) if len(one.close) > LEAST]
        pieces = []
        for number, one in enumerate(several, start=1):
            logs = np.log(one.close)
            # Listed after the refit: the first closes, which come before any of its forecasts.
            fitted = fit(logs[: max(one.fitted, LEAST)])
            notes[fitted.form] += 1
            at = one.at[one.at >= LEAST]
            if len(at):
                expected = one_ahead(logs, fitted)[at + 1]
                prices = np.exp(expected[:, None] + fitted.deviation * normal)
                pieces.append(rows(one, at, prices, levels))
            if number % 50 == 0:
                say(f"{number} of {len(several)} symbols fitted")
        return Made(joined(pieces, levels), notes)


def fit(logs: Array) -> Smoothing:
    """The form with the lowest AICc by maximum likelihood; a random walk where none can be fitted.

    Args:
        logs: `(n,)` log closes.

    Raises:
        Unavailable: `statsmodels` is not installed.
    """
    try:
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel
    except ImportError:
        raise Unavailable("statsmodels", HINT) from None
    changes = np.diff(logs)
    best, lowest = Smoothing(1.0, 0.0, 0.0, float(logs[0]), 0.0, float(np.sqrt(np.mean(changes**2))), NO_FIT), np.inf
    if not changes.any():
        return best  # a likelihood without errors has no maximum
    for trend, damped in FORMS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whether it settled is read from its flag below
            try:
                result = ETSModel(logs, error="add", trend=trend, damped_trend=damped).fit(disp=False)
            except (ValueError, np.linalg.LinAlgError):  # its optimiser met a value that is no number
                continue
        if result.mle_retvals["converged"] and result.aicc < lowest:
            best, lowest = _smoothing(result, _NAMES[trend, damped]), result.aicc
    return best


def one_ahead(logs: Array, fitted: Smoothing) -> Array:
    """Expected log closes.

    Args:
        logs: `(n,)` log closes.
        fitted: the form.

    Returns:
        `(n + 1,)`: entry i rests on the first i closes.
    """
    level, trend = fitted.level, fitted.phi * fitted.trend
    expected = [level + trend]
    for value in logs.tolist():
        error = value - expected[-1]
        level = expected[-1] + fitted.alpha * error
        trend = fitted.phi * (trend + fitted.beta * error)
        expected.append(level + trend)
    return np.array(expected)


def _smoothing(result: Any, form: str) -> Smoothing:
    found = dict(zip(result.model.param_names, result.params, strict=True))
    with_trend = "smoothing_trend" in found
    return Smoothing(
        alpha=float(found["smoothing_level"]),
        beta=float(found.get("smoothing_trend", 0.0)),
        phi=float(found.get("damping_trend", 1.0 if with_trend else 0.0)),
        level=float(found["initial_level"]),
        trend=float(found.get("initial_trend", 0.0)),
        deviation=float(np.sqrt(result.mse)),
        form=form,
    )
