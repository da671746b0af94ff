"""The page: header, contents with each verdict, a section a symbol, definitions.

Whatever comes from outside (symbols, the model's label, verdicts) is escaped where it is put into the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import pandas as pd

from forecaster.bundle import Bundle
from forecaster.diagnostics.diagnostics import Diagnostics, insufficient
from forecaster.diagnostics.record import ForecastRecord
from forecaster.diagnostics.verdict import MIN_SESSIONS, VerdictCode, lag_text
from forecaster.diagnostics.wording import sessions
from forecaster.evidence import record_of
from forecaster.report import charts
from forecaster.report.definitions import DEFINITIONS, NOTATION, VERDICTS
from forecaster.report.document import document, figure
from forecaster.report.figures import Figure, tables
from forecaster.report.formats import price

_SIGNS: Final = {
    VerdictCode.BEATS_NAIVE: "▲",
    VerdictCode.NO_BETTER_THAN_NAIVE: "=",
    VerdictCode.WORSE_THAN_NAIVE: "▼",
    VerdictCode.ECHOES_YESTERDAY: "↻",
    VerdictCode.INSUFFICIENT_DATA: "?",
}
"""Beside the colour, so that nobody needs to tell colours apart."""


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
        sections.append(_section(number, symbol, one, record))
    return document(
        f"Diagnostics of {model_label}",
        _header(bundle, model_label, len(found)),
        [_contents(found), *sections],
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


def _contents(found: Sequence[tuple[str, Diagnostics]]) -> str:
    counts = Counter(one.verdict.code for _, one in found)
    tally = "".join(f"<li>{_badge(code)} <strong>{counts[code]}</strong></li>" for code in VerdictCode if counts[code])
    rows = "\n".join(
        f"<tr><th scope='row'><a href='#symbol-{number}'>{escape(symbol)}</a></th>"
        f"<td>{_badge(one.verdict.code)}</td><td>{escape(one.verdict.text)}</td></tr>"
        for number, (symbol, one) in enumerate(found, start=1)
    )
    return (
        "<nav id='contents' aria-labelledby='contents-title'>\n<h2 id='contents-title'>Verdicts</h2>\n"
        f"<ul class='tally'>{tally}</ul>\n<table class='contents'>\n<thead><tr><th scope='col'>Symbol</th>"
        "<th scope='col'>Verdict</th><th scope='col'>In words</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>\n</nav>"
    )


def _section(number: int, symbol: str, found: Diagnostics, record: ForecastRecord | None) -> str:
    span = f"{found.sample.first} to {found.sample.last}, " if found.sample else ""
    head = (
        f"<section id='symbol-{number}' class='symbol' aria-labelledby='title-{number}'>\n"
        f"<div class='head'><h2 id='title-{number}'>{escape(symbol)}</h2>{_badge(found.verdict.code)}"
        f"<span class='span'>{span}{sessions(found.sessions)}</span></div>\n"
        f"<p class='verdict'>{escape(found.verdict.text)}</p>\n"
    )
    if found.errors is None:
        body = (
            f"<p class='missing'>Nothing is drawn and no figure is given: with fewer than {MIN_SESSIONS} held-out "
            "sessions, a picture would show chance and look like knowledge.</p>\n"
        )
    else:
        body = (_pictures(symbol, found, record) if record else "") + _tables(tables(found))
    return f"{head}{body}<p class='back'><a href='#contents'>↑ all verdicts</a></p>\n</section>"


def _pictures(symbol: str, found: Diagnostics, record: ForecastRecord) -> str:
    shown = min(record.n, charts.SHOWN)
    prices = [charts.price_chart(symbol, record, canvas) for canvas in (charts.WIDE, charts.NARROW)]
    if record.n > shown:
        prices += [charts.overview(symbol, record, canvas) for canvas in (charts.WIDE, charts.NARROW)]
    last = "" if record.n == shown else ", and below them the whole span"
    pictures = figure(
        "large",
        "Close and forecast",
        prices,
        f"Adjusted prices of the last {sessions(shown)}{last}. Each forecast was made one session earlier. "
        "Where its line looks like the close's, moved to the right by one session, it repeats yesterday.",
    )
    if found.lag is not None:
        pictures += figure(
            "half",
            "How late",
            [charts.correlogram(symbol, found.lag)],
            "Each bar: how alike the forecast's changes and the close's changes of that many sessions before are. "
            "The highest bar at 0: on time; a bar at 1: the forecast repeats yesterday. "
            f"<strong>{escape(lag_text(found.lag))}</strong>",
        )
    total = float(charts.cumulative_difference(record)[-1])
    side = (
        "just as much as"
        if price(total) == price(0.0)
        else f"{price(abs(total))} {'less' if total < 0.0 else 'more'} than"
    )
    pictures += figure(
        "half",
        "Better or worse than yesterday's close",
        [charts.cumulative(symbol, record)],
        "The model's misses minus those of yesterday's close, added up session by session. Where the line falls, the "
        f"model is the better one. <strong>In the end it had missed by {side} yesterday's close, in the price's "
        "currency.</strong>",
    )
    return f"<div class='pictures'>\n{pictures}</div>\n"


def _tables(groups: Mapping[str, Sequence[Figure]]) -> str:
    return f"<div class='tables'>\n{''.join(_table(*group) for group in groups.items())}</div>\n"


def _table(question: str, figures: Sequence[Figure]) -> str:
    rows = "\n".join(
        f"<tr><th scope='row'>{escape(one.name)}<small>{escape(one.meaning)}</small></th>"
        f"<td>{escape(one.value)}<small>{escape(one.unit)}</small></td></tr>"
        for one in figures
    )
    return (
        f"<table>\n<caption>{escape(question)}</caption>\n<thead><tr><th scope='col'>Figure</th>"
        f"<th scope='col'>Value</th></tr></thead>\n<tbody>\n{rows}\n</tbody></table>\n"
    )


def _footer() -> str:
    verdicts = "".join(
        f"<tr><td>{_badge(code)}</td><td>{escape(meaning)}</td></tr>\n" for code, meaning in VERDICTS.items()
    )
    definitions = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(formula)}</td><td>{escape(source)}</td></tr>\n"
        for name, formula, source in DEFINITIONS
    )
    return (
        "<footer>\n<h2>What the words mean</h2>\n<table class='words'>\n<thead><tr><th scope='col'>Verdict</th>"
        f"<th scope='col'>When</th></tr></thead>\n<tbody>\n{verdicts}</tbody></table>\n"
        f"<h2>How each figure is defined</h2>\n<p>{escape(NOTATION)}</p>\n<table class='words'>\n<thead><tr>"
        "<th scope='col'>Figure</th><th scope='col'>Definition</th><th scope='col'>Source</th></tr></thead>\n"
        f"<tbody>\n{definitions}</tbody></table>\n</footer>"
    )


def _badge(code: VerdictCode) -> str:
    words = code.value.replace("_", " ")
    return (
        f"<span class='badge {code.value}' title='{code.value}'><span aria-hidden='true'>{_SIGNS[code]}</span> "
        f"{words}</span>"
    )
