"""The page of a backtest: header, lead, sections, definitions.

Whatever comes from outside (models, symbols, facts) is escaped where it is put into the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from forecaster.backtest.figures import Summary
from forecaster.backtest.panel import make_panel
from forecaster.backtest.printed import sentences
from forecaster.backtest.scores import losses, mean_losses
from forecaster.diagnostics.verdict import MIN_SESSIONS
from forecaster.report.backtest.facts import fact_table, failures
from forecaster.report.backtest.marks import colours, unbroken
from forecaster.report.backtest.sections import (
    Seen,
    calibration_part,
    delay_part,
    part,
    quarter_part,
    race_part,
    ranking_part,
    story_part,
    verdict_part,
    worst_part,
)
from forecaster.report.backtest.tables import definition_table
from forecaster.report.document import document


def backtest_html(
    table: pd.DataFrame,
    summary: Summary,
    facts: Mapping[str, Any],
    *,
    heading: str = "Backtest",
    symbols: Sequence[str] = (),
) -> str:
    """A backtest as one self-contained HTML page.

    Args:
        table: of forecasts, as `summarise` took it.
        summary: what `summarise` made of it.
        facts: what the backtest was made of: those of `forecaster.backtest.facts`, or any texts by name.
        heading: of the page.
        symbols: whose close and forecast are drawn, the first `STORIES`; none takes typical ones.

    Raises:
        BadTable: the table is not as described.
    """
    ranked = [one.model for one in summary.models]
    colour = colours(ranked, summary.baseline)
    parts = [verdict_part(summary, colour)]
    if summary.sufficient:
        panel = make_panel(table, summary.levels)
        own = {name: mean_losses([losses(panel, one) for one in panel.quantiles(name)]) for name in ranked}
        figures = {one.model: one.figures for one in summary.models if one.figures is not None}
        seen = Seen(summary, figures, panel, own, colour)
        parts = [
            ranking_part(seen),
            *parts,
            race_part(seen),
            story_part(seen, symbols),
            delay_part(seen),
            calibration_part(seen),
            quarter_part(seen),
            worst_part(seen),
        ]
    if facts:
        parts.append(part("made", "How this was made", fact_table(facts)))
    return document(heading, _header(summary, heading, failures(facts)), parts, _footer(), styles=("backtest.css",))


def _header(summary: Summary, heading: str, failed: Sequence[str]) -> str:
    entries = {
        "Sessions": f"{summary.first} to {summary.last}, {summary.sessions:,}",
        "Symbols": f"{summary.symbols:,}",
        "Forecasts of each model": f"{summary.forecasts:,}",
        "Models": f"{len(summary.models)}",
    }
    listed = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in entries.items())
    first, *others = sentences(summary)
    missing = (
        ""
        if summary.sufficient
        else f"<p class='missing'>Nothing is drawn and no figure is given: with fewer than {MIN_SESSIONS} sessions, a "
        "picture would show chance and look like knowledge.</p>\n"
    )
    if failed:
        told = "<br>".join(unbroken(one) for one in failed)
        missing += f"<p class='missing'><strong>Incomplete.</strong> What failed is not on this page:<br>{told}</p>\n"
    return (
        f"<header>\n<p class='kicker'>Rolling-origin backtest</p>\n<h1>{escape(heading)}</h1>\n<dl>{listed}</dl>\n"
        f"<p class='lead answer'>{unbroken(first)}</p>\n"
        + "".join(f"<p class='lead'>{unbroken(one)}</p>\n" for one in others)
        + f"{missing}</header>"
    )


def _footer() -> str:
    return f"<footer>\n<h2>How each figure is defined</h2>\n{definition_table()}</footer>"
