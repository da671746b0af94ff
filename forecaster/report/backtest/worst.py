"""The sessions on which forecasts missed most, and what the models had said the day before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Final

import numpy as np

from forecaster.backtest.panel import Panel
from forecaster.backtest.scores import Losses
from forecaster.diagnostics.coverage import central
from forecaster.diagnostics.record import Floats
from forecaster.report.backtest.tables import scrolled
from forecaster.report.formats import decimal, percentage

WORST: Final = 10
"""Sessions in the table."""

MODELS: Final = 3
"""Models in the table, beside the baseline: the first of the ranking."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a model had said of a session: mean forecast change, mean miss, and share of closes within its interval."""

    change: float
    miss: float
    held: float | None


@dataclass(frozen=True, slots=True)
class WorstDay:
    """A session: how many symbols it had, how their closes changed on average, and what models had said."""

    session: date
    symbols: int
    change: float
    said: Mapping[str, Said]


def worst_days(panel: Panel, models: Sequence[str], own: Mapping[str, Losses]) -> list[WorstDay]:
    """The sessions with the largest mean miss of the first of the models, the largest first.

    Args:
        panel: what was forecast.
        models: what to tell of each session; of several seeds, the mean.
        own: losses of these models.
    """
    count = panel.count
    miss = {name: panel.by_session(own[name].absolute) / count for name in models}
    change = panel.by_session(panel.change) / count
    said, held = {}, {}
    for name in models:
        several = [_said(panel, quantiles) for quantiles in panel.quantiles(name)]
        said[name] = np.mean([one for one, _ in several], axis=0)
        held[name] = np.mean([inside for _, inside in several], axis=0)
    worst = np.argsort(-miss[models[0]], kind="stable")[:WORST]
    return [
        WorstDay(
            session=panel.sessions[at].item(),
            symbols=int(count[at]),
            change=float(change[at]),
            said={
                name: Said(
                    float(said[name][at]),
                    float(miss[name][at]),
                    None if np.isnan(held[name][at]) else float(held[name][at]),
                )
                for name in models
            },
        )
        for at in worst.tolist()
    ]


def worst_table(days: Sequence[WorstDay], level: float | None) -> str:
    """The table, as HTML. `level`: of the interval that is told of."""
    models = list(days[0].said) if days else []
    heads = "".join(f"<th scope='col'>{escape(name)}</th>" for name in models)
    rows = "\n".join(
        f"<tr><th scope='row'>{day.session}<small>{day.symbols:,} symbol{'' if day.symbols == 1 else 's'}</small></th>"
        f"<td>{_signed(day.change)}</td>{''.join(_cell(day.said[name]) for name in models)}</tr>"
        for day in days
    )
    within = "" if level is None else f"; the share of closes within its {percentage(level, 0)} interval"
    return scrolled(
        f"What the model had forecast on average; its mean miss{within}",
        f"<thead><tr><th scope='col'>Session</th><th scope='col'>Closes, on average</th>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>",
    )


def _said(panel: Panel, quantiles: Floats) -> tuple[Floats, Floats]:
    count = panel.count
    pairs = central(panel.levels)
    if not pairs:
        return panel.by_session(panel.median(quantiles)) / count, np.full(count.shape, np.nan)
    low, high = pairs[-1]
    inside = (quantiles[:, low] <= panel.change) & (panel.change <= quantiles[:, high])
    return panel.by_session(panel.median(quantiles)) / count, panel.by_session(inside.astype(np.float64)) / count


def _cell(said: Said) -> str:
    held = "" if said.held is None else f"<small>{percentage(said.held, 0)} held</small>"
    return f"<td>{_signed(said.change)}<small>missed by {percentage(said.miss, 2)}</small>{held}</td>"


def _signed(change: float) -> str:
    return f"{'+' if change >= 0.00005 else ''}{decimal(100.0 * change, 2)} %"
