"""How each figure is defined, in one line each, and whose definition it is: the footer of the page."""

from __future__ import annotations

import re
from typing import Final

from forecaster.diagnostics.lag import MAX_LAG
from forecaster.diagnostics.verdict import (
    ALPHA,
    ECHO,
    MIN_SESSIONS,
    SHIFT,
    SHORT,
    SLOPE,
    STALE_AFTER,
    TRUST,
    VerdictCode,
)
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
    VerdictCode.ECHOES_YESTERDAY: (
        f"The forecast's changes follow the close's, by 1 session with a correlation of {ECHO:g} or more. Coloured "
        "where the model is worse, too: forecasts of small moves always look like an echo."
    ),
    VerdictCode.OVERCONFIDENT: (
        f"The widest interval holds at least {100 * SHORT:g} percentage points fewer closes than it says, with "
        f"p < {TRUST:g}."
    ),
    VerdictCode.BIASED: (
        f"The forecasts are off by a constant (at least {100 * SHIFT:g} % of the usual miss) or a factor (a slope at "
        f"least {SLOPE:g} from 1), with p < {TRUST:g}."
    ),
    VerdictCode.STALE: f"The evidence ends more than {STALE_AFTER} sessions before the forecast that it vouches for.",
    VerdictCode.INSUFFICIENT_DATA: f"Fewer than {MIN_SESSIONS} sessions: no figure would mean anything.",
}

ORDER: Final = (
    "The coloured label is the verdict: the first fault that was found, or else how the model compares with "
    "yesterday's close. Outlined labels beside it hold as well."
)

DEFINITIONS: Final = tuple(
    (name, re.sub("(?<=[tk ])-(?=[1k ])", MINUS, formula), source)
    for name, formula, source in (
        ("Against yesterday's close", "Skill: 1 - mean |f(t) - c(t)| / mean |c(t-1) - c(t)|.", "Murphy 1988"),
        ("Mean absolute error", "Mean |f(t) - c(t)|; as a share: mean |f(t) - c(t)| / c(t).", ""),
        ("Root mean squared error", "Square root of the mean of (f(t) - c(t))².", ""),
        (
            "Bias",
            "Mean of f(t) - c(t). As a share, and for the test: of (f(t) - c(t)) / c(t-1), over its standard error, "
            "which allows for errors that resemble their neighbours.",
            "Newey & West 1987",
        ),
        (
            "Slope",
            "b of c(t) / c(t-1) - 1 = a + b (f(t) / c(t-1) - 1); tested together: a = 0 and b = 1.",
            "Mincer & Zarnowitz 1969",
        ),
        (
            "MASE, RMSSE",
            "Mean absolute error / mean |c(t) - c(t-1)| before the held-out span; the same of root mean squares.",
            "Hyndman & Koehler 2006",
        ),
        ("Theil's U2", "Root mean squared error / that of the naive forecast.", "Theil 1966"),
        (
            "Out-of-sample R²",
            "1 - sum of (f(t) - c(t))² / sum of (c(t-1) - c(t))², each relative to c(t-1).",
            "Campbell & Thompson 2008",
        ),
        (
            "Pinball loss",
            "Mean over quantiles q of level a: a (c(t) - q) where c(t) is above q, and (1 - a) (q - c(t)) below it.",
            "Koenker & Bassett 1978",
        ),
        (
            "Range against yesterday's close",
            "1 - pinball loss / that of the naive quantiles: c(t-1), spread by the symbol's own past changes.",
            "",
        ),
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
            "Mean difference of the absolute (squared, pinball) losses over its standard error; Student's t, corrected "
            "for small samples.",
            "Diebold & Mariano 1995; Harvey, Leybourne & Newbold 1997",
        ),
        (
            "Direction, by chance",
            "Share of right directions against that of independent guesses with the same ups and downs; one-sided.",
            "Pesaran & Timmermann 1992",
        ),
        ("Kept", "Share of sessions with lower end ≤ c(t) ≤ upper end; tested by a likelihood ratio.", "Kupiec 1995"),
        (
            "Misses in a row",
            "Whether a miss makes the next one likelier, by a likelihood ratio; both: that, and as many as promised.",
            "Christoffersen 1998",
        ),
        ("Band", "Between the 2.5 % and 97.5 % quantiles of the binomial distribution.", ""),
        ("Mean width", "Mean of upper end - lower end.", ""),
        ("Better or worse", "Running sum of |f(t) - c(t)| - |c(t-1) - c(t)|.", ""),
        ("Worst days", "Largest |f(t) - c(t)| / c(t-1).", ""),
        (
            "Tests allowed for",
            "Symbols that remain when at most that share of them may be luck, from one-sided p-values.",
            "Benjamini & Hochberg 1995",
        ),
        (
            "IC, RankIC, ICIR",
            "Mean over sessions of the correlation (of ranks) across symbols of forecast and actual changes; ICIR: "
            "that mean / its standard deviation over sessions.",
            "Grinold & Kahn 2000",
        ),
    )
)
"""Name, formula, source (empty where the figure needs none)."""
