"""What a check found, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from forecaster.leakcheck.compare import Difference
from forecaster.leakcheck.futures import FUTURES, UNCHANGED
from forecaster.leakcheck.tables import Stage

_ORDER: Final = list(Stage)
_TEXT: Final = {future.name: future.text for future in (UNCHANGED, *FUTURES)}


@dataclass(frozen=True, slots=True)
class Leak:
    """Something known at a cut that changed with what came later.

    Attributes:
        stage, name: what; the same name is told once.
        symbol, session: the newest row that changed, in the first cut and future that showed it.
        cut: the last session that was known; None where the bars themselves look ahead.
        before, after: a number or a date of that row, as the bars are and with the other future; None where there is
            no such row.
        text: all of it in a sentence.
        hint: what kind of leak it looks like; empty where nothing speaks for one.
        futures: every future that showed it; `unchanged` where the same bars gave something else.
        cuts: in how many cuts.
    """

    stage: Stage
    name: str
    symbol: str
    session: str
    cut: date | None
    before: Any
    after: Any
    text: str
    hint: str
    futures: tuple[str, ...]
    cuts: int


@dataclass(frozen=True, slots=True)
class Checked:
    """How much of a stage was compared: values in all, and in how many pairs of a cut and a future."""

    stage: Stage
    values: int
    comparisons: int


@dataclass(frozen=True, slots=True)
class Report:
    """A check.

    Attributes:
        leaks: the first is the cause, as far as the stages tell.
        checked: a row a stage.
        cuts: the cut sessions.
        futures: the names of what came after them.
        symbols, bars: what was checked.
    """

    leaks: tuple[Leak, ...]
    checked: tuple[Checked, ...]
    cuts: tuple[date, ...]
    futures: tuple[str, ...]
    symbols: int
    bars: int

    @property
    def clean(self) -> bool:
        """Whether nothing leaks."""
        return not self.leaks


@dataclass(frozen=True, slots=True)
class Seen:
    """One difference, and the cut and future that showed it; `text` where no future was needed to."""

    difference: Difference
    cut: date | None = None
    future: str = ""
    text: str = ""


def leaks_of(seen: Sequence[Seen], hint: Callable[[Sequence[Seen]], str]) -> tuple[Leak, ...]:
    """One leak for each thing that differed, in the order of the pipeline.

    Args:
        seen: every difference, in the order in which they were met.
        hint: of all that was seen of one leak, what kind it looks like.
    """
    groups: dict[tuple[Stage, str], list[Seen]] = {}
    for one in seen:
        groups.setdefault((one.difference.stage, one.difference.name), []).append(one)
    ordered = sorted(groups, key=lambda key: _ORDER.index(key[0]))
    return tuple(_leak(groups[key], hint(groups[key])) for key in ordered)


def _leak(group: Sequence[Seen], hint: str) -> Leak:
    first = group[0]
    found = first.difference
    futures = tuple(dict.fromkeys(one.future for one in group if one.future))
    return Leak(
        stage=found.stage,
        name=found.name,
        symbol=found.symbol,
        session=found.session,
        cut=first.cut,
        before=_plain(found.before),
        after=_plain(found.after),
        text=first.text or _sentence(first),
        hint=hint,
        futures=futures,
        cuts=len({one.cut for one in group}),
    )


def _sentence(one: Seen) -> str:
    found = one.difference
    before, after = _shown(found.before, found.after)
    of = f"; {found.changed:,} of {found.compared:,} differ" if found.compared > 1 else ""
    when = _TEXT[one.future].format(cut=one.cut)
    return f"{found.name}: {found.symbol}, {found.session} changed when {when}: {before} -> {after}{of}"


def _shown(before: Any, after: Any) -> tuple[str, str]:
    """Both as short as tells them apart."""
    for digits in (4, 8, 17):
        texts = _text(before, digits), _text(after, digits)
        if texts[0] != texts[1]:
            break
    return texts


def _text(value: Any, digits: int) -> str:
    if value is None:
        return "missing"
    return f"{value:.{digits}g}" if isinstance(value, float | np.floating) else str(value)


def _plain(value: Any) -> Any:
    """For JSON, which has neither NaN nor dates."""
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return None if value is None else str(value)
