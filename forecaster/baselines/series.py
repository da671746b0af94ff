"""The bars of one symbol with the places of a fold's origins among them, and forecasts made of them as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data.adjust import adjusted
from forecaster.baselines.protocol import Fold
from forecaster.diagnostics.table import column

Array = np.ndarray[Any, np.dtype[np.float64]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]
Index = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Series:
    """One symbol's bars in session order, with the places of a fold's origins among them.

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


def series_of(fold: Fold) -> list[Series]:
    """Every symbol that the fold has origins of."""
    table = adjusted(fold.seen, "backward")
    asked = {symbol: own["origin"].to_numpy() for symbol, own in fold.origins.groupby("symbol")}
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
                fitted=int(np.searchsorted(session, fold.refit, side="right")),
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
