"""What the pictures of a backtest share: a colour for each model, dots, a scale below, labels that do not overlap."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final

from forecaster.report import svg
from forecaster.report.svg import Frame

COLOURS: Final = 7
"""More colours than this cannot be told apart; models ranked below them are grey, and known by their labels."""

NAME: Final = 16
"""Characters of a name that fit into a picture; tables have all of it."""


def colours(ranked: Sequence[str], baseline: str) -> dict[str, str]:
    """The style sheet's class for each model: a colour in the order of ranking, and one for the baseline."""
    found, number = {}, 0
    for name in ranked:
        if name == baseline:
            found[name] = "base"
        else:
            found[name] = f"m{number}" if number < COLOURS else "rest"
            number += 1
    return found


def short(name: str) -> str:
    """A name that fits. Names of variants differ at their ends, so that what is left out is in the middle."""
    return name if len(name) <= NAME else f"{name[: NAME // 2]}…{name[-(NAME // 2 - 1) :]}"


def swatch(css: str) -> str:
    """A model's colour beside its name, as HTML."""
    return f"<span class='swatch {css}' aria-hidden='true'></span>"


def unbroken(text: str) -> str:
    """Escaped text in which no line breaks inside `5 %` or `p < 0.001`."""
    return re.sub(r"\bp (=|&lt;) ", r"p&nbsp;\1&nbsp;", escape(text).replace(" %", "&nbsp;%"))


def dot(x: float, y: float, radius: float, css: str, title: str = "") -> str:
    """A circle; its title, if any, is shown when it is pointed at."""
    inside = f"<title>{escape(title)}</title>" if title else ""
    return f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}">{inside}</circle>'


def x_axis(frame: Frame, values: Sequence[float], labels: Sequence[str], *, grid: bool = True) -> str:
    """Labels below the plot, with lines through it."""
    parts = [svg.rule(frame.left, frame.bottom, frame.right, frame.bottom, "axis")]
    for value, label in zip(values, labels, strict=True):
        x = frame.x_at(value)
        if grid:
            parts.append(svg.rule(x, frame.top, x, frame.bottom, "grid"))
        parts.append(svg.text(x, frame.bottom + 16.0, label, anchor="middle"))
    return "".join(parts)


def apart(wanted: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, in the same order, at least `distance` apart.

    They stay within `low` to `high` where there is room; else they are evenly spread over it.
    """
    if not wanted:
        return []
    distance = min(distance, (high - low) / max(len(wanted) - 1, 1))
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    # Neighbours that are too near become one group, around its members' middle.
    groups: list[tuple[float, list[int]]] = []
    for place in order:
        groups.append((_kept(wanted[place], 1, distance, low, high), [place]))
        while len(groups) > 1 and _touch(groups[-2], groups[-1], distance):
            members = groups[-2][1] + groups[-1][1]
            middle = sum(wanted[one] for one in members) / len(members)
            groups[-2:] = [(_kept(middle, len(members), distance, low, high), members)]
    found = [0.0] * len(wanted)
    for middle, members in groups:
        for number, place in enumerate(members):
            found[place] = middle + (number - (len(members) - 1) / 2.0) * distance
    return found


def _kept(middle: float, count: int, distance: float, low: float, high: float) -> float:
    half = (count - 1) / 2.0 * distance
    return min(max(middle, low + half), high - half)


def _touch(a: tuple[float, list[int]], b: tuple[float, list[int]], distance: float) -> bool:
    return b[0] - a[0] < (len(a[1]) + len(b[1])) / 2.0 * distance - 1e-9


def usual(values: Sequence[float], times: float = 4.0) -> float:
    """The largest of some sizes that is not out of all proportion to the others: at most `times` their median.

    One model that is wrong by a third would otherwise press all others into one point.
    """
    ranked = sorted(values)
    if not ranked:
        return 0.0
    limit = times * ranked[len(ranked) // 2]
    return max(value for value in ranked if value <= limit or value == ranked[0])
