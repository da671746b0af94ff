"""What the charts are drawn with: a frame that maps data to the canvas, axes, paths and text.

Everything returns SVG text. Colours and font sizes are in `report.css`; sizes here are units of the viewBox.
All text is escaped here, so that no caller can forget to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecaster.diagnostics.record import Floats
from forecaster.report.formats import decimal

CHARACTER = 7.0
"""Generous width of one character at the charts' font sizes: the page cannot measure text."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EDGE = 30.0  # a label centred nearer to the plot's edge than this would be cut off


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot inside its canvas.

    Attributes:
        width, height: the canvas, which is the viewBox.
        left, right, top, bottom: edges of the plot.
        x_range, y_range: data values at the left and right edge, and at the bottom and top edge.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, values: Floats) -> Floats:
        """Data to horizontal positions, shape kept."""
        low, high = self.x_range
        return self.left + (values - low) * ((self.right - self.left) / (high - low))

    def y(self, values: Floats) -> Floats:
        """Data to vertical positions (they grow downward), shape kept."""
        low, high = self.y_range
        return self.bottom - (values - low) * ((self.bottom - self.top) / (high - low))

    def x_at(self, value: float) -> float:
        """One horizontal position."""
        return float(self.x(np.array(value)))

    def y_at(self, value: float) -> float:
        """One vertical position."""
        return float(self.y(np.array(value)))


def drawing(frame: Frame, css: str, label: str, parts: Sequence[str]) -> str:
    """An SVG that takes the width it is given.

    Args:
        frame: its canvas.
        css: classes.
        label: what a screen reader says instead of the picture.
        parts: SVG elements, last on top.
    """
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{css}" role="img" aria-label="{escape(label)}" '
        f'viewBox="0 0 {frame.width:g} {frame.height:g}" width="100%">{"".join(parts)}</svg>'
    )


def text(x: float, y: float, content: str, css: str = "tick", anchor: str = "start") -> str:
    """Escaped text at a point."""
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """A straight line."""
    return f'<line class="{css}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def box(x: float, y: float, width: float, height: float, css: str, title: str = "") -> str:
    """A rectangle; its title, if any, is shown when it is pointed at."""
    inside = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect class="{css}" x="{x:.1f}" y="{y:.2f}" width="{width:.1f}" height="{height:.2f}">{inside}</rect>'


def line(x: Floats, y: Floats, css: str) -> str:
    """A line through points on the canvas, `(n,)` each."""
    return f'<path class="{css}" d="M{_points(x, y)}"/>'


def area(x: Floats, upper: Floats, lower: Floats, css: str) -> str:
    """The area between two lines on the canvas, `(n,)` each."""
    return f'<path class="{css}" d="M{_points(x, upper)} {_points(x[::-1], lower[::-1])}Z"/>'


def legend(frame: Frame, entries: Sequence[tuple[str, str, str]]) -> str:
    """A row of keys above the plot.

    Args:
        frame: where.
        entries: shape (`line` or `area`), classes, and name of each.
    """
    parts, x, y = [], frame.left, frame.top - 16.0
    for shape, css, name in entries:
        if shape == "line":
            parts.append(rule(x, y, x + 18.0, y, css))
        else:
            parts.append(box(x, y - 5.0, 18.0, 10.0, css))
        parts.append(text(x + 23.0, y + 4.0, name, "key"))
        x += 23.0 + CHARACTER * len(name) + 12.0
    return "".join(parts)


def y_axis(frame: Frame, values: Sequence[float]) -> str:
    """Grid lines with their values at the left."""
    parts = []
    for value, label in zip(values, tick_labels(values), strict=True):
        y = frame.y_at(value)
        parts.append(rule(frame.left, y, frame.right, y, "grid"))
        parts.append(text(frame.left - 6.0, y + 4.0, label, anchor="end"))
    return "".join(parts)


def date_axis(frame: Frame, session: NDArray[np.datetime64], most: int) -> str:
    """Months below the plot, whose x is the position in `session`.

    Sessions are one step apart, whatever the days between them: a lag is counted in sessions.
    """
    parts = [rule(frame.left, frame.bottom, frame.right, frame.bottom, "axis")]
    free = -math.inf  # the end of the last label
    for position in date_ticks(session, most):
        day, x = session[position].item(), frame.x_at(position)
        anchor = "start" if x < frame.left + _EDGE else "end" if x > frame.right - _EDGE else "middle"
        label = f"{_MONTHS[day.month - 1]} {day.year}"
        width = CHARACTER * len(label)
        start = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
        if start >= free:
            parts.append(rule(x, frame.bottom, x, frame.bottom + 4.0, "axis"))
            parts.append(text(x, frame.bottom + 17.0, label, anchor=anchor))
            free = start + width
    return "".join(parts)


def date_ticks(session: NDArray[np.datetime64], most: int) -> list[int]:
    """Positions of the first sessions of months, of every few months, or of years: at most `most` of them."""
    months = session.astype("datetime64[M]").astype(np.int64)
    for length in (1, 2, 3, 6, 12, 24, 60, 120):
        starts = np.flatnonzero(np.diff(months // length)) + 1
        if starts.size <= most:
            # A span inside one period has no start: its first session says when it was.
            return [int(start) for start in starts] or [0]
    return [0]


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` + 1 round values in [low, high], evenly apart; `low` < `high`."""
    rough = (high - low) / most
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(size * magnitude for size in (1.0, 2.0, 2.5, 5.0, 10.0) if size * magnitude >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [step * position for position in range(first, last + 1)]


def tick_labels(values: Sequence[float]) -> list[str]:
    """Values with just as many decimals as their distance needs."""
    step = min((abs(b - a) for a, b in pairwise(values)), default=1.0)
    decimals = next((d for d in range(12) if math.isclose(round(step, d), step, rel_tol=1e-6)), 12)
    return [decimal(value, decimals) for value in values]


def padded(*series: NDArray[Any]) -> tuple[float, float]:
    """The range of all values with some air; never empty, even where nothing varies."""
    low, high = min(float(one.min()) for one in series), max(float(one.max()) for one in series)
    air = 0.04 * (high - low) or 0.01 * abs(high) or 1.0
    return low - air, high + air


def _points(x: Floats, y: Floats) -> str:
    return " ".join(f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
