"""Whether a model still sees what it was trained on, and is still as good as its evidence says.

Inputs are compared as the network gets them: the newest session of each window, scaled. The reference is the training
span, the recent span the newest sessions after it. Errors are those of `error_drift`. At most `model.TRACKED` shares
speak for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from data.bars import Bars
from data.windows import Mask, Windows
from forecaster.bundle import Bundle
from forecaster.diagnostics.drift import LEAST_SESSIONS, LEAST_STRETCHES, stability
from forecaster.diagnostics.long_run import Floats
from forecaster.error_drift import ErrorDrift, Span, error_drift, span_of
from forecaster.model import Model

SESSIONS: Final = 60
"""The recent span of inputs: a quarter. A change that lasts shows in it, and shorter spans differ by themselves."""

FALSE_ALARMS: Final = 0.05
"""How often a model whose inputs do not drift has any input that is called drifted: features share it (Bonferroni)."""

_BATCH: Final = 16_384


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One input of the network; figures as in `diagnostics.drift.Stability`. None: insufficient data, or one value."""

    feature: str
    psi: float | None
    expected: float | None
    threshold: float | None
    p_value: float | None
    drifted: bool | None


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed since a model was made.

    Attributes:
        through: the last session that was looked at.
        reference: the training span; None where `bars` have none of it.
        recent: the newest sessions after it; None where there are none.
        features: one entry an input.
        errors: None where the evidence, or what came after it, is too short.
    """

    through: date
    reference: Span | None
    recent: Span | None
    features: tuple[FeatureDrift, ...]
    errors: ErrorDrift | None

    @property
    def drifted(self) -> tuple[str, ...]:
        """The inputs that drifted, and "errors" where those did."""
        inputs = tuple(one.feature for one in self.features if one.drifted)
        return (*inputs, "errors") if self.errors is not None and self.errors.drifted else inputs


def drift(bundle: Bundle, bars: Bars, through: date) -> Drift:
    """The drift of a saved model's inputs and errors.

    Args:
        bundle: the model.
        bars: of the symbols that `watched` names, from their beginning; what came after `through` is not looked at.
        through: the session up to which prices are known.

    Raises:
        TooFewBars: there is not one window.
        CorruptBundle: a file is not the one that was written.
    """
    training = bundle.manifest["training"]
    seen = training.get("weights_through", training["trained_through"])
    trained = np.datetime64(training["first"], "D"), np.datetime64(seen, "D")
    return drift_of(bundle.model(threads=0), bundle.evidence(), trained, bars, through)


def watched(model: Model) -> tuple[str, ...]:
    """The symbols whose bars `drift` needs."""
    return model.reads(sorted(model.tracked))


def drift_of(
    model: Model, table: pd.DataFrame, trained: tuple[np.datetime64, np.datetime64], bars: Bars, through: date
) -> Drift:
    """As `drift`, of a model, its evidence, and the first and last session that its weights have seen."""
    frame = bars.frame
    known = Bars(frame[frame["session"] <= pd.Timestamp(through)].reset_index(drop=True))
    windows = model.windows(known)
    windows = windows.take(_of_tracked(model, windows))
    past = (windows.origin >= trained[0]) & (windows.origin <= trained[1])
    days = np.unique(windows.origin[past])
    later = np.unique(windows.origin[windows.origin > trained[1]])
    # As long as the reference can judge, were it short.
    length = max(min(SESSIONS, len(days) // LEAST_STRETCHES), LEAST_SESSIONS)
    recent = later[-length:]
    features = _features(model, windows, past, windows.origin >= recent[0] if len(recent) else np.zeros_like(past))
    return Drift(
        through=through,
        reference=span_of(days) if len(days) else None,
        recent=span_of(recent) if len(recent) else None,
        features=features,
        errors=error_drift(model, table, windows),
    )


def to_dict(found: Drift) -> dict[str, Any]:
    """JSON-ready form: dates in ISO form, None where data are insufficient, and `drifted` beside each part."""
    errors = None
    if found.errors is not None:
        errors = asdict(found.errors) | {
            "before": _dated(found.errors.before),
            "after": _dated(found.errors.after),
            "drifted": found.errors.drifted,
        }
    return {
        "through": found.through.isoformat(),
        "reference": None if found.reference is None else _dated(found.reference),
        "recent": None if found.recent is None else _dated(found.recent),
        "features": [asdict(one) for one in found.features],
        "errors": errors,
        "drifted": list(found.drifted),
    }


def _features(model: Model, windows: Windows, past: Mask, recent: Mask) -> tuple[FeatureDrift, ...]:
    names = model.spec.features
    before, after = _newest_inputs(windows.take(past)), _newest_inputs(windows.take(recent))  # (n, features)
    sessions = windows.origin[past], windows.origin[recent]
    made = []
    for position, name in enumerate(names):
        found = stability(
            before[:, position], sessions[0], after[:, position], sessions[1], alpha=FALSE_ALARMS / len(names)
        )
        if found is None:
            made.append(FeatureDrift(name, None, None, None, None, None))
        else:
            made.append(FeatureDrift(name, found.psi, found.expected, found.threshold, found.p_value, found.drifted))
    return tuple(made)


def _newest_inputs(windows: Windows) -> Floats:
    """`(n, features)`: what the network gets of each window's newest session."""
    if not len(windows):
        return np.empty((0, windows.panel.values.shape[1]))
    starts = range(0, len(windows), _BATCH)
    parts = [windows.inputs(np.arange(start, min(start + _BATCH, len(windows))))[:, -1] for start in starts]
    return np.concatenate(parts).astype(np.float64)


def _of_tracked(model: Model, windows: Windows) -> Mask:
    tracked = model.tracked
    among = np.array([symbol in tracked for symbol in windows.panel.symbols], dtype=bool)
    return among[windows.panel.series[windows.last]]


def _dated(span: Span) -> Mapping[str, Any]:
    return {"first": span.first.isoformat(), "last": span.last.isoformat(), "sessions": span.sessions}
