"""Columns derived from the past only.

A feature of a session may use that session and earlier ones, nothing later. The tests hold every feature in
`FEATURES` to it: they change the future and demand the same past. Prices are backward-adjusted, so that not even a
later dividend reaches back.

============== =====================================================================================
open … close   backward-adjusted price [currency]
volume         ln(1 + adjusted volume): volumes span orders of magnitude, and MinMax is linear
log_return     ln c(t)/c(t-1) [1]
log_range      ln high/low of the session [1], the range behind Parkinson's (1980) volatility
overnight      ln open(t)/c(t-1) [1]
ewma_volatility  root of the exponentially weighted mean squared log return, decay 0.94 (RiskMetrics 1996) [1]
weekday        Monday 0 … Friday 4
pause_days     calendar days since the previous bar: weekends, holidays, suspensions
============== =====================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from data.errors import UnknownFeature

Array = np.ndarray[Any, np.dtype[np.float64]]

RISKMETRICS_DECAY: Final = 0.94


def _log(values: pd.Series[float]) -> pd.Series[float]:
    return pd.Series(np.log(values.to_numpy(dtype="float64")), index=values.index)


def _log_return(own: pd.DataFrame) -> pd.Series[float]:
    return _log(own["close"]).diff()


def _ewma_volatility(own: pd.DataFrame) -> pd.Series[float]:
    squared = _log_return(own) ** 2
    return squared.ewm(alpha=1 - RISKMETRICS_DECAY, adjust=True).mean() ** 0.5


# Every feature takes one symbol's adjusted bars in session order and gives one value a session. The first
# sessions may be NaN, where the feature needs a past that is not there.
FEATURES: Final[Mapping[str, Callable[[pd.DataFrame], pd.Series[float]]]] = {
    "open": lambda own: own["open"],
    "high": lambda own: own["high"],
    "low": lambda own: own["low"],
    "close": lambda own: own["close"],
    "volume": lambda own: _log(own["volume"] + 1),
    "log_return": _log_return,
    "log_range": lambda own: _log(own["high"] / own["low"]),
    "overnight": lambda own: _log(own["open"] / own["close"].shift()),
    "ewma_volatility": _ewma_volatility,
    "weekday": lambda own: own["session"].dt.day_of_week.astype("float64"),
    "pause_days": lambda own: own["session"].diff().dt.days.astype("float64"),
}


def check_features(names: Sequence[str]) -> None:
    """Raises `UnknownFeature` for the first name that is not in `FEATURES`."""
    for name in names:
        if name not in FEATURES:
            raise UnknownFeature(name, FEATURES)


def features(own: pd.DataFrame, names: Sequence[str]) -> Array:
    """Feature columns of one symbol.

    Args:
        own: backward-adjusted bars of one symbol, `(n,)` sessions in order.
        names: names in `FEATURES`, which become the columns in this order.

    Returns:
        `(n, len(names)) float64`; rows at the start may hold NaN.

    Raises:
        UnknownFeature: a name is not in `FEATURES`.
    """
    check_features(names)
    return np.column_stack([FEATURES[name](own).to_numpy(dtype="float64") for name in names])
