"""Small pictures of the same kind, one a model, on one scale: delay, calibration, coverage by quarter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from forecaster.backtest.estimates import Estimate
from forecaster.backtest.lags import PooledLag
from forecaster.backtest.scores import LevelShare, Quarter
from forecaster.diagnostics.verdict import ECHO
from forecaster.report import svg
from forecaster.report.backtest.marks import dot, x_axis
from forecaster.report.formats import decimal, percentage
from forecaster.report.svg import Frame

WIDTH: Final = 240.0
HEIGHT: Final = 168.0

_YEAR_START: Final = "Q1"


def delay(model: str, lag: PooledLag) -> str:
    """A bar a lag: the median over symbols of the correlation, with its quartiles."""
    known = [one for one in lag.correlogram if one.median is not None]
    low = -0.2 if all((one.lower or 0.0) >= -0.2 for one in known) else -1.0
    frame = _frame(34.0, (-0.6, len(lag.correlogram) - 0.4), (low, 1.0))
    scale = [0.0, 0.5, 1.0] if low > -1.0 else [-1.0, -0.5, 0.0, 0.5, 1.0]
    zero, echo = frame.y_at(0.0), frame.y_at(ECHO)
    width = 0.62 * (frame.x_at(1.0) - frame.x_at(0.0))
    parts = [svg.y_axis(frame, scale), svg.rule(frame.left, echo, frame.right, echo, "threshold")]
    told = []
    for one in known:
        middle, lower, upper = one.median or 0.0, one.lower or 0.0, one.upper or 0.0
        x, top = frame.x_at(one.lag), frame.y_at(max(middle, 0.0))
        best = one.lag == lag.best_lag
        title = f"lag {one.lag}: median {decimal(middle, 2)}, quartiles {decimal(lower, 2)} to {decimal(upper, 2)}"
        css = "bar best" if best else "bar"
        parts.append(svg.box(x - width / 2, top, width, abs(frame.y_at(middle) - zero), css, title))
        parts.append(svg.rule(x, frame.y_at(lower), x, frame.y_at(upper), "quartiles"))
        told.append(title)
    parts.append(svg.rule(frame.left, zero, frame.right, zero, "axis"))
    even = range(0, len(lag.correlogram), 2)
    parts += [svg.text(frame.x_at(k), frame.bottom + 15.0, str(k), anchor="middle") for k in even]
    parts.append(svg.text(frame.right, frame.bottom + 31.0, "lag in sessions", "key", "end"))
    if not known:
        parts.append(svg.text(frame.left + 4.0, echo - 6.0, "not defined: nothing varies", "note"))
    label = f"{model}: correlation of changes by lag, over symbols: {'; '.join(told) or 'not defined'}."
    return svg.drawing(frame, "chart panel", label, parts)


def calibration(model: str, levels: Sequence[LevelShare], reach: float) -> str:
    """Observed less nominal share below each quantile, with 95 % bars, on a scale of -`reach` to `reach` points."""
    frame = _frame(34.0, (0.0, 1.0), (-reach, reach))
    zero = frame.y_at(0.0)
    parts = [
        svg.y_axis(frame, svg.ticks(-reach, reach, 4)),
        x_axis(frame, (0.05, 0.5, 0.95), ("5", "50", "95"), grid=False),
        svg.rule(frame.left, zero, frame.right, zero, "zero"),
        svg.text(frame.right, frame.bottom + 31.0, "quantile, %", "key", "end"),
    ]
    told = []
    for one in levels:
        if one.observed.value is None:
            continue
        off = 100.0 * (one.observed.value - one.level)
        title = f"{percentage(one.level, 0)} quantile: {percentage(one.observed.value)} below it"
        ends = one.observed.interval
        surely = ends is not None and not ends[0] <= one.level <= ends[1]
        x = frame.x_at(one.level)
        if ends is not None:
            a, b = (_within(100.0 * (end - one.level), reach) for end in ends)
            parts.append(svg.rule(x, frame.y_at(a), x, frame.y_at(b), "quartiles"))
        parts.append(dot(x, frame.y_at(_within(off, reach)), 3.5, "mark off" if surely else "mark", title))
        told.append(title)
    label = f"{model}: share of closes below each quantile, less what it promises: {'; '.join(told)}."
    return svg.drawing(frame, "chart panel", label, parts)


def off_by(levels: Sequence[LevelShare]) -> float:
    """How far from zero `calibration` reaches for a model, its intervals included [percentage points]."""
    known = [(one.level, one.observed.interval or (one.observed.value,)) for one in levels]
    return max((100.0 * abs(end - level) for level, ends in known for end in ends if end is not None), default=0.0)


def pit(model: str, levels: Sequence[LevelShare]) -> str:
    """Where closes fell among the quantiles: the share between neighbours by the share promised; 1 is right."""
    edges = [0.0, *(one.level for one in levels), 1.0]
    below = [0.0, *(one.observed.value or 0.0 for one in levels), 1.0]
    density = [
        (b - a) / (high - low) for low, high, a, b in zip(edges[:-1], edges[1:], below[:-1], below[1:], strict=True)
    ]
    top = max(1.25, 1.05 * max(density))
    frame = Frame(400.0, 250.0, 40.0, 392.0, 34.0, 210.0, (0.0, 1.0), (0.0, top))
    parts = [svg.y_axis(frame, svg.ticks(0.0, top, 4))]
    told = []
    for low, high, height in zip(edges[:-1], edges[1:], density, strict=True):
        x, y = frame.x_at(low), frame.y_at(height)
        title = f"{percentage(low, 0)} to {percentage(high, 0)}: {decimal(height, 2)} of what was promised"
        parts.append(svg.box(x + 0.5, y, frame.x_at(high) - x - 1.0, frame.bottom - y, "bar", title))
        told.append(title)
    one = frame.y_at(1.0)
    parts += [
        svg.rule(frame.left, one, frame.right, one, "zero"),
        x_axis(frame, (0.05, 0.25, 0.5, 0.75, 0.95), ("5", "25", "50", "75", "95"), grid=False),
        svg.text(frame.left, frame.top - 18.0, "closes there, by what was promised", "key"),
        svg.text(frame.right, frame.bottom + 34.0, "place among the model's quantiles, %", "key", "end"),
    ]
    label = f"{model}: share of closes between neighbouring quantiles, by the share promised: {'; '.join(told)}."
    return svg.drawing(frame, "chart half", label, parts)


def by_quarter(model: str, quarters: Sequence[Quarter], level: float, span: tuple[float, float]) -> str:
    """A dot a quarter with its 95 % bar, and a line at the promise. `span`: lowest and highest share shown [%]."""
    low, high = span
    frame = _frame(34.0, (-0.6, len(quarters) - 0.4), span)
    promise = frame.y_at(100.0 * level)
    parts = [svg.y_axis(frame, svg.ticks(low, high, 4)), svg.rule(frame.left, promise, frame.right, promise, "zero")]
    parts.append(svg.rule(frame.left, frame.bottom, frame.right, frame.bottom, "axis"))
    told, year_at = [], -99.0
    for place, one in enumerate(quarters):
        x = frame.x_at(place)
        if (one.name.endswith(_YEAR_START) or not place) and x - year_at > 34.0:
            parts.append(svg.rule(x, frame.bottom, x, frame.bottom + 4.0, "axis"))
            parts.append(svg.text(x, frame.bottom + 16.0, one.name[:4], anchor="start" if not place else "middle"))
            year_at = x
        if one.coverage.value is None:
            continue
        title = f"{one.name}: {percentage(one.coverage.value)} of {one.forecasts:,} inside, {one.sessions} sessions"
        parts.append(_bar(frame, x, one.coverage, span))
        y = frame.y_at(_between(100.0 * one.coverage.value, span))
        parts.append(dot(x, y, 3.5, _kind(one, level), title))
        told.append(title)
    label = f"{model}: share of closes inside the {percentage(level, 0)} interval by quarter: {'; '.join(told)}."
    return svg.drawing(frame, "chart panel", label, parts)


def _kind(one: Quarter, level: float) -> str:
    ends = one.coverage.interval
    if not one.judged:
        return "mark part"
    return "mark off" if ends is not None and not ends[0] <= level <= ends[1] else "mark"


def _bar(frame: Frame, x: float, share: Estimate, span: tuple[float, float]) -> str:
    if share.interval is None:
        return ""
    a, b = (_between(100.0 * end, span) for end in share.interval)
    return svg.rule(x, frame.y_at(a), x, frame.y_at(b), "quartiles")


def _frame(left: float, x_range: tuple[float, float], y_range: tuple[float, float]) -> Frame:
    return Frame(WIDTH, HEIGHT, left, WIDTH - 6.0, 10.0, HEIGHT - 38.0, x_range, y_range)


def _within(value: float, reach: float) -> float:
    return min(max(value, -reach), reach)


def _between(value: float, span: tuple[float, float]) -> float:
    return min(max(value, span[0]), span[1])
