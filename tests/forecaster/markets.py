"""Prices to test with, made up from a seed or given by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from data.bars import Bars, validate
from data.scaling import Scaling, WindowScaling
from data.windows import Target, Windows, cut, panel

Floats = NDArray[np.float64]

# A Monday; the business days that follow are sessions enough for what is tested here.
FIRST_DAY = "2020-01-06"


def walk(seed: int, n: int, *, start: float = 100.0, volatility: float = 0.02) -> Floats:
    """`n` closes that start near `start` and know nothing of each other's direction."""
    return start * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, volatility, n)))


def make_bars(
    closes: Mapping[str, ArrayLike],
    *,
    factors: Mapping[str, ArrayLike] | None = None,
    listed: Mapping[str, int] | None = None,
    first: str = FIRST_DAY,
) -> Bars:
    """Bars on business days.

    Args:
        closes: for each symbol its closes as traded; NaN where it did not trade.
        factors: for each symbol its adjustment factors; 1 where none are given.
        listed: for each symbol how many sessions after `first` it begins; 0 where none is given.
        first: the first session.
    """
    tables = []
    for symbol, given in closes.items():
        close = np.asarray(given, dtype=np.float64)
        begin = (listed or {}).get(symbol, 0)
        table = pd.DataFrame(
            {
                "symbol": symbol,
                "session": pd.bdate_range(first, periods=begin + len(close))[begin:],
                "open": close * 0.999,
                "high": close * 1.01,
                "low": close * 0.98,
                "close": close,
                "volume": 1000.0 + 10.0 * (np.arange(len(close)) % 7),
                "amount": np.nan,
                "adj_factor": np.asarray((factors or {}).get(symbol, np.ones(len(close))), dtype=np.float64),
            }
        )
        tables.append(table[table["close"].notna()])
    table = pd.concat(tables, ignore_index=True)
    checked = validate(table, source="made up")
    assert len(checked.bars) == len(table), checked.quarantine
    return checked.bars


def until(bars: Bars, day: pd.Timestamp) -> Bars:
    """The bars as they were at the end of that day."""
    return Bars(bars.frame[bars.frame["session"] <= day].reset_index(drop=True))


def make_windows(
    bars: Bars,
    *,
    lookback: int,
    horizon: int = 1,
    target: Target = "change",
    features: Sequence[str] = ("close",),
    scaling: Scaling | None = None,
) -> Windows:
    """The windows of `bars` whose outcomes are known."""
    rows = panel(bars, features)
    made = cut(rows, lookback=lookback, horizon=horizon, target=target, scaling=scaling or WindowScaling())
    return made.take(made.known)
