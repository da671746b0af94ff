"""The pictures of a network at work on one window. Each is a pure function that returns one SVG."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecaster.diagnostics.wording import sessions
from forecaster.gates import KEEPS, Inside, Layer, memory_text, signed
from forecaster.report import heatmap, svg
from forecaster.report.charts import HALF, Canvas
from forecaster.report.formats import decimal, percentage, price
from forecaster.report.svg import Frame

_ABOVE: Final = 34.0
_BELOW: Final = 26.0
_RIGHT: Final = 8.0
_UNITS: Final = 30.0


def closes(inside: Inside, canvas: Canvas) -> str:
    """The close over the window, on the same columns as `dependence`."""
    low, high = svg.padded(inside.close)
    scale = svg.ticks(low, high, 2)
    n = len(inside.session)
    frame = _frame(canvas, 96.0, n, (low, high), left=_margin(inside), above=10.0, below=8.0)
    parts = [
        svg.y_axis(frame, scale),
        svg.line(frame.x(np.arange(n, dtype=np.float64)), frame.y(inside.close), "actual"),
        svg.rule(frame.left, frame.bottom, frame.right, frame.bottom, "axis"),
    ]
    if canvas.hover:
        told = [f"{day}: close {price(one)}" for day, one in zip(inside.session, inside.close, strict=True)]
        parts.append(heatmap.hits(frame, told))
    label = (
        f"{inside.symbol}: adjusted close of {sessions(n)} from {inside.session[0]} to {inside.session[-1]}, between "
        f"{price(float(inside.close.min()))} and {price(float(inside.close.max()))}."
    )
    return svg.drawing(frame, f"chart {canvas.css}", label, parts)


def dependence(inside: Inside, canvas: Canvas) -> str:
    """A bar for each session's share of the sensitivity; with attention, its weights as a line."""
    n, shares = len(inside.session), 100.0 * inside.shares
    attention = None if inside.attention is None else 100.0 * inside.attention
    shown = [shares] if attention is None else [shares, attention]
    high = 1.06 * max(float(one.max()) for one in shown) or 1.0
    scale = svg.ticks(0.0, high, 4)
    frame = _frame(canvas, 0.75 * canvas.height, n, (0.0, high), left=_margin(inside))
    pitch = (frame.right - frame.left) / n
    width, zero, first = 0.78 * pitch, frame.y_at(0.0), n - (inside.memory or 0)
    parts = [svg.y_axis(frame, scale)]
    for t, share in enumerate(shares.tolist()):
        top = frame.y_at(share)
        css = "bar best" if t >= first else "bar"
        parts.append(svg.box(frame.x_at(t) - width / 2, top, width, zero - top, css))
    entries = [("area", "bar best", "effective memory"), ("area", "bar", "before it")]
    if attention is not None:
        parts.append(svg.line(frame.x(np.arange(n, dtype=np.float64)), frame.y(attention), "attention"))
        entries.append(("line", "attention", "attention"))
    parts += [
        svg.rule(frame.left, zero, frame.right, zero, "axis"),
        heatmap.session_axis(frame, inside.session),
        svg.legend(frame, entries),
    ]
    if canvas.hover:
        parts.append(heatmap.hits(frame, [_told(inside, t) for t in range(n)]))
    label = f"{inside.symbol}: share of each of {sessions(n)} in the forecast's sensitivity. {memory_text(inside)}"
    return svg.drawing(frame, f"chart {canvas.css}", label, parts)


def inputs(inside: Inside, canvas: Canvas) -> str:
    """A row for each input."""
    values, n = inside.inputs.T, len(inside.session)
    values = values / np.maximum(1.0, np.abs(values).max(axis=1, keepdims=True))
    left = 12.0 + svg.CHARACTER * max(len(name) for name in inside.features)
    frame = _frame(canvas, _ABOVE + _BELOW + 20.0 * len(values), n, (0.0, 1.0), left=left)
    told = [
        f"{day}: " + ", ".join(f"{name} {one:.4g}" for name, one in zip(inside.features, row, strict=True))
        for day, row in zip(inside.session, inside.values, strict=True)
        if canvas.hover
    ]
    label = f"{inside.symbol}: the inputs {', '.join(inside.features)} of each session."
    ends = (-1.0 if values.min() < 0.0 else 0.0, 1.0)
    css = f"chart {canvas.css}"
    return heatmap.heatmap(frame, css, label, values, ends, inside.session, names=inside.features, told=told)


def units(inside: Inside, layer: Layer, trace: str) -> str:
    """A trace of a layer, a row for each unit or group of units, sorted by `order`."""
    rows, _ = order(layer)
    values = layer.traces[trace].T[rows]  # (units, lookback)
    drawn = heatmap.grouped(values)
    if signed(trace):
        size = float(np.abs(drawn).max()) or 1.0
        ends = (-size, size)
    else:
        # A gate seldom uses all of 0 to 1: the tenths between which it stays.
        low = min(float(np.floor(10.0 * drawn.min())) / 10.0, 0.9)
        ends = (low, max(float(np.ceil(10.0 * drawn.max())) / 10.0, low + 0.1))
    names = [f"{unit}" for unit in rows] if len(drawn) == len(rows) else [""] * len(drawn)
    height = _ABOVE + _BELOW + float(np.clip(4.0 * len(drawn), 110.0, 256.0))
    frame = _frame(HALF, height, len(inside.session), (0.0, 1.0), left=_UNITS)
    means = np.abs(values).mean(axis=0) if signed(trace) else values.mean(axis=0)
    what = "mean size" if signed(trace) else "mean"
    told = [
        f"{day}: {what} {decimal(float(mean), 2)}, from {decimal(float(column.min()), 2)} to "
        f"{decimal(float(column.max()), 2)}"
        for day, mean, column in zip(inside.session, means, values.T, strict=True)
    ]
    label = (
        f"Layer {layer.position}, {layer.direction}, {trace}: {layer.units} units over {sessions(len(told))}; {what} "
        f"{decimal(float(means.mean()), 2)}, on the last session {decimal(float(means[-1]), 2)}."
    )
    return heatmap.heatmap(frame, "chart half", label, drawn, ends, inside.session, names=names, told=told)


def order(layer: Layer) -> tuple[NDArray[np.int64], str]:
    """Units by what says how long they remember, longest first, and the name of that trace."""
    keeps = next(trace for trace in KEEPS if trace in layer.traces)
    return np.argsort(-layer.traces[keeps].mean(axis=0), kind="stable"), keeps


def _margin(inside: Inside) -> float:
    """The left margin of the charts that share their columns, wide enough for the longest price."""
    longest = max(len(label) for label in svg.tick_labels(svg.ticks(*svg.padded(inside.close), 2)))
    return 12.0 + svg.CHARACTER * max(longest, 4)


def _told(inside: Inside, t: int) -> str:
    attended = "" if inside.attention is None else f", attention {percentage(float(inside.attention[t]))}"
    return (
        f"{inside.session[t]}: sensitivity {inside.sensitivity[t]:.3g}, "
        f"{percentage(float(inside.shares[t]))} of all{attended}"
    )


def _frame(
    canvas: Canvas,
    height: float,
    sessions: int,
    y_range: tuple[float, float],
    *,
    left: float,
    above: float = _ABOVE,
    below: float = _BELOW,
) -> Frame:
    """A frame with a column a session."""
    x_range = heatmap.columns(sessions)
    return Frame(canvas.width, height, left, canvas.width - _RIGHT, above, height - below, x_range, y_range)
