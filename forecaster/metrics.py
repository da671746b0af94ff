"""A version in a few numbers, for the registry: means over its symbols, how many beat naive, and how it ranks them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forecaster.diagnostics.diagnostics import Diagnostics
from forecaster.diagnostics.universe import universe


def pooled_metrics(diagnostics: Mapping[str, Diagnostics], evidence: pd.DataFrame) -> dict[str, float]:
    """What the registry shows of a version; what is not known, of too few symbols or sessions, is not there.

    Args:
        diagnostics: by symbol; those with enough sessions count.
        evidence: the forecasts behind them (see `forecaster.evidence`).
    """
    complete = [one for one in diagnostics.values() if one.errors is not None and one.coverage is not None]
    values: dict[str, list[float | None]] = {
        "skill_vs_naive": [one.errors.skill_vs_naive for one in complete if one.errors],
        "pinball_skill": [one.errors.pinball_skill for one in complete if one.errors],
        "mase": [one.errors.mase for one in complete if one.errors],
        "directional_accuracy": [one.errors.directional_accuracy for one in complete if one.errors],
        "coverage": [one.coverage.observed for one in complete if one.coverage],
    }
    present = {name: [one for one in several if one is not None] for name, several in values.items()}
    found = {name: float(np.mean(several)) for name, several in present.items() if several}
    whole = universe(diagnostics, evidence)
    if whole is not None:
        found |= {"symbols_judged": float(whole.judged), "symbols_beating_naive": float(len(whole.beat))}
        found["symbols_beating_naive_corrected"] = float(len(whole.remaining))
    ranked = None if whole is None else whole.cross_section
    if ranked is not None:
        named = {"ic": ranked.ic, "rank_ic": ranked.rank_ic, "rank_icir": ranked.rank_icir}
        found |= {name: value for name, value in named.items() if value is not None}
    return found
