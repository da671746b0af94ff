"""Models in the order of their pinball loss, each with its confidence interval."""

from __future__ import annotations

from collections.abc import Mapping

from forecaster.backtest.figures import Figures, ModelSummary, Summary
from forecaster.report import svg
from forecaster.report.backtest.marks import dot, short, usual, x_axis
from forecaster.report.charts import Canvas
from forecaster.report.formats import decimal
from forecaster.report.svg import Frame

_ROW = 30.0
_WORD = 60.0  # room for a word


def ranking(summary: Summary, colours: Mapping[str, str], canvas: Canvas) -> str:
    """A dot and a 95 % bar a model: its mean pinball loss by the baseline's. Assumes figures."""
    shown = [
        (one, one.figures) for one in summary.models if one.figures and one.figures.pinball_ratio.value is not None
    ]
    reach = usual([abs(_value(figures) - 1.0) for _, figures in shown]) or 0.01
    near = [figures for _, figures in shown if abs(_value(figures) - 1.0) <= reach]
    ends = [end for figures in near for end in _ends(figures)]
    # The baseline stays in sight, with room on both sides of it.
    low, high = (side(*ends, 1.0 + sign * 0.25 * reach) for side, sign in ((min, -1.0), (max, 1.0)))
    air = 0.04 * (high - low)
    low, high = low - air, high + air
    names = svg.CHARACTER * max(len(short(one.model)) for one, _ in shown)
    height = 34.0 + _ROW * len(shown) + 44.0
    frame = Frame(canvas.width, height, names + 16.0, canvas.width - 58.0, 34.0, height - 44.0, (low, high), (0.0, 1.0))
    scale = svg.ticks(low, high, 6 if canvas.hover else 4)
    naive = frame.x_at(1.0)
    parts = [
        x_axis(frame, scale, svg.tick_labels(scale)),
        svg.rule(naive, frame.top - 6.0, naive, frame.bottom, "zero"),
        svg.text(naive - 8.0, frame.top - 12.0, "← better", "note", "end") if naive - frame.left > _WORD else "",
        svg.text(naive + 8.0, frame.top - 12.0, "worse →", "note") if frame.right - naive > _WORD else "",
        svg.text(frame.right, frame.bottom + 36.0, f"pinball loss, {short(summary.baseline)} = 1", "key", "end"),
    ]
    for place, (one, figures) in enumerate(shown):
        y = frame.top + _ROW * (place + 0.5)
        parts += _mark(frame, y, one, figures, colours[one.model])
    told = "; ".join(f"{place}. {_told(one, figures)}" for place, (one, figures) in enumerate(shown, start=1))
    label = f"Models by pinball loss relative to {summary.baseline}, the best first: {told}."
    return svg.drawing(frame, f"chart {canvas.css}", label, parts)


def _mark(frame: Frame, y: float, one: ModelSummary, figures: Figures, css: str) -> list[str]:
    value = _value(figures)
    name = svg.text(frame.left - 10.0, y + 4.0, short(one.model), "key", "end")
    figure = svg.text(frame.width - 4.0, y + 4.0, decimal(value, 3), "value" if figures.may_be_best else "tick", "end")
    low, high = frame.x_range
    if not low <= value <= high:
        # Off the scale: an arrow at the edge says where to.
        x, arrow = (frame.right, "▸") if value > high else (frame.left, "◂")
        return [name, figure, svg.text(x, y + 5.0, arrow, f"arrow {css}", "end" if value > high else "start")]
    bar = ""
    if figures.pinball_ratio.interval is not None:
        a, b = figures.pinball_ratio.interval
        bar = svg.rule(frame.x_at(a), y, frame.x_at(b), y, f"whisker {css}")
    kind = "dot" if figures.may_be_best else "dot hollow"
    return [name, bar, dot(frame.x_at(value), y, 5.5, f"{kind} {css}", _told(one, figures)), figure]


def _told(one: ModelSummary, figures: Figures) -> str:
    interval = figures.pinball_ratio.interval
    sure = "" if interval is None else f" (95 % interval {decimal(interval[0], 3)} to {decimal(interval[1], 3)})"
    best = ", may be the best" if figures.may_be_best else ""
    return f"{one.model} {decimal(_value(figures), 3)}{sure}{best}"


def _ends(figures: Figures) -> tuple[float, ...]:
    return figures.pinball_ratio.interval or (_value(figures),)


def _value(figures: Figures) -> float:
    return figures.pinball_ratio.value or 0.0
