"""Whose losses added up to less than the baseline's, session by session."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from forecaster.diagnostics.record import Floats
from forecaster.diagnostics.wording import sessions
from forecaster.report import svg
from forecaster.report.backtest.marks import apart, short, usual
from forecaster.report.charts import Canvas
from forecaster.report.formats import MINUS, decimal
from forecaster.report.svg import Frame

POINTS: Final = 600
"""Points of a line; with more, neighbours would lie on the same pixel."""

LABEL: Final = 15.0
"""Height of a line of text."""


def race(
    days: np.ndarray[tuple[int], np.dtype[np.datetime64]],
    totals: Mapping[str, Floats],
    colours: Mapping[str, str],
    canvas: Canvas,
    *,
    loss: str,
    baseline: str,
) -> str:
    """One line a model: its loss less the baseline's, added up; below zero is better.

    Args:
        days: `(T,)` sessions.
        totals: `(T + 1,)` for each model, from zero; in percent of the last close.
        colours: class by model.
        canvas: what to draw on.
        loss: what is added up, for the label.
        baseline: its name.
    """
    reach = usual([float(np.abs(total).max()) for total in totals.values()]) or 1.0
    low = max(min(float(total.min()) for total in totals.values()), -1.3 * reach)
    high = min(max(float(total.max()) for total in totals.values()), 1.3 * reach)
    low, high = min(low, -0.2 * reach) - 0.05 * reach, max(high, 0.2 * reach) + 0.05 * reach
    scale = svg.ticks(low, high)
    left = 12.0 + svg.CHARACTER * max(len(label) for label in svg.tick_labels(scale))
    ends = {name: f"{short(name)} {_signed(float(total[-1]))}" for name, total in totals.items()}
    right = canvas.width - 18.0 - svg.CHARACTER * max(map(len, ends.values()), default=0)
    count = days.size
    frame = Frame(
        canvas.width, canvas.height, left, right, 34.0, canvas.height - 26.0, (-1.0, count - 1.0), (low, high)
    )
    chosen = np.unique(np.linspace(0, count, min(count + 1, POINTS)).round().astype(np.int64))
    x = frame.x(chosen.astype(np.float64) - 1.0)
    zero = frame.y_at(0.0)
    parts = [
        svg.y_axis(frame, scale),
        svg.rule(frame.left, zero, frame.right, zero, "zero"),
        svg.date_axis(frame, days, canvas.dates),
        svg.text(frame.left, frame.top - 18.0, "added up, in % of the price", "key"),
        svg.text(frame.left + 6.0, frame.top + 12.0, f"above zero: worse than {short(baseline)}", "note"),
        svg.text(frame.left + 6.0, frame.bottom - 7.0, f"below zero: better than {short(baseline)}", "note"),
    ]
    heights = [min(max(frame.y_at(float(total[-1])), frame.top), frame.bottom) for total in totals.values()]
    places = apart(heights, LABEL, frame.top, frame.bottom)
    for (name, total), height, place in zip(totals.items(), heights, places, strict=True):
        inside = (total[chosen] >= low) & (total[chosen] <= high)
        # A line that leaves the picture ends there; its label says where it went.
        last = chosen.size if inside.all() else int((~inside).argmax())
        parts.append(svg.line(x[:last], frame.y(total[chosen[:last]]), f"run {colours[name]}") if last else "")
        parts.append(svg.rule(frame.right + 2.0, height, frame.right + 12.0, place, f"lead {colours[name]}"))
        parts.append(svg.text(frame.right + 15.0, place + 4.0, ends[name], "key"))
    told = "; ".join(f"{name} {_signed(float(total[-1]))} %" for name, total in totals.items())
    label = (
        f"{loss} less that of {baseline}, added up over {sessions(count)}; it ends at: {told}. Below zero is better."
    )
    return svg.drawing(frame, f"chart {canvas.css}", label, parts)


def _signed(value: float) -> str:
    digits = 1 if abs(value) < 1.0 or not math.isfinite(value) else 0
    text = decimal(value, digits)
    return text if text.startswith(MINUS) or not text.strip("0.") else f"+{text}"
