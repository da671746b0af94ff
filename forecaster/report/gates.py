"""The page of a network at work: what it saw, what its forecast depends on, and each layer's gates as heat maps."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import islice
from typing import Final

from forecaster.diagnostics.wording import sessions
from forecaster.gates import RANGES, SATURATED, Inside, Layer, memory_text, saturation
from forecaster.report import heatmap, window
from forecaster.report.charts import NARROW, WIDE
from forecaster.report.document import document, figure
from forecaster.report.formats import decimal, percentage
from forecaster.sensitivity import SHARE
from forecaster.spec import ModelSpec

_MEANINGS: Final = {
    "input": "How much of the candidate is written into the cell state.",
    "forget": "How much of the cell state is kept: 1 remembers, 0 forgets.",
    "output": "How much of the cell state the unit shows.",
    "candidate": "What the session would write.",
    "cell": "The memory: what is kept of the past and what the session wrote.",
    "hidden": "What the layer passes on.",
    "update": "How much of the hidden state is kept: 1 remembers, 0 takes the candidate.",
    "reset": "How much of the hidden state the candidate gets to see.",
}
_NAMES: Final = {"candidate": "candidate", "cell": "cell state", "hidden": "hidden state"}
_UNITS: Final = 5


def gates_html(inside: Inside, spec: ModelSpec, model_label: str) -> str:
    """A self-contained HTML page.

    Args:
        inside: what to show.
        spec: of the network.
        model_label: what the model is called, for example "next-close version 3".
    """
    return document(
        f"Inside {model_label}: {inside.symbol}",
        _header(inside, spec, model_label),
        [_window(inside), *(_layer(number, inside, layer) for number, layer in enumerate(inside.layers))],
        _footer(),
        styles=["gates.css"],
    )


def _header(inside: Inside, spec: ModelSpec, model_label: str) -> str:
    facts = {
        "Model": model_label,
        "Network": f"{spec.cell}, units: {' + '.join(map(str, spec.units))}"
        + (", bidirectional" if spec.bidirectional else "")
        + (", attention" if spec.attention else ""),
        "Window": f"{inside.session[0]} to {inside.session[-1]}, {sessions(len(inside.session))}",
        "Effective memory": "none" if inside.memory is None else sessions(inside.memory),
    }
    entries = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    return (
        f"<header>\n<p class='kicker'>Inside the network</p>\n<h1>{escape(inside.symbol)}</h1>\n<dl>{entries}</dl>\n"
        f"<p class='lead'>{escape(memory_text(inside))}</p>\n</header>"
    )


def _window(inside: Inside) -> str:
    attended = (
        ""
        if inside.attention is None
        else " The line is the attention: the weight that the network gives each session."
    )
    pictures = figure(
        "large",
        "What the forecast depends on",
        [draw(inside, canvas) for canvas in (WIDE, NARROW) for draw in (window.closes, window.dependence)],
        "Above, the adjusted close over the window. Below it, each session's share of the forecast's sensitivity in "
        "percent: how "
        "strongly its quantiles would move if that session's inputs moved a little. The sessions of the effective "
        f"memory are highlighted.{attended}",
    )
    pictures += figure(
        "large",
        "What the network saw",
        [window.inputs(inside, canvas) for canvas in (WIDE, NARROW)],
        "Each input of each session as the network gets it. Full colour is a size of 1, or the largest in the row "
        "where that is more.",
    )
    return (
        "<section class='symbol' aria-labelledby='title-window'>\n"
        "<div class='head'><h2 id='title-window'>The window</h2></div>\n"
        f"<div class='pictures'>\n{pictures}</div>\n</section>"
    )


def _layer(number: int, inside: Inside, layer: Layer) -> str:
    """The section of one layer in one direction."""
    _, keeps = window.order(layer)
    rows = "Each row is a unit" if layer.units <= heatmap.ROWS else f"Each of {heatmap.ROWS} rows is a group of units"
    pictures = "".join(
        figure("half", _title(trace), [window.units(inside, layer, trace)], escape(_MEANINGS[trace]))
        for trace in layer.traces
    )
    return (
        f"<section class='symbol layer' aria-labelledby='title-{number}'>\n"
        f"<div class='head'><h2 id='title-{number}'>Layer {layer.position}, {escape(layer.direction)}</h2>"
        f"<span class='span'>{layer.size}</span></div>\n"
        f"<p>{rows}, in the same order in every picture: the larger the mean {_title(keeps)} over the window, the "
        "higher.</p>\n"
        f"<div class='pictures'>\n{pictures}</div>\n{_saturations(layer)}</section>"
    )


def _saturations(layer: Layer) -> str:
    rows = "\n".join(
        f"<tr><th scope='row'>{_title(one.trace)}</th><td>{_near(RANGES[one.trace][0], one.low)}</td>"
        f"<td>{_near(RANGES[one.trace][1], one.high)}</td>"
        f"<td>{_often(one.units.items())}</td></tr>"
        for one in saturation(layer)
    )
    return (
        f"<table class='words'>\n<caption>Saturation: how often units are within {SATURATED:g} of an end</caption>\n"
        "<thead><tr><th scope='col'>Trace</th><th scope='col'>Low end</th><th scope='col'>High end</th>"
        "<th scope='col'>Units that are most often</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>\n"
    )


def _near(end: float, share: float) -> str:
    return f"near {decimal(end, 0)}: {percentage(share, 0)}"


def _title(trace: str) -> str:
    return _NAMES.get(trace, f"{trace} gate")


def _often(units: Iterable[tuple[int, float]]) -> str:
    return ", ".join(f"{unit} ({percentage(often, 0)})" for unit, often in islice(units, _UNITS)) or "none"


def _footer() -> str:
    return (
        "<footer>\n<h2>How to read this</h2>\n<p>A gate is a number between 0, shut, and 1, open, for each unit and "
        "session. States and candidates have a sign: blue is above zero, orange below. The colours' ends stand above "
        f"each picture. Within {SATURATED:g} of an end a gate is saturated: it no longer weighs, it switches "
        "(Karpathy, Johnson &amp; Fei-Fei 2015).</p>\n<p>Sensitivity of a session: the square root of the sum of "
        "squared derivatives of every quantile, as the network gives it, with respect to that session's inputs, as the "
        f"network gets them. Effective memory: the fewest newest sessions that hold {percentage(SHARE, 0)} of all "
        "(after Bengio, Simard &amp; Frasconi 1994; Pascanu, Mikolov &amp; Bengio 2013).</p>\n</footer>"
    )
