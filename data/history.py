"""Bars of many symbols as rectangles, for features to be computed on all symbols at once.

Row k of a column is the symbol's own k-th bar, so that "five sessions ago" is five rows up for every symbol, whatever
its suspensions. Columns that end earlier are filled up with NaN below; nothing here looks down.

Means and sums over the past are built by doubling: those over 2m sessions from those over m, twice. That takes few
passes, and the result at a row depends on the rows of its own span alone, to the last bit: the newest rows come out
alike whether the whole history or only its end was read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd

from data.adjust import adjusted_numbers
from data.bars import Bars
from data.symbols import market_of

Array = np.ndarray[Any, np.dtype[np.float64]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]
Index = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

# Histories of one symbol up to so many bars, as requests bring them, share what does not depend on their values.
_SHORT: Final = 512

_COLUMNS: Final = ("open", "high", "low", "close", "volume", "adj_factor")


class History:
    """Adjusted bars as `(bars, symbols)` arrays.

    Attributes:
        symbols: the names, one a column.
        open, high, low, close: backward-adjusted prices [currency].
        volume: adjusted volume [shares].
        factor: adjustment factors [1]; close / factor is the close as traded.
        session: `datetime64[D]`, NaT where a column has ended.
        columns: for each row of the table its symbol's column, `(n,)`.
    """

    def __init__(self, table: pd.DataFrame, universe: Collection[str] | None = None) -> None:
        """Lay the bars out.

        Args:
            table: backward-adjusted bars, sorted by symbol and session.
            universe: the symbols that cross-sections are taken over; None takes all.
        """
        self._lay_table(table, _numbers(table), universe)

    @classmethod
    def of_bars(cls, bars: Bars, universe: Collection[str] | None = None) -> History:
        """The same from bars as traded, without a table of adjusted ones in between."""
        made = cls.__new__(cls)
        made._lay_table(bars.frame, adjusted_numbers(_numbers(bars.frame)), universe)
        return made

    @classmethod
    def of_one(cls, symbol: str, session: Days, numbers: Mapping[str, Array]) -> History:
        """The same for one symbol whose bars are arrays already, at a fraction of what a table costs.

        Args:
            symbol: whose.
            session: `(n,) datetime64[D]`, ascending.
            numbers: open, high, low, close [currency], volume [shares] and adj_factor [1] by these names, each `(n,)`
                and as in a table of backward-adjusted bars.
        """
        made = cls.__new__(cls)
        made._lay((symbol,), np.zeros(len(session), dtype=np.int64), session, numbers, None)
        return made

    def _lay_table(self, table: pd.DataFrame, numbers: Mapping[str, Array], universe: Collection[str] | None) -> None:
        codes, names = pd.factorize(table["symbol"])
        session = table["session"].to_numpy().astype("datetime64[D]")
        self._lay(tuple(str(name) for name in names), codes.astype(np.int64), session, numbers, universe)

    def _lay(
        self,
        symbols: tuple[str, ...],
        codes: Index,
        session: Days,
        numbers: Mapping[str, Array],
        universe: Collection[str] | None,
    ) -> None:
        self.symbols = symbols
        self.columns = codes
        counts = np.bincount(codes, minlength=len(symbols)).astype(np.int64)
        self._counts: Index = counts
        starts = np.cumsum(counts) - counts
        self._shape = (int(counts.max(initial=0)), len(symbols))
        # Where each row of the table lies in a rectangle that is read row by row.
        self._place: Index = (np.arange(len(codes)) - starts[codes]) * len(symbols) + codes
        self.open, self.high, self.low, self.close, self.volume, self.factor = (
            self._rectangle(numbers[name]) for name in _COLUMNS
        )
        self.session: Days = np.full(self._shape, np.datetime64("NaT", "D"))
        np.put(self.session, self._place, session)
        self._in_universe = np.array([universe is None or name in universe for name in symbols], dtype=bool)
        self._made: dict[str, Array] = {}
        self._groups: tuple[Index, int] | None = None

    def __len__(self) -> int:
        """How many bars."""
        return len(self._place)

    def flat(self, values: Array, rows: Index | None = None) -> Array:
        """`(bars, symbols)` as one value a row of the table, `(n,)`; of one symbol a view, not to be written to.

        Args:
            values: what is to be laid out.
            rows: which rows of the table; None takes all.
        """
        if rows is not None:
            return np.take(values, self._place[rows])
        return values.ravel() if len(self.symbols) == 1 else np.take(values, self._place)

    def newest(self, count: int) -> Index:
        """The last `count` rows of each symbol, or as many as it has, in the table's order."""
        left = self._counts[self.columns] - self.bar
        return np.flatnonzero(left <= count)

    @property
    def bar(self) -> Index:
        """For each row of the table how many bars of its symbol come before it, `(n,)`."""
        return self._place // max(len(self.symbols), 1)

    def once(self, name: str, make: Callable[[], Array]) -> Array:
        """What `make` gives, made at the first call and kept: features share it, and must not write to it."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def across(self, values: Array) -> Array:
        """The mean over the universe's symbols of the same exchange on the same session, for every bar.

        NaN where none has a value. A symbol outside the universe gets the universe's mean.
        """
        groups, count = self._sessions()
        one = self.flat(values)
        counted = ~np.isnan(one) & self._in_universe[self.columns]
        sums = np.bincount(groups[counted], weights=one[counted], minlength=count)
        number = np.bincount(groups[counted], minlength=count)
        means = np.divide(sums, number, out=np.full(count, np.nan), where=number > 0)
        return self._rectangle(means[groups])

    def _sessions(self) -> tuple[Index, int]:
        """For each row of the table the number of its exchange and session, and how many there are."""
        if self._groups is None:
            exchanges = np.unique([market_of(name) for name in self.symbols], return_inverse=True)[1]
            days = self.flat_days().astype(np.int64)
            pairs = exchanges[self.columns].astype(np.int64) * 10_000_000 + days
            found, groups = np.unique(pairs, return_inverse=True)
            self._groups = groups.astype(np.int64), len(found)
        return self._groups

    def flat_days(self) -> Days:
        """The session of each row of the table, `(n,)`."""
        return self.session.ravel() if len(self.symbols) == 1 else np.take(self.session, self._place)

    def _rectangle(self, values: Array) -> Array:
        made = np.full(self._shape, np.nan)
        np.put(made, self._place, values)
        return made


def _numbers(table: pd.DataFrame) -> dict[str, Array]:
    return {name: table[name].to_numpy(dtype="float64") for name in _COLUMNS}


def lag(values: Array, sessions: int) -> Array:
    """`(bars, symbols)` as they were so many bars ago; NaN before the first."""
    made = np.full_like(values, np.nan)
    if sessions < len(values):
        made[sessions:] = values[: len(values) - sessions]
    return made


def recent_mean(values: Array, half_life: float, sessions: int, least: int) -> Array:
    """The exponentially weighted mean of the last bars.

    Args:
        values: `(bars, symbols)`; NaN counts for nothing.
        half_life: bars after which a weight has halved; infinity weighs all alike.
        sessions: how many bars are looked at, a power of two.
        least: with fewer values than this in the span the mean is NaN.
    """
    present = ~np.isnan(values)
    sums = _doubled(np.where(present, values, 0.0), half_life, sessions)
    if values.shape[1] == 1 and len(values) <= _SHORT:
        weights, numbers = _weights_of_one(present.tobytes(), half_life, sessions)
    else:
        weights, numbers = _weights(present, half_life, sessions)
    return np.divide(sums, weights, out=np.full_like(sums, np.nan), where=numbers >= least)


def _weights(present: Flags, half_life: float, sessions: int) -> tuple[Array, Array]:
    """What the weights in `recent_mean`'s sums add up to, and of how many values."""
    each = present.astype(np.float64)
    return _doubled(each.copy(), half_life, sessions), _doubled(each, np.inf, sessions)


@lru_cache(maxsize=64)
def _weights_of_one(present: bytes, half_life: float, sessions: int) -> tuple[Array, Array]:
    """The same of one symbol. They do not depend on the values, so that they are alike in most forecasts of one."""
    return _weights(np.frombuffer(present, dtype=bool)[:, None], half_life, sessions)


def _doubled(total: Array, half_life: float, sessions: int) -> Array:
    """`(bars, symbols)`: the decaying sums over the last bars, written over `total`."""
    span = 1
    while span < min(sessions, len(total)):
        earlier = total[:-span] * 0.5 ** (span / half_life)  # a copy, read before its rows are written
        total[span:] += earlier
        span *= 2
    return total


def recent_max(values: Array, sessions: int) -> Array:
    """The largest of the last bars that are there, this one included; `sessions` is a power of two."""
    found = values.copy()
    span = 1
    while span < sessions:
        earlier = found[:-span].copy()
        found[span:] = np.fmax(found[span:], earlier)
        span *= 2
    return found
