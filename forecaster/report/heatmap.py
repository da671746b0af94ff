"""Tables of numbers as colours: one column a session, one row a unit or an input.

Cells of one colour are one path, and neighbours in a row are one rectangle of it: a page with a hundred thousand
cells stays small enough to send.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecaster.diagnostics.record import Floats
from forecaster.report import svg
from forecaster.report.formats import decimal
from forecaster.report.svg import Frame

LEVELS: Final = 10
"""Steps of colour from nothing to full."""

ROWS: Final = 64
"""More rows than this could not be told apart: neighbours are drawn as their mean."""

_KEY = 9.0  # width of one step in the key
_LABELLED = 11.0  # rows at least this high have room for a name
_DATE = 10 * svg.CHARACTER


def heatmap(
    frame: Frame,
    css: str,
    label: str,
    values: Floats,
    ends: tuple[float, float],
    session: NDArray[np.datetime64],
    *,
    names: Sequence[str],
    told: Sequence[str],
) -> str:
    """A drawing of `values`.

    Args:
        frame: where; its x range is that of `columns(sessions)`.
        css: classes of the drawing.
        label: what a screen reader says.
        values: `(rows, sessions)`, first row on top.
        ends: the values without and with full colour; where the first is negative, zero is the one without, and its
            two sides differ in colour.
        session: `(sessions,)`.
        names: of the rows, drawn where there is room.
        told: what each session tells when it is pointed at; empty where nothing is to be told.
    """
    rows, width, height = len(values), frame.right - frame.left, frame.bottom - frame.top
    pitch = height / rows
    across, down = width / values.shape[1], pitch
    parts = [
        f'<g class="cells" transform="translate({frame.left:.2f} {frame.top:.2f}) scale({across:.5f} {down:.5f})">',
        *_cells(levels(values, ends)),
        "</g>",
        svg.box(frame.left, frame.top, width, height, "plot"),
    ]
    if pitch >= _LABELLED:
        parts += [
            svg.text(frame.left - 6.0, frame.top + pitch * (row + 0.5) + 4.0, name, anchor="end")
            for row, name in enumerate(names)
        ]
    parts += [session_axis(frame, session), _key(frame, ends), hits(frame, told)]
    return svg.drawing(frame, css, label, parts)


def columns(sessions: int) -> tuple[float, float]:
    """The x range of a frame in which position t is the middle of column t."""
    return -0.5, sessions - 0.5


def levels(values: Floats, ends: tuple[float, float]) -> NDArray[np.int64]:
    """Each value's step of colour, from -`LEVELS` to `LEVELS`; shape kept."""
    low = max(ends[0], 0.0)
    return np.clip(np.rint((values - low) * (LEVELS / (ends[1] - low))), -LEVELS, LEVELS).astype(np.int64)


def grouped(values: Floats) -> Floats:
    """`(rows, sessions)` with at most `ROWS` rows: means of as many neighbours as it takes."""
    return np.array([part.mean(axis=0) for part in np.array_split(values, min(len(values), ROWS))])


def session_axis(frame: Frame, session: NDArray[np.datetime64]) -> str:
    """The dates of some sessions below the plot, evenly apart, the first and the last among them."""
    last = len(session) - 1
    # The outermost labels end where the plot does, so that their neighbours need half a label more.
    most = int((frame.right - frame.left) / (1.5 * _DATE + 14.0)) + 1
    parts = []
    for position in np.unique(np.rint(np.linspace(0, last, min(most, last + 1))).astype(int)).tolist():
        x = frame.x_at(position)
        parts.append(svg.rule(x, frame.bottom, x, frame.bottom + 4.0, "axis"))
        inside = min(max(x, frame.left + _DATE / 2), frame.right - _DATE / 2)
        parts.append(svg.text(inside, frame.bottom + 17.0, str(session[position]), anchor="middle"))
    return "".join(parts)


def hits(frame: Frame, told: Sequence[str]) -> str:
    """Columns that cannot be seen, one a session, which tell something when they are pointed at."""
    if not told:
        return ""
    width = (frame.right - frame.left) / len(told)
    height = frame.bottom - frame.top
    return "".join(
        svg.box(frame.left + t * width, frame.top, width, height, "hit", text) for t, text in enumerate(told)
    )


def _cells(steps: NDArray[np.int64]) -> list[str]:
    """A path for each step of colour, one unit a cell."""
    paths: dict[int, list[str]] = {}
    for row, line in enumerate(steps):
        starts = np.concatenate([[0], np.flatnonzero(np.diff(line)) + 1, [line.size]]).tolist()
        for start, end in pairwise(starts):
            paths.setdefault(int(line[start]), []).append(f"M{start} {row}h{end - start}v1h{start - end}z")
    return [
        f'<path class="{_side(step)}" fill-opacity="{abs(step) / LEVELS:g}" d="{"".join(path)}"/>'
        for step, path in sorted(paths.items())
        if step
    ]


def _key(frame: Frame, ends: tuple[float, float]) -> str:
    """Above the plot: which colour is which value."""
    first = -LEVELS if ends[0] < 0.0 else 0
    low, high = svg.tick_labels(ends) if first == 0 else (decimal(end, 2) for end in ends)
    y, right = frame.top - 18.0, frame.right - svg.CHARACTER * len(high) - 5.0
    left = right - _KEY * (LEVELS - first + 1)
    boxes = "".join(
        f'<rect class="{_side(step)}" fill-opacity="{abs(step) / LEVELS:g}" x="{left + _KEY * (step - first):.1f}" '
        f'y="{y:.1f}" width="{_KEY:g}" height="10"/>'
        for step in range(first, LEVELS + 1)
    )
    return (
        f'<g class="cells">{boxes}</g>'
        + svg.box(left, y, right - left, 10.0, "plot")
        + svg.text(left - 5.0, y + 9.0, low, anchor="end")
        + svg.text(right + 5.0, y + 9.0, high)
    )


def _side(step: int) -> str:
    return "minus" if step < 0 else "plus"
