"""How each figure is defined, in one line each, and whose definition it is: the footer of the page."""

from __future__ import annotations

import re
from typing import Final

from forecaster.diagnostics.lag import MAX_LAG
from forecaster.diagnostics.verdict import ALPHA, ECHO, MIN_SESSIONS, VerdictCode
from forecaster.report.formats import MINUS

NOTATION: Final = (
    "c(t) is the adjusted close of session t, on the scale of the last held-out session; f(t) is the median forecast "
    f"of it, made at the close of session t{MINUS}1; the naive forecast of it is c(t{MINUS}1), yesterday's close. "
    "The interval lies between the outermost quantiles. Means are over all held-out sessions."
)

VERDICTS: Final = {
    VerdictCode.BEATS_NAIVE: f"The mean absolute error is smaller than the naive one, with p < {ALPHA:g}.",
    VerdictCode.NO_BETTER_THAN_NAIVE: f"The two errors cannot be told apart: p is {ALPHA:g} or more, or undefined.",
    VerdictCode.WORSE_THAN_NAIVE: f"The mean absolute error is larger than the naive one, with p < {ALPHA:g}.",
    VerdictCode.ECHOES_YESTERDAY: f"Worse, and an echo: the best lag is 1, with a correlation of {ECHO:g} or more.",
    VerdictCode.INSUFFICIENT_DATA: f"Fewer than {MIN_SESSIONS} sessions: no figure would mean anything.",
}

DEFINITIONS: Final = tuple(
    (name, re.sub("(?<=[tk ])-(?=[1k ])", MINUS, formula), source)
    for name, formula, source in (
        ("Against yesterday's close", "Skill: 1 - mean |f(t) - c(t)| / mean |c(t-1) - c(t)|.", "Murphy 1988"),
        ("Mean absolute error", "Mean |f(t) - c(t)|; as a share: mean |f(t) - c(t)| / c(t).", ""),
        ("Root mean squared error", "Square root of the mean of (f(t) - c(t))².", ""),
        ("Bias", "Mean of f(t) - c(t).", ""),
        ("MASE", "Mean absolute error / mean |c(t) - c(t-1)| before the held-out span.", "Hyndman & Koehler 2006"),
        ("Theil's U2", "Root mean squared error / that of the naive forecast.", "Theil 1966"),
        (
            "Direction",
            "Share of sessions where f(t) - c(t-1) and c(t) - c(t-1) have the same sign; no change is a miss.",
            "Pesaran & Timmermann 1992",
        ),
        (
            "Best lag",
            f"The k in 0 to {MAX_LAG} with the highest correlation of f(t) - f(t-1) and c(t-k) - c(t-k-1). "
            "Echo: that at k = 1.",
            "Box & Jenkins 1970, ch. 11",
        ),
        ("Nearest close", f"The k in 0 to {MAX_LAG} with the smallest root mean squared f(t) - c(t-k).", ""),
        (
            "Diebold-Mariano",
            "Mean difference of the absolute (squared) errors over its standard error; Student's t, corrected for "
            "small samples.",
            "Diebold & Mariano 1995; Harvey, Leybourne & Newbold 1997",
        ),
        (
            "Direction, by chance",
            "Share of right directions against that of independent guesses with the same ups and downs; one-sided.",
            "Pesaran & Timmermann 1992",
        ),
        ("Kept", "Share of sessions with lower end ≤ c(t) ≤ upper end; tested by a likelihood ratio.", "Kupiec 1995"),
        ("Mean width", "Mean of upper end - lower end.", ""),
        ("Better or worse", "Running sum of |f(t) - c(t)| - |c(t-1) - c(t)|.", ""),
    )
)
"""Name, formula, source (empty where the figure needs none)."""
