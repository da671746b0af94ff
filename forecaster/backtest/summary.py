"""A backtest in figures: how good every model was, how sure that is, and which may be the best.

::

    panel.py       the table as arrays, every model on the same symbol-sessions
      ├── estimates.py   ratios of totals, with standard errors over sessions
      ├── scores.py      losses, intervals, levels, quarters of one model
      ├── lags.py        by how many sessions its forecasts trail, pooled over symbols
      ├── contest.py     one model against another; the models that may be the best; symbols that beat the baseline
      └── judged.py      its verdict
    figures.py     all of it, as it is handed on
    summary.py     how it is computed
    printed.py     as rows for the terminal, and as a sentence
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import pandas as pd

from forecaster.backtest.contest import ConfidenceSet, compare, confidence_set, winners
from forecaster.backtest.estimates import Estimate, one_less, ratio, root
from forecaster.backtest.figures import Figures, ModelSummary, Summary
from forecaster.backtest.judged import judged
from forecaster.backtest.lags import pooled_lag
from forecaster.backtest.panel import BadTable, Panel, make_panel
from forecaster.backtest.scores import (
    Losses,
    Totals,
    intervals,
    level_shares,
    losses,
    mean_losses,
    mean_totals,
    quarters,
    totals,
)
from forecaster.diagnostics.ranks import CrossSection, cross_section
from forecaster.diagnostics.record import Floats
from forecaster.diagnostics.verdict import MIN_SESSIONS, too_few

__all__ = ["SEED", "Figures", "ModelSummary", "Summary", "summarise"]

SEED: Final = 0
"""Of the bootstrap: the same table always gives the same summary."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seed:
    """One seed of a model: what is kept of its forecasts."""

    median: Floats
    losses: Losses
    totals: Totals


def summarise(table: pd.DataFrame, levels: Sequence[float], baseline: str = "naive") -> Summary:
    """The summary of a backtest.

    Args:
        table: tidy, as `make_panel` takes it: several models on the same symbol-sessions; with a column `seed`, several
            seeds of a model.
        levels: of the quantiles.
        baseline: the model that the others are compared with.

    Raises:
        BadTable: the table is not as described, or the baseline is not in it.
    """
    panel = make_panel(table, levels)
    if baseline not in panel.models:
        raise BadTable("model", f"the baseline {baseline} among the models", ", ".join(panel.models))
    if panel.sessions.size < MIN_SESSIONS:
        verdict = too_few(panel.sessions.size)
        models = [ModelSummary(name, len(seeds), None, verdict) for name, seeds in panel.models.items()]
        return _summary(panel, baseline, models, "")
    seeds = {name: [_seed(panel, said) for said in panel.quantiles(name)] for name in panel.models}
    own = {name: mean_losses([one.losses for one in several]) for name, several in seeds.items()}
    # By mean pinball loss; equal ones in the order of the table.
    order = sorted(own, key=lambda name: float(own[name].pinball.mean()))
    best = confidence_set(panel, {name: own[name] for name in order}, SEED)
    models = [_model(panel, name, seeds[name], own, (baseline, order[0]), best) for name in order]
    return _summary(panel, baseline, models, best.note)


def _summary(panel: Panel, baseline: str, models: Sequence[ModelSummary], note: str) -> Summary:
    return Summary(
        baseline=baseline,
        levels=panel.levels,
        symbols=len(panel.symbols),
        sessions=panel.sessions.size,
        forecasts=panel.symbol.size,
        first=panel.sessions[0].item(),
        last=panel.sessions[-1].item(),
        models=tuple(models),
        note=note,
    )


def _seed(panel: Panel, quantiles: Floats) -> _Seed:
    return _Seed(panel.median(quantiles), losses(panel, quantiles), totals(panel, quantiles))


def _model(
    panel: Panel,
    name: str,
    seeds: Sequence[_Seed],
    own: Mapping[str, Losses],
    others: tuple[str, str],
    best: ConfidenceSet,
) -> ModelSummary:
    baseline, first = others
    mine, added = own[name], mean_totals([one.totals for one in seeds])
    lag = pooled_lag(panel, [one.median for one in seeds])
    ranks = _mean_ranks([cross_section(one.median, panel.change, panel.origin) for one in seeds])
    figures = Figures(
        **_errors(panel, mine, added, own[baseline]),
        ranks=ranks,
        intervals=intervals(panel, added),
        levels=level_shares(panel, added),
        quarters=quarters(panel, added),
        against_baseline=None if name == baseline else compare(panel, mine, own[baseline]),
        against_best=None if name == first else compare(panel, mine, own[first]),
        confidence=best.p_values[name],
        may_be_best=name in best.members,
        winners=None if name == baseline else winners(panel, mine, own[baseline]),
        lag=lag,
        over_seeds=_over_seeds(panel, seeds, own[baseline]),
    )
    error = np.mean([one.median for one in seeds], axis=0) - panel.change
    return ModelSummary(name, len(seeds), figures, judged(panel, mine, error, figures.intervals, lag))


def _errors(panel: Panel, mine: Losses, added: Totals, baseline: Losses) -> dict[str, Estimate]:
    """The figures that are one number, as fields of `Figures`."""

    def by(loss: Floats, other: Floats) -> Estimate:
        return ratio(panel.by_session(loss), panel.by_session(other))

    return {
        "mae_ratio": by(mine.absolute, baseline.absolute),
        "rmse_ratio": root(by(mine.squared, baseline.squared)),
        "r2": one_less(by(mine.squared, np.square(panel.change))),
        "directional_accuracy": ratio(added.hits, added.moved),
        "pinball": ratio(panel.by_session(mine.pinball), panel.count),
        "pinball_ratio": by(mine.pinball, baseline.pinball),
    }


def _over_seeds(panel: Panel, seeds: Sequence[_Seed], baseline: Losses) -> dict[str, float]:
    """Standard deviation over seeds by the root of their number."""
    if len(seeds) < 2:
        return {}
    found: dict[str, list[float]] = {}
    for one in seeds:
        values = {name: each.value for name, each in _errors(panel, one.losses, one.totals, baseline).items()}
        ranks = cross_section(one.median, panel.change, panel.origin)
        values |= {} if ranks is None else {"ic": ranks.ic, "rank_ic": ranks.rank_ic, "rank_icir": ranks.rank_icir}
        values |= {f"coverage {each.level:g}": each.observed.value for each in intervals(panel, one.totals)}
        for name, value in values.items():
            found.setdefault(name, []).append(math.nan if value is None else value)
    return {
        name: float(np.std(values, ddof=1)) / math.sqrt(len(values))
        for name, values in found.items()
        if len(values) == len(seeds) and np.isfinite(values).all()
    }


def _mean_ranks(several: Sequence[CrossSection | None]) -> CrossSection | None:
    """The mean over seeds. Errors too: seeds share their days, so that more of them do not make the days more."""
    known = [one for one in several if one is not None]
    if len(known) < 2 or len(known) < len(several):
        return known[0] if len(several) == 1 and known else None
    means: dict[str, Any] = {}
    for part in fields(CrossSection):
        values = [getattr(one, part.name) for one in known]
        means[part.name] = None if any(value is None for value in values) else float(np.mean(values))
    return CrossSection(**means | {"days": known[0].days})
