"""The bars of some symbols of one exchange as arrays, so that thousands of symbols are looked at in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
import pandas as pd

from data import facts
from data.errors import UnknownExchange
from data.health.findings import Finding, Kind, Severity
from data.price_limits import Bools, Days, Floats, Ints
from data.sessions import ExchangeSessions

# Symbols are looked at so many bars at a time: enough to be quick, few enough for little memory.
_BLOCK: Final = 500_000


class Why(IntEnum):
    """Why a session has no bar; of several answers about one session the greatest counts."""

    NOT_KNOWN = 0
    ABSENT = 1
    SUSPENDED = 2


@dataclass(frozen=True, slots=True)
class Reasons:
    """What a source says of sessions without a bar.

    Attributes:
        given: whether a source was asked at all.
        said: a `Why` for each symbol and session that it tells of, by their `_key`.
    """

    given: bool
    said: pd.Series[int]

    def of(self, codes: Ints, places: Ints) -> Ints:
        """A `Why` for each pair of a symbol's code and a session's position, `(n,)`."""
        found: Ints = self.said.reindex(_key(codes, places), fill_value=Why.NOT_KNOWN).to_numpy().astype(np.int64)
        return found


@dataclass(frozen=True, slots=True)
class Block:
    """Bars of some symbols of one exchange, by symbol and session, as arrays `(n,)` with a row a bar.

    Attributes:
        names: all symbols of the table; `of` says whose a row is.
        calendar: None for an exchange that is not known.
        reasons: what is said of sessions without a bar.
        of: the symbol's code, its position in `names`.
        day: the bar's day; `place` is its position among the calendar's sessions.
        values: open, high, low, close and adj_factor.
    """

    names: tuple[str, ...]
    calendar: ExchangeSessions | None
    reasons: Reasons
    of: Ints
    day: Days
    place: Ints
    values: Mapping[str, Floats]

    @property
    def begins(self) -> Bools:
        """Rows that are a symbol's first."""
        return np.asarray(np.diff(self.of, prepend=-1) != 0)

    def rows(self, keep: Bools) -> Block:
        """Only these rows."""
        if keep.all():
            return self
        values = {name: column[keep] for name, column in self.values.items()}
        return replace(self, of=self.of[keep], day=self.day[keep], place=self.place[keep], values=values)

    def spans(self) -> list[tuple[int, int]]:
        """The first and the last row of each symbol."""
        first = np.flatnonzero(self.begins)
        last = np.flatnonzero(np.diff(self.of, append=-1))
        return list(zip(first.tolist(), last.tolist(), strict=True))

    def finding(self, kind: Kind, row: int, last: int, text: str, severity: Severity) -> Finding:
        """About the bars from `row` to `last`."""
        days = self.day[row].item(), self.day[last].item()
        return Finding(kind, self.names[self.of[row]], *days, last - row + 1, text, severity)


def blocks(
    frame: pd.DataFrame, sessions: Callable[[str], ExchangeSessions], gaps: pd.DataFrame | None
) -> Iterator[Block]:
    """The rows of `frame`, which is sorted as `Bars` are; arguments as of `data.health.check.check`."""
    sizes = frame.groupby("symbol", sort=False).size()
    names = tuple(map(str, sizes.index))
    size = sizes.to_numpy()
    start = np.cumsum(size) - size
    calendars = [_calendar(sessions, name) for name in names]
    day = frame["session"].to_numpy().astype("datetime64[D]")
    values = {name: frame[name].to_numpy() for name in ("open", "high", "low", "close", "adj_factor")}
    for calendar in {id(one): one for one in calendars}.values():
        codes = np.array([code for code, one in enumerate(calendars) if one is calendar])
        reasons = _reasons(gaps, names, calendar)
        number = np.cumsum(size[codes]) // _BLOCK
        for own in (codes[number == one] for one in np.unique(number)):
            rows = np.concatenate([np.arange(start[code], start[code] + size[code]) for code in own])
            place = np.zeros(len(rows), dtype=np.int64)
            if calendar is not None:
                place = np.searchsorted(calendar.days, day[rows])
            cut = {name: column[rows] for name, column in values.items()}
            yield Block(names, calendar, reasons, np.repeat(own, size[own]), day[rows], place, cut)


def _key(codes: Ints, places: Ints) -> Ints:
    return codes * (1 << 24) + places


def _calendar(sessions: Callable[[str], ExchangeSessions], symbol: str) -> ExchangeSessions | None:
    try:
        return sessions(symbol)
    except UnknownExchange:
        return None


def _reasons(gaps: pd.DataFrame | None, names: tuple[str, ...], calendar: ExchangeSessions | None) -> Reasons:
    if gaps is None or calendar is None:
        return Reasons(gaps is not None, pd.Series(dtype="int64"))
    codes = pd.Index(names).get_indexer(pd.Index(gaps["symbol"]))
    days = gaps["session"].to_numpy().astype("datetime64[D]")
    places = np.searchsorted(calendar.days, days)
    told = (codes >= 0) & (calendar.days[np.minimum(places, len(calendar.days) - 1)] == days)
    why = gaps["why"].map({facts.ABSENT: Why.ABSENT, facts.SUSPENDED: Why.SUSPENDED}).fillna(Why.NOT_KNOWN)
    said = pd.Series(why.to_numpy(dtype=np.int64)[told], index=_key(codes, places)[told])
    return Reasons(True, said.groupby(level=0).max())
