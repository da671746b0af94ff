"""The pictures of one symbol. Each is a pure function that returns one SVG.

Text in an SVG shrinks with it. What needs a wide screen is therefore drawn for two canvases, `WIDE` and `NARROW`,
and the style sheet shows the one that fits. All assume a record that is long enough to have figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecaster.diagnostics.lag import Lag
from forecaster.diagnostics.record import Floats, ForecastRecord
from forecaster.diagnostics.verdict import ECHO
from forecaster.diagnostics.wording import sessions
from forecaster.report import svg
from forecaster.report.formats import decimal, percentage, price, signed_price
from forecaster.report.svg import Frame

SHOWN: Final = 120
"""Sessions in the large chart: half a year, at which a delay of one session can still be seen."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a chart is drawn on.

    Attributes:
        css: the class by which the style sheet shows or hides it.
        width: of the viewBox.
        height: of the viewBox, for the large chart.
        dates: how many dates fit below the plot.
        hover: whether each session tells its figures when it is pointed at.
    """

    css: str
    width: float
    height: float
    dates: int
    hover: bool


WIDE: Final = Canvas("wide", 960.0, 340.0, 8, True)
NARROW: Final = Canvas("narrow", 400.0, 290.0, 4, False)
HALF: Final = Canvas("half", 400.0, 250.0, 4, False)
"""Two of these stand side by side on a wide screen."""

_ABOVE, _BELOW, _RIGHT = 34.0, 26.0, 8.0


def price_chart(symbol: str, record: ForecastRecord, canvas: Canvas) -> str:
    """Close and forecast of the last `SHOWN` sessions, the interval as a band."""
    recent = slice(-SHOWN, None)
    session, actual, forecast = record.session[recent], record.actual[recent], record.forecast[recent]
    lower, upper = record.lower[recent], record.upper[recent]
    low, high = svg.padded(actual, forecast, lower, upper)
    scale = svg.ticks(low, high)
    n = session.size
    frame = _frame(canvas, canvas.height, scale, (0.0, n - 1.0), (low, high))
    x = frame.x(np.arange(n, dtype=np.float64))
    interval = f"{percentage(record.level, 0)} interval"
    parts = [
        svg.y_axis(frame, scale),
        svg.date_axis(frame, session, canvas.dates),
        svg.area(x, frame.y(upper), frame.y(lower), "band"),
        svg.line(x, frame.y(actual), "actual"),
        svg.line(x, frame.y(forecast), "forecast"),
        svg.legend(
            frame, [("line", "actual", "actual close"), ("line", "forecast", "forecast"), ("area", "band", interval)]
        ),
    ]
    if canvas.hover:
        texts = [
            f"{day}: close {price(c)}, forecast {price(f)}, interval {price(a)} to {price(b)}"
            for day, c, f, a, b in zip(session, actual, forecast, lower, upper, strict=True)
        ]
        parts.append(_hits(frame, x, texts))
    label = (
        f"{symbol}: actual close and forecast with its {interval}, {sessions(n)} from {session[0]} to {session[-1]}. "
        f"The close lies between {price(float(actual.min()))} and {price(float(actual.max()))}."
    )
    return svg.drawing(frame, f"chart {canvas.css}", label, parts)


def overview(symbol: str, record: ForecastRecord, canvas: Canvas) -> str:
    """The whole held-out span, with what the large chart shows of it marked."""
    low, high = svg.padded(record.actual, record.forecast, record.lower, record.upper)
    scale = svg.ticks(low, high, 2)
    frame = _frame(canvas, 108.0, scale, (0.0, record.n - 1.0), (low, high), above=8.0)
    x = frame.x(np.arange(record.n, dtype=np.float64))
    start = frame.x_at(max(record.n - SHOWN, 0))
    parts = [
        svg.box(start, frame.top, frame.right - start, frame.bottom - frame.top, "window"),
        svg.y_axis(frame, scale),
        svg.date_axis(frame, record.session, canvas.dates),
        svg.area(x, frame.y(record.upper), frame.y(record.lower), "band"),
        svg.line(x, frame.y(record.actual), "actual thin"),
        svg.line(x, frame.y(record.forecast), "forecast thin"),
    ]
    label = (
        f"{symbol}: the whole held-out span, {sessions(record.n)} from {record.session[0]} to {record.session[-1]}. "
        f"The last {SHOWN} are marked; the chart above shows them."
    )
    return svg.drawing(frame, f"chart overview {canvas.css}", label, parts)


def correlogram(symbol: str, lag: Lag) -> str:
    """A bar for the correlation at each lag, the best one highlighted."""
    values = [value for _, value in lag.correlogram if value is not None]
    # Always up to 1, so that bars can be compared between symbols; below zero only as far as needed.
    fifths = min(-1, math.floor(min(values, default=0.0) * 5.0))
    low, scale = fifths / 5.0, [fifth / 5.0 for fifth in range(fifths, 6)]
    count = len(lag.correlogram)
    frame = _frame(HALF, HALF.height, scale, (-0.5, count - 0.5), (low, 1.0), below=40.0)
    zero, width = frame.y_at(0.0), 0.62 * (frame.x_at(1.0) - frame.x_at(0.0))
    echo = frame.y_at(ECHO)
    parts = [svg.y_axis(frame, scale), svg.rule(frame.left, echo, frame.right, echo, "threshold")]
    for k, value in lag.correlogram:
        x = frame.x_at(k)
        parts.append(svg.text(x, frame.bottom + 16.0, str(k), anchor="middle"))
        if value is None:
            parts.append(svg.text(x, zero - 4.0, "none", "note", "middle") if values else "")
            continue
        top, best = frame.y_at(max(value, 0.0)), k == lag.best_lag
        height = abs(frame.y_at(value) - zero)
        title = f"lag {k}: correlation {decimal(value, 3)}"
        parts.append(svg.box(x - width / 2, top, width, height, "bar best" if best else "bar", title))
        if best:
            parts.append(svg.text(x, top - 5.0, decimal(value, 2), "value", "middle"))
    if not values:
        parts.append(svg.text(frame.x_at(count / 2), frame.y_at(0.25), "not defined: nothing varies", "note", "middle"))
    parts += [
        svg.rule(frame.left, zero, frame.right, zero, "axis"),
        svg.text(frame.right, echo - 5.0, f"a clear relation from {ECHO:g}", "note", "end"),
        svg.text(frame.left, frame.top - 20.0, "correlation", "key"),
        svg.text(frame.right, frame.bottom + 34.0, "lag in sessions", "key", "end"),
    ]
    figures = ", ".join(f"lag {k} {'none' if value is None else decimal(value, 2)}" for k, value in lag.correlogram)
    best_lag = "undefined" if lag.best_lag is None else str(lag.best_lag)
    label = (
        f"{symbol}: correlation of the forecast's changes with those of the close so many sessions before: {figures}. "
        f"Best lag: {best_lag}."
    )
    return svg.drawing(frame, "chart half", label, parts)


def cumulative(symbol: str, record: ForecastRecord) -> str:
    """What the model's absolute errors add up to, less those of the last close; below zero is better."""
    total = cumulative_difference(record)
    low, high = svg.padded(total)
    # Both sides of zero stay visible, and both edges free of the line: there the words are.
    reach, words = max(high, -low), 0.12 * (high - low)
    low, high = min(low - words, -0.25 * reach), max(high + words, 0.25 * reach)
    scale = svg.ticks(low, high)
    frame = _frame(HALF, HALF.height, scale, (-1.0, record.n - 1.0), (low, high))
    x, y, zero = frame.x(np.arange(-1.0, record.n)), frame.y(total), frame.y_at(0.0)
    level = np.full(x.size, zero)
    parts = [
        svg.y_axis(frame, scale),
        svg.area(x, np.minimum(y, zero), level, "worse"),
        svg.area(x, level, np.maximum(y, zero), "better"),
        svg.rule(frame.left, zero, frame.right, zero, "zero"),
        svg.line(x, y, "total"),
        svg.date_axis(frame, record.session, HALF.dates),
        svg.text(frame.left + 6.0, frame.top + 12.0, "above zero: worse than yesterday's close", "note"),
        svg.text(frame.left + 6.0, frame.bottom - 7.0, "below zero: better than yesterday's close", "note"),
        svg.text(frame.left, frame.top - 20.0, "added up, in the price's currency", "key"),
    ]
    label = (
        f"{symbol}: absolute error of the model less that of yesterday's close, added up over {sessions(record.n)}; "
        f"it ends at {signed_price(float(total[-1]))}. Below zero the model is better."
    )
    return svg.drawing(frame, "chart half", label, parts)


def cumulative_difference(record: ForecastRecord) -> Floats:
    """`(n + 1,)`: zero, then the running sum of |f(t) - c(t)| - |c(t-1) - c(t)| [currency]."""
    model, naive = np.abs(record.forecast - record.actual), np.abs(record.previous_close - record.actual)
    return np.concatenate([[0.0], np.cumsum(model - naive)])


def _frame(
    canvas: Canvas,
    height: float,
    scale: list[float],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    *,
    above: float = _ABOVE,
    below: float = _BELOW,
) -> Frame:
    """A frame whose left margin holds the longest label of the scale."""
    left = 12.0 + svg.CHARACTER * max(len(label) for label in svg.tick_labels(scale))
    return Frame(canvas.width, height, left, canvas.width - _RIGHT, above, height - below, x_range, y_range)


def _hits(frame: Frame, x: Floats, texts: list[str]) -> str:
    """Columns that cannot be seen, one a session, which tell its figures when they are pointed at."""
    step = float(x[1] - x[0])
    height = frame.bottom - frame.top
    return "".join(
        svg.box(at - step / 2, frame.top, step, height, "hit", told) for at, told in zip(x.tolist(), texts, strict=True)
    )
