"""Whether every interval holds what it says: a picture and a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np

from forecaster.diagnostics.coverage import LevelCoverage
from forecaster.diagnostics.record import Floats
from forecaster.diagnostics.wording import p_value, sessions, share
from forecaster.report import svg
from forecaster.report.charts import HALF
from forecaster.report.formats import percentage, price
from forecaster.report.svg import Frame

BAND: Final = 0.95
"""Share of honest intervals that chance leaves inside the band."""

_MARK: Final = 9.0


def calibration(symbol: str, found: Sequence[LevelCoverage], n: int) -> str:
    """Nominal against observed share for every central interval, over `n` sessions, as one SVG."""
    nominal, observed = _shares(found)
    low, high = band(nominal, n)
    scale = [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    left = 12.0 + svg.CHARACTER * 3
    frame = Frame(
        HALF.width, HALF.height, left, HALF.width - 14.0, 34.0, HALF.height - 40.0, (0.0, 100.0), (0.0, 100.0)
    )
    grid = np.linspace(0.0, 1.0, 101)
    lower, upper = band(grid, n)
    x = frame.x(100.0 * grid)
    parts = [
        svg.y_axis(frame, scale),
        svg.area(x, frame.y(100.0 * upper), frame.y(100.0 * lower), "band"),
        svg.rule(frame.left, frame.bottom, frame.right, frame.top, "threshold"),
        svg.rule(frame.left, frame.bottom, frame.right, frame.bottom, "axis"),
        *(svg.text(frame.x_at(tick), frame.bottom + 16.0, f"{tick:g}", anchor="middle") for tick in scale),
        svg.line(frame.x(100.0 * nominal), frame.y(100.0 * observed), "total"),
    ]
    told = []
    for promised, kept, a, b in zip(nominal.tolist(), observed.tolist(), low.tolist(), high.tolist(), strict=True):
        css = "mark" if a <= kept <= b else "mark off"
        words = f"{share(promised)} interval: {share(kept)} inside, {share(a)} to {share(b)} by chance"
        at = frame.x_at(100.0 * promised) - _MARK / 2, frame.y_at(100.0 * kept) - _MARK / 2
        parts.append(svg.box(*at, _MARK, _MARK, css, words))
        told.append(words)
    parts += [
        svg.text(frame.left, frame.top - 20.0, "closes inside, %", "key"),
        svg.text(frame.right, frame.bottom + 34.0, "what the interval promises, %", "key", "end"),
    ]
    label = f"{symbol}: share of closes inside each central interval over {sessions(n)}. {'; '.join(told)}."
    return svg.drawing(frame, "chart half calibration", label, parts)


def band(nominal: Floats, n: int) -> tuple[Floats, Floats]:
    """Where an honest interval's observed share lies with probability `BAND`, by the binomial distribution.

    Args:
        nominal: `(k,)` shares that the intervals promise [1].
        n: sessions, independent of each other.

    Returns:
        Lower and upper ends, `(k,)` each [1].
    """
    # Here, not above: it takes a while, and whoever draws no picture need not wait.
    from scipy.stats import binom

    tail = (1.0 - BAND) / 2.0
    low, high = (np.asarray(binom.ppf(one, n, nominal), dtype=np.float64) for one in (tail, 1.0 - tail))
    return np.clip(low, 0.0, n) / n, np.clip(high, 0.0, n) / n


def by_interval(found: Sequence[LevelCoverage]) -> str:
    """The same in figures: a row for every central interval, as an HTML table."""
    rows = "\n".join(
        f"<tr><th scope='row'>{share(one.level)}</th><td>{percentage(one.observed)}</td>"
        f"<td>{price(one.mean_width)}</td><td>{escape(_chance(one.kupiec_p_value))}</td></tr>"
        for one in found
    )
    return (
        "<table class='plain'>\n<thead><tr><th scope='col'>Promised</th><th scope='col'>Kept</th>"
        "<th scope='col'>Mean width</th><th scope='col'>By chance</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>\n"
    )


def _shares(found: Sequence[LevelCoverage]) -> tuple[Floats, Floats]:
    pairs = sorted((one.level, one.observed) for one in found)
    shares = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return shares[:, 0], shares[:, 1]


def _chance(p: float | None) -> str:
    return "not tested" if p is None else p_value(p)
