"""What every forecaster gives, and how it is asked.

A table of forecasts has one row for each origin: symbol and origin (the session whose bar is the newest one that the
forecast knows), and one column for each quantile level, named by it ("0.05"). Quantiles are backward-adjusted closes
[currency] of the symbol's next bar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from data.adjust import adjusted
from data.bars import Bars

Array = np.ndarray[Any, np.dtype[np.float64]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]
Index = np.ndarray[Any, np.dtype[np.int64]]

LEVELS: Final = (0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95)
KEYS: Final = ("symbol", "origin")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Block:
    """The origins between two refits, with what may be known for them.

    Attributes:
        number, of: which block of the walk this is, from 1.
        refit: the session at which everything is fitted.
        known: bars up to and including `refit`: what may be fitted on.
        seen: bars up to and including the last origin. A forecast may use those up to its own origin, and no others.
        origins: symbol and origin of each forecast, by symbol and then by origin.
    """

    number: int
    of: int
    refit: np.datetime64
    known: Bars
    seen: Bars
    origins: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Made:
    """Forecasts of one block: rows for some or all of its origins, and counts of what a reader should know."""

    table: pd.DataFrame
    notes: Mapping[str, int] = field(default_factory=dict)


class Forecaster(Protocol):
    """Something that forecasts; fitted anew for each block."""

    @property
    def name(self) -> str:
        """One of `registered.NAMES`."""
        ...

    @property
    def seeded(self) -> bool:
        """Whether its forecasts depend on a seed."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """JSON-ready values that its forecasts depend on, beside the prices and the blocks."""
        ...

    def fit_predict(self, block: Block, levels: Sequence[float], seed: int, say: Say) -> Made:
        """Forecasts of a block.

        Args:
            block: the origins, and what may be known.
            levels: probabilities, ascending, 0.5 among them.
            seed: for a `seeded` forecaster; the others ignore it.
            say: called with a line on how far it is.
        """
        ...


class Unavailable(Exception):
    """A forecaster cannot run here: `name` is missing, and `hint` says what to do."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f"{name} is not there: {hint}")
        self.name = name
        self.hint = hint


def column(level: float) -> str:
    """The name of a quantile's column: 0.05 -> "0.05"."""
    return f"{level:.12g}"


@dataclass(frozen=True, slots=True)
class Series:
    """One symbol's bars in session order, with the places of a block's origins among them.

    Attributes:
        symbol: whose.
        session: `(n,) datetime64[D]`.
        close: `(n,)` backward-adjusted [currency].
        fitted: how many of the bars are known at the refit.
        at: `(m,)`, the places of the origins.
    """

    symbol: str
    session: Days
    close: Array
    fitted: int
    at: Index

    @property
    def returns(self) -> Array:
        """`(n - 1,)`: ln c(t)/c(t-1); entry i - 1 is the return into bar i."""
        return np.diff(np.log(self.close))


def series_of(block: Block) -> list[Series]:
    """Every symbol that the block has origins of."""
    table = adjusted(block.seen, "backward")
    asked = {symbol: own["origin"].to_numpy() for symbol, own in block.origins.groupby("symbol")}
    found = []
    for symbol, own in table.groupby("symbol"):
        if symbol not in asked:
            continue
        session = own["session"].to_numpy().astype("datetime64[D]")
        found.append(
            Series(
                symbol=str(symbol),
                session=session,
                close=own["close"].to_numpy(dtype="float64"),
                fitted=int(np.searchsorted(session, block.refit, side="right")),
                at=np.searchsorted(session, asked[symbol].astype("datetime64[D]")).astype(np.int64),
            )
        )
    return found


def rows(one: Series, at: Index, quantiles: Array, levels: Sequence[float]) -> pd.DataFrame:
    """Forecasts of one symbol as a table.

    Args:
        one: whose.
        at: `(m,)` places of the origins.
        quantiles: `(m, q)` closes [currency].
        levels: `(q,)`.
    """
    named = {column(level): quantiles[:, position] for position, level in enumerate(levels)}
    origin = one.session[at].astype("datetime64[s]")
    return pd.DataFrame({"symbol": pd.Series([one.symbol] * len(at), dtype="str"), "origin": origin, **named})


def joined(pieces: Sequence[pd.DataFrame], levels: Sequence[float]) -> pd.DataFrame:
    """The tables of several symbols as one."""
    if pieces:
        return pd.concat(pieces, ignore_index=True)
    columns = {column(level): np.empty(0) for level in levels}
    return pd.DataFrame(
        {"symbol": pd.Series([], dtype="str"), "origin": pd.Series([], dtype="datetime64[s]"), **columns}
    )


def around_zero(returns: Array, levels: Sequence[float]) -> Array:
    """Quantiles of returns `(..., q)` without a view on the direction: the median 0, the others on their side of it."""
    middle = list(levels).index(0.5)
    moved = returns.copy()
    moved[..., :middle] = np.minimum(moved[..., :middle], 0.0)
    moved[..., middle] = 0.0
    moved[..., middle + 1 :] = np.maximum(moved[..., middle + 1 :], 0.0)
    return moved
