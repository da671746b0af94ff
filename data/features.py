"""Columns derived from the past only.

A feature of a session may use that session and earlier ones, nothing later. The tests hold every feature in `FEATURES`
to it: they change the future and demand the same past. Prices are backward-adjusted, so that not even a later dividend
reaches back. Each feature says how many earlier bars decide it; with those it is the same to the last bit.

The first kind has units or a level of its own and is MinMax-scaled, by window or by series (`data.scaling`):

=================  ===================================================================================================
open … close       backward-adjusted price [currency]
volume             ln(1 + adjusted volume): volumes span orders of magnitude, and MinMax is linear
log_return         ln c(t)/c(t-1) [1]
log_range          ln high/low of the session [1], the range behind Parkinson's (1980) volatility
overnight          ln open(t)/c(t-1) [1]
ewma_volatility    root of the exponentially weighted mean squared log return, decay 0.94 (RiskMetrics 1996) [1], over
                   the last 128 sessions, beyond which less than 0.04 % of the weight lies
weekday            Monday 0 … Friday 4
pause_days         calendar days since the previous bar: weekends, holidays, suspensions
=================  ===================================================================================================

The second kind is free of units and stays as it is, but for a cut at ±5: what MinMax takes out of a window, its level.
Let s be the share's volatility: the root of the mean, with a half-life of 10 sessions, of each session's variance,
which is the squared overnight return plus Garman & Klass' (1980) estimate for the hours of trading.

=================  ===================================================================================================
move               log return / s
overnight_move     overnight return / s
week, month        the log return of 5 and of 20 sessions over s√5 and s√20: reversal (Jegadeesh 1990, Lehmann 1990)
highest_move       the largest log return of 16 sessions / s: lottery demand (Bali, Cakici & Whitelaw 2011)
drawdown           3 ln c(t) / highest close of 256 sessions: distance to the high (George & Hwang 2004)
close_position     where the close lies in the session's range, -0.5 at the low to 0.5 at the high
session_range      ln of the session's own volatility over s
week_volatility    ln of volatility with a half-life of 3 sessions over s (components as in Corsi 2009)
long_volatility    ln of volatility with a half-life of 40 sessions over s
volatility_level   twice (ln of that long volatility + 4): how lively the share is altogether
month_size         ln of the mean absolute log return with a half-life of 10 sessions over s
volume_surge       ln of the volume over its mean with a half-life of 20 sessions (Gervais, Kaniel & Mingelgrin 2001)
volume_trend       the same of the mean with a half-life of 3 sessions
at_limit           1 where the close is the highest that the exchange's price limit allows, -1 where the lowest, else 0
day_of_week        -1 on Monday … 1 on Friday (French 1980)
pause              ln of `pause_days`
excess_move        log return less the universe's mean on that session, / s
excess_week        excess return of 5 sessions over s√5
excess_month       the same of 20 sessions over s√20
universe_surge     ln of the universe's mean absolute return over its mean with a half-life of 40 sessions
universe_size      ln of the universe's mean absolute return with a half-life of 3 sessions over the same
dispersion         ln of the spread of the universe's returns, half-life 3 over half-life 40
=================  ===================================================================================================

The universe's figures are means over its symbols on the same exchange and session. They tell how lively the market is,
not where it went: a network that is told the market's direction bets on it as a whole, on few independent days.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from data import indicators
from data.errors import UnknownFeature
from data.history import Array, History, Index

# Where a unit-free feature is cut: a few standard deviations, so that one odd session cannot drive a network.
CUT: Final = 5.0


@dataclass(frozen=True, slots=True)
class Feature:
    """One column.

    Attributes:
        of: its values, `(bars, symbols)`; NaN where the past that it needs is not there.
        memory: how many earlier bars decide it.
        warmup: how many bars a symbol must have had before the first value.
        minmax: whether it is MinMax-scaled, or free of units and left as it is.
        universe: whether it needs the other symbols: their bars on the same sessions, and each one's last bar before.
    """

    of: Callable[[History], Array]
    memory: int
    warmup: int
    minmax: bool = False
    universe: bool = False


FEATURES: Final[Mapping[str, Feature]] = {
    "open": Feature(lambda past: past.open, 0, 0, minmax=True),
    "high": Feature(lambda past: past.high, 0, 0, minmax=True),
    "low": Feature(lambda past: past.low, 0, 0, minmax=True),
    "close": Feature(lambda past: past.close, 0, 0, minmax=True),
    "volume": Feature(indicators.log_volume, 0, 0, minmax=True),
    "log_return": Feature(indicators.log_return, 1, 1, minmax=True),
    "log_range": Feature(indicators.log_range, 0, 0, minmax=True),
    "overnight": Feature(indicators.overnight, 1, 1, minmax=True),
    "ewma_volatility": Feature(indicators.ewma_volatility, 128, 1, minmax=True),
    "weekday": Feature(indicators.weekday, 0, 0, minmax=True),
    "pause_days": Feature(indicators.pause_days, 1, 1, minmax=True),
    "move": Feature(indicators.move, 64, 10),
    "overnight_move": Feature(indicators.overnight_move, 64, 10),
    "week": Feature(lambda past: indicators.momentum(past, 5), 64, 10),
    "month": Feature(lambda past: indicators.momentum(past, 20), 64, 20),
    "highest_move": Feature(indicators.highest_move, 64, 10),
    "drawdown": Feature(indicators.drawdown, 255, 0),
    "close_position": Feature(indicators.close_position, 0, 0),
    "session_range": Feature(indicators.session_range, 64, 10),
    "week_volatility": Feature(indicators.week_volatility, 64, 10),
    "long_volatility": Feature(indicators.long_volatility, 256, 10),
    "volatility_level": Feature(indicators.volatility_level, 256, 10),
    "month_size": Feature(indicators.month_size, 64, 10),
    "volume_surge": Feature(indicators.volume_surge, 127, 9),
    "volume_trend": Feature(indicators.volume_trend, 127, 9),
    "at_limit": Feature(indicators.at_limit, 1, 0),
    "day_of_week": Feature(lambda past: (indicators.weekday(past) - 2) / 2, 0, 0),
    "pause": Feature(lambda past: np.log(indicators.pause_days(past)), 1, 1),
    "excess_move": Feature(lambda past: indicators.excess(past, 1), 64, 10, universe=True),
    "excess_week": Feature(lambda past: indicators.excess(past, 5), 64, 10, universe=True),
    "excess_month": Feature(lambda past: indicators.excess(past, 20), 64, 20, universe=True),
    "universe_surge": Feature(lambda past: indicators.universe_size(past, None), 256, 10, universe=True),
    "universe_size": Feature(lambda past: indicators.universe_size(past, 3), 256, 10, universe=True),
    "dispersion": Feature(indicators.dispersion, 256, 10, universe=True),
}

# What a target in units of volatility needs (see `volatility`).
VOLATILITY_MEMORY: Final = 64


def check_features(names: Sequence[str]) -> None:
    """Raises `UnknownFeature` for the first name that is not in `FEATURES`."""
    for name in names:
        if name not in FEATURES:
            raise UnknownFeature(name, FEATURES)


def features(
    table: pd.DataFrame, names: Sequence[str], universe: Collection[str] | None = None
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Feature columns of any number of symbols.

    Args:
        table: backward-adjusted bars, `(n,)` rows sorted by symbol and session.
        names: names in `FEATURES`, which become the columns in this order.
        universe: the symbols that make up the universe; None takes all in the table.

    Returns:
        `(n, len(names)) float64`; rows at the start of a symbol may hold NaN.

    Raises:
        UnknownFeature: a name is not in `FEATURES`.
    """
    check_features(names)
    return columns(History(table, universe), names)


def columns(past: History, names: Sequence[str], rows: Index | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
    """As `features`, of bars that are laid out already; the names are known. Some of the rows, where they are given."""
    # Column after column, and turned once: writing every column into its rows would touch all the memory each time.
    made = np.empty((len(names), len(past) if rows is None else len(rows)))
    for position, name in enumerate(names):
        made[position] = past.flat(FEATURES[name].of(past), rows)
    limit = np.where(minmax_columns(names), np.inf, CUT)[:, None]
    np.clip(made, -limit, limit, out=made)
    return np.ascontiguousarray(made.T)


def minmax_columns(names: Sequence[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """`(len(names),)`: which of them are MinMax-scaled."""
    return np.array([FEATURES[name].minmax for name in names], dtype=bool)


def memory(names: Sequence[str]) -> int:
    """How many bars before a session decide its features and its volatility."""
    return max(VOLATILITY_MEMORY, *(FEATURES[name].memory for name in names))


def warmup(names: Sequence[str]) -> int:
    """How many bars a symbol must have had before its first row with all the features."""
    return max(FEATURES[name].warmup for name in names)


def needs_universe(names: Sequence[str]) -> bool:
    """Whether any of the features needs the other symbols."""
    return any(FEATURES[name].universe for name in names)
