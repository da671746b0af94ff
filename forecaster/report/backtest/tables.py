"""The figures of all models as tables, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Final

from forecaster.backtest.contest import SIZE, Comparison
from forecaster.backtest.estimates import Estimate
from forecaster.backtest.figures import Figures, ModelSummary, Summary
from forecaster.diagnostics.wording import p_cell, p_value, share
from forecaster.report.backtest.marks import swatch, unbroken
from forecaster.report.badge import badges
from forecaster.report.formats import MINUS, decimal, percentage

NONE: Final = "\N{EN DASH}"

DEFINITIONS: Final = tuple(
    (name, re.sub("(?<=[1apqr)] )-(?= )", MINUS, meaning), source)
    for name, meaning, source in (
        (
            "r, p",
            "What the close did, and what the median said it would do, relative to the last close; so all prices weigh "
            "the same.",
            "",
        ),
        ("MAE, RMSE", "Mean |p - r|, and root of the mean (p - r)², by the baseline's.", ""),
        ("R²", "1 - sum (r - p)² / sum r², out of sample: against the last close.", "Campbell & Thompson 2008"),
        ("Direction", "Share of right signs among closes that changed; a forecast of no change counts one half.", ""),
        (
            "Pinball loss",
            "Mean over levels a of a (r - q) where r is above the quantile q, else (1 - a) (q - r): one figure for the "
            "whole distribution. By the baseline's.",
            "Koenker & Bassett 1978",
        ),
        (
            "IC, RankIC, ICIR",
            "Correlation (of ranks) of p and r across the symbols of a day, averaged over days; ICIR: its mean by its "
            "standard deviation over days, of RankIC.",
            "Grinold & Kahn 2000",
        ),
        (
            "Standard errors",
            "Of ratios of totals of sessions, as the symbols of a session move together, with autocorrelation over "
            "sessions allowed for. 95 % intervals: 1.96 of them to each side.",
            "Newey & West 1987, 1994",
        ),
        (
            "p",
            "That two mean losses of sessions differ by chance only.",
            "Diebold & Mariano 1995; Harvey, Leybourne & Newbold 1997",
        ),
        (
            "May be the best",
            "The model confidence set: it holds the model with the smallest expected pinball loss with "
            f"{share(1.0 - SIZE)} confidence.",
            "Hansen, Lunde & Nason 2011",
        ),
        (
            "Symbols better",
            "Symbols on which the mean absolute error is smaller than the baseline's with p < 0.05; then those that "
            "remain when all tests are allowed for.",
            "Benjamini & Hochberg 1995",
        ),
        (
            "Delay",
            "Correlation of the forecast's changes from session to session with those of the close k sessions before, "
            "for each symbol.",
            "Box & Jenkins 1970, ch. 11",
        ),
    )
)
"""Name, definition, source (empty where it needs none)."""


def point_table(summary: Summary, colours: Mapping[str, str]) -> str:
    """How good the medians were."""
    heads = ("MAE", "p", "RMSE", "R²", "Direction", "RankIC", "ICIR", "Symbols better")
    return _table(
        f"The point forecast (median); MAE and RMSE divided by those of {summary.baseline}",
        heads,
        summary,
        colours,
        _point,
    )


def spread_table(summary: Summary, colours: Mapping[str, str]) -> str:
    """How good the quantiles were."""
    levels = [one.level for figures in _first(summary) for one in figures.intervals]
    heads = ("Pinball loss", "p", "p, against the first", "May be the best", *(f"{share(one)} held" for one in levels))
    return _table(
        f"The whole distribution (quantiles); pinball loss divided by that of {summary.baseline}",
        heads,
        summary,
        colours,
        _spread,
    )


def verdict_table(summary: Summary, colours: Mapping[str, str]) -> str:
    """What is to be said of each model."""
    rows = "\n".join(
        f"<tr>{_name(one, colours)}<td>{badges(one.verdict.codes or (one.verdict.code,))}</td>"
        f"<td>{unbroken(one.verdict.text)}{_chinese(one.verdict.text_zh)}</td></tr>"
        for one in summary.models
    )
    return (
        "<table class='contents'>\n<thead><tr><th scope='col'>Model</th><th scope='col'>Verdict</th>"
        f"<th scope='col'>In words</th></tr></thead>\n<tbody>\n{rows}\n</tbody></table>\n"
    )


def definition_table() -> str:
    """How each figure is defined."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(meaning)}</td><td>{escape(source)}</td></tr>\n"
        for name, meaning, source in DEFINITIONS
    )
    return (
        "<table class='words'>\n<thead><tr><th scope='col'>Figure</th><th scope='col'>Definition</th>"
        f"<th scope='col'>Source</th></tr></thead>\n<tbody>\n{rows}</tbody></table>\n"
    )


def _table(
    caption: str,
    heads: Sequence[str],
    summary: Summary,
    colours: Mapping[str, str],
    cells: Callable[[Figures], list[str]],
) -> str:
    rows = "\n".join(
        f"<tr>{_name(one, colours)}{''.join(f'<td>{cell}</td>' for cell in cells(one.figures))}</tr>"
        for one in summary.models
        if one.figures is not None
    )
    columns = "".join(f"<th scope='col'>{escape(head)}</th>" for head in ("Model", *heads))
    return scrolled(caption, f"<thead><tr>{columns}</tr></thead>\n<tbody>\n{rows}\n</tbody>")


def scrolled(caption: str, rows: str) -> str:
    """A wide table below its title; on a narrow screen the table is moved sideways, and the title is not.

    Args:
        caption: plain text.
        rows: HTML.
    """
    said = escape(caption)
    return (
        f"<h3>{said}</h3>\n<div class='scroll' tabindex='0' role='region' aria-label='{said}'>"
        f"<table class='figures'>\n{rows}</table></div>\n"
    )


def _point(figures: Figures) -> list[str]:
    tests, ranks, won, seeds = figures.against_baseline, figures.ranks, figures.winners, figures.over_seeds
    return [
        _with_error(figures.mae_ratio, 4, seeds.get("mae_ratio")),
        _p(tests.absolute if tests else None),
        _with_error(figures.rmse_ratio, 4, seeds.get("rmse_ratio")),
        _with_error(figures.r2, 4, seeds.get("r2")),
        _with_error(figures.directional_accuracy, 3, seeds.get("directional_accuracy")),
        NONE if ranks is None else _with_error(Estimate(ranks.rank_ic, ranks.rank_ic_error), 3, seeds.get("rank_ic")),
        NONE if ranks is None or ranks.rank_icir is None else decimal(ranks.rank_icir, 2),
        NONE if won is None or not won.tested else f"{won.beat} of {won.tested}<small>{won.remain} remain</small>",
    ]


def _spread(figures: Figures) -> list[str]:
    tests, first = figures.against_baseline, figures.against_best
    seeds = figures.over_seeds
    return [
        _with_error(figures.pinball_ratio, 4, seeds.get("pinball_ratio")),
        _p(tests.pinball if tests else None),
        _p(first.pinball if first else None),
        f"{'yes' if figures.may_be_best else 'no'}<small>{p_value(figures.confidence)}</small>",
        *(
            NONE
            if one.observed.value is None
            else f"{percentage(one.observed.value)}<small>{_width(one.width)}</small>"
            for one in figures.intervals
        ),
    ]


def _first(summary: Summary) -> list[Figures]:
    return [one.figures for one in summary.models if one.figures is not None][:1]


def _chinese(text: str) -> str:
    return f"<p class='zh' lang='zh-Hans'>{unbroken(text)}</p>" if text else ""


def _name(one: ModelSummary, colours: Mapping[str, str]) -> str:
    seeds = f"<small>{one.seeds} seeds</small>" if one.seeds > 1 else ""
    return f"<th scope='row'>{swatch(colours[one.model])}{escape(one.model)}{seeds}</th>"


def _with_error(found: Estimate, digits: int, over_seeds: float | None) -> str:
    if found.value is None:
        return NONE
    sure = "" if found.error is None else f"<small>± {decimal(found.error, digits)}</small>"
    seeds = "" if over_seeds is None else f"<small>± {decimal(over_seeds, digits)} over seeds</small>"
    return f"{decimal(found.value, digits)}{sure}{seeds}"


def _width(found: Estimate) -> str:
    return "" if found.value is None else f"{percentage(found.value)} wide"


def _p(test: Comparison | None) -> str:
    return NONE if test is None else escape(p_cell(test.p_value))
