"""For each symbol the spans of which the store has what the source had.

A span holds calendar days, so that two of them touch where one ends the day before the other begins. It also counts the
bars within, by which a store that has lost some is found out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Covered:
    """From `first` to `through`, both included, with so many bars."""

    first: date
    through: date
    bars: int


class Coverage:
    """Spans by symbol; those of one symbol neither overlap nor touch."""

    def __init__(self, frame: pd.DataFrame | None = None) -> None:
        """From a table as `data.facts` keeps it: symbol, first, through, bars."""
        self._spans: dict[str, list[Covered]] = defaultdict(list)
        if frame is not None:
            days = zip(frame["first"].dt.date, frame["through"].dt.date, strict=True)
            for symbol, (first, through), bars in zip(frame["symbol"], days, frame["bars"], strict=True):
                self._spans[symbol].append(Covered(first, through, int(bars)))

    def __iter__(self) -> Iterator[str]:
        """The symbols of which anything is covered, sorted."""
        return iter(sorted(symbol for symbol, spans in self._spans.items() if spans))

    def of(self, symbol: str) -> tuple[Covered, ...]:
        """A symbol's spans, oldest first."""
        return tuple(self._spans[symbol]) if symbol in self._spans else ()

    def bars(self, symbol: str) -> int:
        """How many bars of a symbol the store must have."""
        return sum(span.bars for span in self.of(symbol))

    def forget(self, symbol: str) -> None:
        """The store no longer has what was recorded."""
        self._spans.pop(symbol, None)

    def holds(self, symbol: str, day: date) -> bool:
        """Whether a day lies within a span of a symbol."""
        return any(span.first <= day <= span.through for span in self.of(symbol))

    def add(self, symbol: str, first: date, through: date, new_bars: int) -> None:
        """One more span, in which `new_bars` lie that no span has counted yet."""
        apart, bars = [], new_bars
        for span in self.of(symbol):
            if span.through + _DAY < first or through + _DAY < span.first:
                apart.append(span)
            else:
                first, through, bars = min(first, span.first), max(through, span.through), bars + span.bars
        self._spans[symbol] = sorted([*apart, Covered(first, through, bars)], key=lambda span: span.first)

    def frame(self) -> pd.DataFrame:
        """As a table: symbol, first, through, bars."""
        rows = [(symbol, one.first, one.through, one.bars) for symbol in self for one in self.of(symbol)]
        table = pd.DataFrame(rows, columns=["symbol", "first", "through", "bars"])
        return table.astype({"symbol": "str", "first": "datetime64[s]", "through": "datetime64[s]", "bars": "int64"})
