"""Whether a model is still as good as its evidence says.

Errors after the evidence are those that the model would have made on each day, by the path of the service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from data.windows import Windows
from forecaster.diagnostics.drift import LEAST_OUTCOMES, Change, change_of_ratio
from forecaster.diagnostics.long_run import Floats
from forecaster.evidence import column, evidence
from forecaster.model import Model


@dataclass(frozen=True, slots=True)
class Span:
    """Sessions: the first, the last, and how many."""

    first: date
    last: date
    sessions: int


@dataclass(frozen=True, slots=True)
class ErrorDrift:
    """The errors after the evidence against those of the evidence.

    Each share's errors are in units of its last close's mean error in the evidence, so that none outweighs the others.

    Attributes:
        before, after: the spans.
        symbols: how many shares are in both.
        ratio: mean absolute error, after by before [1]; it tells most about the market, and is not tested. None where
            no forecast of the evidence was wrong.
        naive_ratio: the same of the last close.
        versus_naive: the mean absolute error by the last close's.
        versus_width: the mean of the absolute error by the width of the interval; None where an interval has no width.
    """

    before: Span
    after: Span
    symbols: int
    ratio: float | None
    naive_ratio: float
    versus_naive: Change | None
    versus_width: Change | None

    @property
    def drifted(self) -> bool:
        """Whether the model became worse against the last close, or its errors outgrew their intervals."""
        return any(one is not None and one.worse for one in (self.versus_naive, self.versus_width))


def error_drift(model: Model, table: pd.DataFrame, windows: Windows) -> ErrorDrift | None:
    """The drift of a model's errors.

    Args:
        model: calibrated at the end of its evidence.
        table: the evidence.
        windows: of the shares to look at, with outcomes or without.

    Returns:
        None below `LEAST_OUTCOMES` sessions of evidence, or after it.
    """
    if table.empty:
        return None
    known = windows.take(windows.known)
    after_evidence = known.outcomes[:, 0] > table["session"].max().to_datetime64().astype("datetime64[D]")
    if not after_evidence.any():
        return None
    later, _ = evidence(model, known, np.flatnonzero(after_evidence))
    symbols = np.intersect1d(table["symbol"].unique(), later["symbol"].unique())
    before, after = (_scored(one[one["symbol"].isin(symbols)], model.spec.quantiles) for one in (table, later))
    unit = before.groupby("symbol")["naive"].mean()
    old, new = (_by_session(one[one["symbol"].map(unit) > 0], unit) for one in (before, after))
    if min(len(old), len(new)) < LEAST_OUTCOMES:
        return None
    means = old.mean(), new.mean()
    versus_naive = change_of_ratio(_pair(old, "error", "naive"), _pair(new, "error", "naive"))
    return ErrorDrift(
        before=span_of(old.index.to_numpy()),
        after=span_of(new.index.to_numpy()),
        symbols=len(symbols),
        ratio=float(means[1]["error"] / means[0]["error"]) if means[0]["error"] > 0 else None,
        naive_ratio=float(means[1]["naive"] / means[0]["naive"]),
        versus_naive=versus_naive,
        versus_width=change_of_ratio(_pair(old, "width", "one"), _pair(new, "width", "one")),
    )


def _scored(table: pd.DataFrame, levels: tuple[float, ...]) -> pd.DataFrame:
    """Symbol, session, and the absolute errors [1] of the model and the last close, and by the interval's width."""
    last, miss = table["previous_close"], (table[column(0.5)] - table["actual"]).abs()
    width = table[column(levels[-1])] - table[column(levels[0])]
    return pd.DataFrame(
        {
            "symbol": table["symbol"],
            "session": table["session"],
            "error": miss / last,
            "naive": (table["actual"] - last).abs() / last,
            "width": miss / width.where(width > 0),
        }
    )


def _by_session(scored: pd.DataFrame, unit: pd.Series[float]) -> pd.DataFrame:
    """One row a session: means over shares, errors in units of each share's own."""
    own = scored["symbol"].map(unit)
    scaled = scored.assign(error=scored["error"] / own, naive=scored["naive"] / own, one=1.0)
    return scaled.groupby("session")[["error", "naive", "width", "one"]].mean()


def _pair(sessions: pd.DataFrame, a: str, b: str) -> tuple[Floats, Floats]:
    both = sessions[[a, b]].dropna()
    return both[a].to_numpy(), both[b].to_numpy()


def span_of(sessions: np.ndarray[Any, Any]) -> Span:
    """The span of `(n,)` sessions in order, at least one."""
    days = sessions.astype("datetime64[D]")
    return Span(days[0].item(), days[-1].item(), len(days))
