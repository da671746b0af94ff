"""What the page says of one symbol: verdict, pictures, tables. Symbols and texts are escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from forecaster.diagnostics.diagnostics import Diagnostics
from forecaster.diagnostics.record import ForecastRecord
from forecaster.diagnostics.verdict import MIN_SESSIONS, lag_text
from forecaster.diagnostics.wording import sessions
from forecaster.report import charts
from forecaster.report.badge import badges
from forecaster.report.calibration import BAND, by_interval, calibration
from forecaster.report.document import figure
from forecaster.report.figures import Figure, tables
from forecaster.report.formats import percentage, price
from forecaster.report.worst import worst_days


def section(number: int, symbol: str, found: Diagnostics, record: ForecastRecord | None) -> str:
    """One symbol as a section of the page.

    Args:
        number: its place on the page, from 1.
        symbol: its name.
        found: its diagnostics.
        record: its forecasts, for the pictures; None where it has none or too few.
    """
    span = f"{found.sample.first} to {found.sample.last}, " if found.sample else ""
    codes = found.verdict.codes or (found.verdict.code,)
    head = (
        f"<section id='symbol-{number}' class='symbol' aria-labelledby='title-{number}'>\n"
        f"<div class='head'><h2 id='title-{number}'>{escape(symbol)}</h2>{badges(codes)}"
        f"<span class='span'>{span}{sessions(found.sessions)}</span></div>\n"
        f"<p class='verdict'>{escape(found.verdict.text)}</p>\n{_chinese(found.verdict.text_zh)}"
    )
    if found.errors is None:
        body = (
            f"<p class='missing'>Nothing is drawn and no figure is given: with fewer than {MIN_SESSIONS} held-out "
            "sessions, a picture would show chance and look like knowledge.</p>\n"
        )
    else:
        body = (_pictures(symbol, found, record) if record else "") + _tables(tables(found))
    return f"{head}{body}<p class='back'><a href='#contents'>↑ all verdicts</a></p>\n</section>"


def _chinese(text: str) -> str:
    return f"<p class='zh' lang='zh-Hans'>{escape(text)}</p>\n" if text else ""


def _pictures(symbol: str, found: Diagnostics, record: ForecastRecord) -> str:
    pictures = [_prices(symbol, record)]
    if found.lag is not None:
        caption = (
            "Each bar: how alike the forecast's changes and the close's changes of that many sessions before are. "
            "The highest bar at 0: on time; a bar at 1: the forecast repeats yesterday. "
            f"<strong>{escape(lag_text(found.lag))}</strong>"
        )
        pictures.append(figure("half", "How late", [charts.correlogram(symbol, found.lag)], caption))
    pictures.append(_cumulative(symbol, record))
    if found.coverage is not None and (levels := found.coverage.levels):
        caption = (
            "Each mark: an interval. On the dashed line it holds just what it promises, below it too little. In the "
            f"band lie {percentage(BAND, 0)} of honest ones. {by_interval(levels)}"
        )
        drawn = [calibration(symbol, levels, record.n)]
        pictures.append(figure("half", "Promised and kept", drawn, caption))
    caption = (
        "The largest misses, relative to the close before. Where yesterday's close missed by as much, the price moved "
        "by what neither of them knew."
    )
    pictures.append(figure("half", "Worst days", [worst_days(record)], caption))
    return f"<div class='pictures'>\n{''.join(pictures)}</div>\n"


def _prices(symbol: str, record: ForecastRecord) -> str:
    shown = min(record.n, charts.SHOWN)
    drawn = [charts.price_chart(symbol, record, canvas) for canvas in (charts.WIDE, charts.NARROW)]
    if record.n > shown:
        drawn += [charts.overview(symbol, record, canvas) for canvas in (charts.WIDE, charts.NARROW)]
    last = "" if record.n == shown else ", and below them the whole span"
    caption = (
        f"Adjusted prices of the last {sessions(shown)}{last}. Each forecast was made one session earlier. "
        "Where its line looks like the close's, moved to the right by one session, it repeats yesterday."
    )
    return figure("large", "Close and forecast", drawn, caption)


def _cumulative(symbol: str, record: ForecastRecord) -> str:
    total = float(charts.cumulative_difference(record)[-1])
    side = (
        "just as much as"
        if price(total) == price(0.0)
        else f"{price(abs(total))} {'less' if total < 0.0 else 'more'} than"
    )
    caption = (
        "The model's misses minus those of yesterday's close, added up session by session. Where the line falls, the "
        f"model is the better one. <strong>In the end it had missed by {side} yesterday's close, in the price's "
        "currency.</strong>"
    )
    return figure("half", "Better or worse than yesterday's close", [charts.cumulative(symbol, record)], caption)


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
