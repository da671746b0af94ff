"""Rolling origin: when everything is fitted anew, on what, and which origins are forecast until the next refit.

::

    begins ........ refit | gap | first ...... last
    known                         origins

Sessions are those on which anything traded. With a gap of 0 the newest session known at a refit is the fold's first
origin: at that close its bar is there, and what comes next is forecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from data.adjust import adjusted
from data.bars import Bars
from forecaster.backtest.errors import SpanError
from forecaster.baselines.protocol import Fold

Days = np.ndarray[Any, np.dtype[np.datetime64]]

# A quarter of sessions, and two years of them.
EVERY: Final = 63
FOLDS: Final = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How the test span is cut.

    Attributes:
        every: sessions between two refits; None divides the span by `folds`, or takes `EVERY`.
        folds: how many; None takes as many as the span has, or `FOLDS` where nothing else says how long it is.
        sessions: how many sessions of origins: from `first` on, or the newest ones.
        first, last: the span of the origins, both included.
        window: how many sessions a fold knows (a sliding window); None takes all (an expanding one).
        gap: sessions between the newest one known and the first origin.
    """

    every: int | None = None
    folds: int | None = None
    sessions: int | None = None
    first: date | None = None
    last: date | None = None
    window: int | None = None
    gap: int = 0

    def __post_init__(self) -> None:
        """Raises `SpanError` for a value that cannot be."""
        for name in ("every", "folds", "sessions", "window"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SpanError(f"--{name}", "a number from 1 on", value)
        if self.gap < 0:
            raise SpanError("--gap", "a number from 0 on", self.gap)
        if self.first is not None and self.last is not None and self.first > self.last:
            raise SpanError("--from and --to", "a first session before the last", f"{self.first} to {self.last}")


@dataclass(frozen=True, slots=True)
class Span:
    """One fold in sessions; see the module.

    Attributes:
        number, of: which fold, from 1.
        begins: the first session known; None for all that there are.
        refit: the newest session known.
        first, last: of the origins.
    """

    number: int
    of: int
    begins: np.datetime64 | None
    refit: np.datetime64
    first: np.datetime64
    last: np.datetime64


def spans(days: Days, plan: Plan) -> tuple[Span, ...]:
    """The folds of a plan.

    Args:
        days: `(n,)` sessions on which anything traded, ascending; the outcomes of the newest one nobody knows.
        plan: how to cut them.

    Raises:
        SpanError: no origin lies in the span, or nothing is known before it.
    """
    chosen, every = _origins(days[:-1], plan)
    held = f"{days[0]} to {days[-1]}" if len(days) else "nothing"
    if not len(chosen):
        raise SpanError("the test span", f"sessions within the prices, which hold {held}", "none of them")
    starts = range(0, len(chosen), every)
    offset = int(np.searchsorted(days, chosen[0]))
    made = []
    for number, start in enumerate(starts, start=1):
        known = offset + start - plan.gap
        if known < 1:
            what = f"a first origin with at least {plan.gap + 1} sessions before it; the prices hold {held}"
            raise SpanError("the test span", what, str(chosen[0]))
        begins = None if plan.window is None else days[max(0, known + 1 - plan.window)]
        own = chosen[start : start + every]
        made.append(Span(number, len(starts), begins, days[known], own[0], own[-1]))
    return tuple(made)


def _origins(days: Days, plan: Plan) -> tuple[Days, int]:
    """Which sessions are origins, and after how many everything is fitted anew."""
    if plan.last is not None:
        days = days[days <= np.datetime64(plan.last)]
    if plan.first is not None:
        days = days[days >= np.datetime64(plan.first)]
    if plan.first is None and plan.sessions is None:
        every = plan.every or EVERY
        return days[-every * (plan.folds or FOLDS) :], every
    if plan.sessions is not None:
        days = days[: plan.sessions] if plan.first is not None else days[-plan.sessions :]
    if plan.folds is None:
        return days, plan.every or EVERY
    if plan.every is not None:
        raise SpanError("--folds and --every", "one of them, where --from or --sessions gives the span", "both")
    if plan.folds > len(days):
        raise SpanError("--folds", f"at most one a session of the span, which has {len(days)}", plan.folds)
    return days, -(-len(days) // plan.folds)


def sessions_of(bars: Bars) -> Days:
    """The sessions on which anything traded, ascending."""
    return np.unique(bars.frame["session"].to_numpy().astype("datetime64[D]"))


def fold_of(bars: Bars, span: Span) -> Fold:
    """What a forecaster gets of a fold. Later bars than its last origin, where `bars` has any, are left out.

    Every bar within the span is an origin: whether another follows is not known yet.
    """
    session = bars.frame["session"].to_numpy().astype("datetime64[D]")
    inside = session <= span.last
    if span.begins is not None:
        inside &= session >= span.begins
    origins = bars.frame.loc[inside & (session >= span.first), ["symbol", "session"]]
    return Fold(
        number=span.number,
        of=span.of,
        refit=span.refit,
        known=Bars(bars.frame[inside & (session <= span.refit)].reset_index(drop=True)),
        seen=Bars(bars.frame[inside].reset_index(drop=True)),
        origins=origins.rename(columns={"session": "origin"}).reset_index(drop=True),
    )


def outcomes_of(bars: Bars, folds: Sequence[Span]) -> pd.DataFrame:
    """What came after each origin that has a next bar.

    Returns:
        fold, symbol, origin, session (of the next bar), previous_close and actual, both backward-adjusted [currency];
        by symbol and then by origin.
    """
    table = adjusted(bars, "backward")
    by_symbol = table.groupby("symbol")
    found = pd.DataFrame(
        {
            "symbol": table["symbol"],
            "origin": table["session"],
            "session": by_symbol["session"].shift(-1),
            "previous_close": table["close"],
            "actual": by_symbol["close"].shift(-1),
        }
    )
    origin = found["origin"].to_numpy().astype("datetime64[D]")
    lasts = np.array([span.last for span in folds], dtype="datetime64[D]")
    found.insert(0, "fold", 1 + np.searchsorted(lasts, origin).astype(np.int64))
    inside = (origin >= folds[0].first) & (origin <= lasts[-1]) & found["actual"].notna().to_numpy()
    asked: pd.DataFrame = found.loc[inside].reset_index(drop=True)
    return asked
