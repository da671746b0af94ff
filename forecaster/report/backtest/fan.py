"""Close and forecast of one symbol, with every central interval as a band."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecaster.backtest.panel import Panel
from forecaster.backtest.scores import Losses
from forecaster.diagnostics.coverage import central
from forecaster.diagnostics.record import Floats
from forecaster.diagnostics.verdict import MIN_SESSIONS
from forecaster.diagnostics.wording import sessions, share
from forecaster.report import svg
from forecaster.report.backtest.marks import short
from forecaster.report.charts import SHOWN, Canvas
from forecaster.report.formats import price
from forecaster.report.svg import Frame

STORIES: Final = 4
"""Symbols of which close and forecast are drawn, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """What one model said about one symbol, and what came: the last `SHOWN` sessions.

    Attributes:
        symbol, model: whose.
        session: `(n,)` datetime64[D].
        actual: `(n,)` adjusted close [currency].
        quantiles: `(n, q)` [currency].
        levels: `(q,)`.
        ratio: the model's mean absolute error by the baseline's, over all sessions; None where that was never wrong.
    """

    symbol: str
    model: str
    session: NDArray[np.datetime64]
    actual: Floats
    quantiles: Floats
    levels: tuple[float, ...]
    ratio: float | None


def stories(panel: Panel, model: str, mine: Losses, baseline: Losses, asked: Sequence[str]) -> list[Story]:
    """The stories of the symbols asked for, of all where they are few, or of three typical ones.

    Typical are those whose error, by the baseline's, is nearest to the lower quartile, the median and the upper
    quartile of all symbols that have enough sessions.

    Args:
        panel: what was forecast.
        model: whose forecasts; of several seeds, the first.
        mine, baseline: losses of the model and of the baseline.
        asked: symbols; those that were not judged are left out.
    """
    m = len(panel.symbols)
    own, other, n = (
        np.bincount(panel.symbol, weights=values, minlength=m)
        for values in (mine.absolute, baseline.absolute, np.ones(panel.symbol.size))
    )
    ratio = np.divide(own, other, out=np.full(m, np.nan), where=other > 0.0)
    places = [panel.symbols.index(name) for name in dict.fromkeys(asked) if name in panel.symbols]
    if not places:
        fit = np.flatnonzero((n >= MIN_SESSIONS) & ~np.isnan(ratio))
        fit = fit if fit.size else np.arange(m)
        ranked = fit[np.argsort(ratio[fit], kind="stable")]
        if ranked.size > STORIES:
            ranked = ranked[(np.array([0.25, 0.5, 0.75]) * (ranked.size - 1)).round().astype(int)]
        places = ranked.tolist()
    quantiles = next(panel.quantiles(model))
    found = []
    for place in places:
        rows = np.flatnonzero(panel.symbol == place)[-SHOWN:]
        prices = panel.previous_close[rows, None] * (1.0 + quantiles[rows])
        days = panel.sessions[panel.session[rows]]
        by = float(ratio[place])
        found.append(
            Story(
                panel.symbols[place],
                model,
                days,
                panel.actual[rows],
                prices,
                panel.levels,
                None if np.isnan(by) else by,
            )
        )
    return found


def fan(story: Story, canvas: Canvas) -> str:
    """The picture of a story."""
    n = story.session.size
    median = story.quantiles[:, story.levels.index(0.5)]
    pairs = central(story.levels)[::-1]  # the widest first, so that the others lie on it
    low, high = svg.padded(story.actual, story.quantiles)
    scale = svg.ticks(low, high)
    left = 12.0 + svg.CHARACTER * max(len(label) for label in svg.tick_labels(scale))
    frame = Frame(
        canvas.width, canvas.height, left, canvas.width - 8.0, 34.0, canvas.height - 26.0, (0.0, n - 1.0), (low, high)
    )
    x = frame.x(np.arange(n, dtype=np.float64))
    bands = [(story.quantiles[:, a], story.quantiles[:, b]) for a, b in pairs]
    parts = [
        svg.y_axis(frame, scale),
        svg.date_axis(frame, story.session, canvas.dates),
        *(svg.area(x, frame.y(upper), frame.y(lower), "fan") for lower, upper in bands),
        svg.line(x, frame.y(story.actual), "actual"),
        svg.line(x, frame.y(median), "forecast"),
        svg.legend(
            frame, [("line", "actual", "close"), ("line", "forecast", "forecast"), ("area", "fan", _bands(story))]
        ),
    ]
    if canvas.hover and n > 1:
        step = float(x[1] - x[0])
        for at, day, close, said, lower, upper in _rows(x, story, median, bands):
            ends = f", {price(lower)} to {price(upper)}" if bands else ""
            told = f"{day}: close {price(close)}, forecast {price(said)}{ends}"
            parts.append(svg.box(at - step / 2, frame.top, step, frame.bottom - frame.top, "hit", told))
    label = (
        f"{story.symbol}: actual close and the forecast of {story.model} with its intervals, {sessions(n)} from "
        f"{story.session[0]} to {story.session[-1]}."
    )
    return svg.drawing(frame, f"chart {canvas.css}", label, parts)


def title(story: Story, baseline: str) -> str:
    """What stands above the picture."""
    if story.ratio is None or story.model == baseline:
        return story.symbol
    return f"{story.symbol}: mean absolute error {story.ratio:.3f} times that of {short(baseline)}"


def _bands(story: Story) -> str:
    pairs = central(story.levels)
    names = [share(story.levels[b] - story.levels[a]).removesuffix(" %") for a, b in pairs]
    return f"{', '.join(names)} % interval{'s' if len(names) > 1 else ''}" if names else "no interval"


def _rows(
    x: Floats, story: Story, median: Floats, bands: Sequence[tuple[Floats, Floats]]
) -> Iterator[tuple[float, np.datetime64, float, float, float, float]]:
    lower, upper = bands[0] if bands else (median, median)
    return zip(x.tolist(), story.session, story.actual.tolist(), median.tolist(), lower, upper, strict=True)
