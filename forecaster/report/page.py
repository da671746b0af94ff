"""The page: header, contents with each verdict, a section a symbol, definitions.

Whatever comes from outside (symbols, the model's label, verdicts) is escaped where it is put into the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

import pandas as pd

from forecaster.bundle import Bundle
from forecaster.diagnostics.diagnostics import Diagnostics, insufficient
from forecaster.diagnostics.universe import Universe, universe, universe_text
from forecaster.diagnostics.verdict import VerdictCode
from forecaster.diagnostics.wording import sessions
from forecaster.evidence import record_of
from forecaster.report.badge import badge
from forecaster.report.definitions import DEFINITIONS, NOTATION, ORDER, VERDICTS
from forecaster.report.document import document
from forecaster.report.section import section


def report_html(symbols: Sequence[str], bundle: Bundle, evidence: pd.DataFrame, model_label: str) -> str:
    """The diagnostics of some symbols as one self-contained HTML page.

    Args:
        symbols: in the order of the page; one that the model was not judged on has insufficient data.
        bundle: the model; its manifest holds the figures.
        evidence: its held-out forecasts (see `forecaster.evidence`), for the charts.
        model_label: what the model is called, for example "next-close version 3".
    """
    known = bundle.diagnostics()
    found = [(symbol, known.get(symbol, insufficient())) for symbol in symbols]
    # One pass: filtering the table again for each symbol would take minutes for a whole market.
    rows = {str(symbol): own for symbol, own in evidence[evidence["symbol"].isin(symbols)].groupby("symbol")}
    levels = bundle.spec.quantiles
    sections = []
    for number, (symbol, one) in enumerate(found, start=1):
        own = rows.get(symbol) if one.errors else None
        record = None if own is None else record_of(own, symbol, levels)
        sections.append(section(number, symbol, one, record))
    return document(
        f"Diagnostics of {model_label}",
        _header(bundle, model_label, len(found)),
        [_contents(found, universe(known, evidence)), *sections],
        _footer(),
    )


def _header(bundle: Bundle, model_label: str, symbols: int) -> str:
    training, spec = bundle.manifest["training"], bundle.spec
    facts = {
        "Trained through": bundle.trained_through,
        "Judged on": f"{training['held_out_from']} to {training['held_out_to']}",
        "Symbols": str(symbols),
        "Network": f"{spec.cell}, {' + '.join(map(str, spec.units))} units, looks back {sessions(spec.lookback)}",
    }
    entries = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    return (
        f"<header>\n<p class='kicker'>Forecast diagnostics</p>\n<h1>{escape(model_label)}</h1>\n<dl>{entries}</dl>\n"
        "<p class='lead'>How wrong and how late were its forecasts, and did they beat the one that costs nothing: "
        "<em>tomorrow's close will be today's</em>? Every session counted here came after all that the model was "
        "trained on.</p>\n</header>"
    )


def _contents(found: Sequence[tuple[str, Diagnostics]], whole: Universe | None) -> str:
    counts = Counter(one.verdict.code for _, one in found)
    tally = "".join(f"<li>{badge(code)} <strong>{counts[code]}</strong></li>" for code in VerdictCode if counts[code])
    line = f"<p class='universe'>{escape(universe_text(whole))}</p>\n" if whole else ""
    rows = "\n".join(
        f"<tr><th scope='row'><a href='#symbol-{number}'>{escape(symbol)}</a></th>"
        f"<td>{badge(one.verdict.code)}</td><td>{escape(one.verdict.text)}</td></tr>"
        for number, (symbol, one) in enumerate(found, start=1)
    )
    return (
        "<nav id='contents' aria-labelledby='contents-title'>\n<h2 id='contents-title'>Verdicts</h2>\n"
        f"<ul class='tally'>{tally}</ul>\n{line}<table class='contents'>\n<thead><tr><th scope='col'>Symbol</th>"
        "<th scope='col'>Verdict</th><th scope='col'>In words</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>\n</nav>"
    )


def _footer() -> str:
    verdicts = "".join(
        f"<tr><td>{badge(code)}</td><td>{escape(meaning)}</td></tr>\n" for code, meaning in VERDICTS.items()
    )
    definitions = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(formula)}</td><td>{escape(source)}</td></tr>\n"
        for name, formula, source in DEFINITIONS
    )
    return (
        f"<footer>\n<h2>What the words mean</h2>\n<p>{escape(ORDER)}</p>\n<table class='words'>\n<thead><tr>"
        f"<th scope='col'>Verdict</th><th scope='col'>When</th></tr></thead>\n<tbody>\n{verdicts}</tbody></table>\n"
        f"<h2>How each figure is defined</h2>\n<p>{escape(NOTATION)}</p>\n<table class='words'>\n<thead><tr>"
        "<th scope='col'>Figure</th><th scope='col'>Definition</th><th scope='col'>Source</th></tr></thead>\n"
        f"<tbody>\n{definitions}</tbody></table>\n</footer>"
    )
