"""Every feature once more, as a plain loop written from its description: what `data.features` is held against.

A column holds one number for each row of one symbol. `LOOPS` gives the columns of all symbols of a market at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any, cast

import pandas as pd

Rows = list[dict[str, Any]]
Column = list[float]

CENT = Decimal("0.01")

# By the suffix; Shanghai and Shenzhen keep the same sessions.
EXCHANGE = {"": "New York", "SH": "China", "SZ": "China", "HK": "Hong Kong"}
# Per cent that a close may lie away from its reference, in 2024.
LIMIT = {"600000.SH": 10, "300001.SZ": 20}


@dataclass(frozen=True)
class Market:
    """The adjusted rows of each symbol, and which symbols are the universe."""

    rows: dict[str, Rows]
    universe: frozenset[str]

    @classmethod
    def of(cls, table: pd.DataFrame, universe: Collection[str] | None) -> Market:
        rows = {str(symbol): cast(Rows, own.to_dict("records")) for symbol, own in table.groupby("symbol")}
        return cls(rows, frozenset(rows if universe is None else universe))

    def own(self, loop: Callable[[Rows], Column]) -> dict[str, Column]:
        return {symbol: loop(rows) for symbol, rows in self.rows.items()}

    def across(self, columns: dict[str, Column]) -> dict[str, Column]:
        """For each row the mean of the universe's symbols on the same exchange and session."""
        found: dict[tuple[str, Any], list[float]] = {}
        for symbol in sorted(self.universe & set(self.rows)):
            for row, value in zip(self.rows[symbol], columns[symbol], strict=True):
                if not math.isnan(value):
                    found.setdefault((exchange(symbol), row["session"]), []).append(value)
        means = {key: sum(values) / len(values) for key, values in found.items()}
        return {
            symbol: [means.get((exchange(symbol), row["session"]), math.nan) for row in rows]
            for symbol, rows in self.rows.items()
        }


def exchange(symbol: str) -> str:
    return EXCHANGE[symbol.partition(".")[2]]


def recent_mean(values: Column, half_life: float, sessions: int, least: int) -> Column:
    found = []
    for t in range(len(values)):
        span = [s for s in range(max(0, t - sessions + 1), t + 1) if not math.isnan(values[s])]
        weights = [0.5 ** ((t - s) / half_life) for s in span]
        total = sum(weight * values[s] for weight, s in zip(weights, span, strict=True))
        found.append(total / sum(weights) if len(span) >= least else math.nan)
    return found


def log_ratio(one: Column, other: Column) -> Column:
    return [math.log(at_least(a) / at_least(b)) for a, b in zip(one, other, strict=True)]


def at_least(value: float, least: float = 1e-4) -> float:
    return value if math.isnan(value) else max(value, least)


def over(one: Column, other: Column, by: float = 1.0) -> Column:
    return [a / (b * by) for a, b in zip(one, other, strict=True)]


def less(one: Column, other: Column) -> Column:
    return [a - b for a, b in zip(one, other, strict=True)]


def column(name: str) -> Callable[[Rows], Column]:
    return lambda rows: [row[name] for row in rows]


def volume(rows: Rows) -> Column:
    return [math.log1p(row["volume"]) for row in rows]


def log_returns(rows: Rows, sessions: int = 1) -> Column:
    later = range(sessions, len(rows))
    found = [math.nan] * min(sessions, len(rows))
    return found + [math.log(rows[t]["close"] / rows[t - sessions]["close"]) for t in later]


def log_range(rows: Rows) -> Column:
    return [math.log(row["high"] / row["low"]) for row in rows]


def overnight(rows: Rows) -> Column:
    return [math.nan] + [math.log(rows[t]["open"] / rows[t - 1]["close"]) for t in range(1, len(rows))]


def ewma_volatility(rows: Rows) -> Column:
    returns = log_returns(rows)
    found = [math.nan]
    for t in range(1, len(rows)):
        span = range(max(1, t - 127), t + 1)
        weights = [0.94 ** (t - s) for s in span]
        found.append(math.sqrt(sum(0.94 ** (t - s) * returns[s] ** 2 for s in span) / sum(weights)))
    return found


def weekday(rows: Rows) -> Column:
    return [row["session"].date().isoweekday() - 1 for row in rows]


def pause_days(rows: Rows) -> Column:
    days = [row["session"].date().toordinal() for row in rows]
    return [math.nan] + [float(days[t] - days[t - 1]) for t in range(1, len(rows))]


def session_variance(rows: Rows) -> Column:
    found = []
    for row, night in zip(rows, overnight(rows), strict=True):
        traded = math.log(row["high"] / row["low"]) ** 2 / 2
        traded -= (2 * math.log(2) - 1) * math.log(row["close"] / row["open"]) ** 2
        found.append(night**2 + max(traded, 0.0))
    return found


def volatility(rows: Rows, half_life: float = 10, sessions: int = 64) -> Column:
    means = recent_mean(session_variance(rows), half_life, sessions, 10)
    return [at_least(math.sqrt(mean)) for mean in means]


def long_volatility(rows: Rows) -> Column:
    return volatility(rows, 40, 256)


def highest_move(rows: Rows) -> Column:
    returns = log_returns(rows)
    highest = [max(returns[max(1, t - 15) : t + 1], default=math.nan) for t in range(len(rows))]
    return over(highest, volatility(rows))


def drawdown(rows: Rows) -> Column:
    close = [row["close"] for row in rows]
    return [3 * math.log(close[t] / max(close[max(0, t - 255) : t + 1])) for t in range(len(rows))]


def close_position(rows: Rows) -> Column:
    return [
        (row["close"] - row["low"]) / (row["high"] - row["low"]) - 0.5 if row["high"] > row["low"] else 0.0
        for row in rows
    ]


def session_range(rows: Rows) -> Column:
    return log_ratio([math.sqrt(variance) for variance in session_variance(rows)], volatility(rows))


def month_size(rows: Rows) -> Column:
    return log_ratio(recent_mean([abs(one) for one in log_returns(rows)], 10, 64, 10), volatility(rows))


def usual_volume(rows: Rows) -> Column:
    return recent_mean(volume(rows), 20, 128, 10)


def at_limit(rows: Rows) -> Column:
    percent = LIMIT.get(rows[0]["symbol"])
    found = [0.0]
    for before, row in pairwise(rows):
        if percent is None:
            found.append(0.0)
            continue
        previous, close = (Decimal(f"{one['close'] / one['adj_factor']:.6f}") for one in (before, row))
        step = Decimal(f"{row['adj_factor'] / before['adj_factor']:.9f}")
        reference = (previous / step).quantize(CENT, ROUND_HALF_UP)
        highest, lowest = (
            (reference * (100 + move) / 100).quantize(CENT, ROUND_HALF_UP) for move in (percent, -percent)
        )
        found.append(float((close >= max(highest, reference + CENT)) - (close <= min(lowest, reference - CENT))))
    return found


def excess(market: Market, sessions: int) -> dict[str, Column]:
    returns = market.own(log_returns)
    means = market.across(returns)
    found = {}
    for symbol, rows in market.rows.items():
        one = less(returns[symbol], means[symbol])
        sums = [math.nan if t < sessions - 1 else sum(one[t - sessions + 1 : t + 1]) for t in range(len(one))]
        found[symbol] = over(sums, volatility(rows), math.sqrt(sessions))
    return found


def universe_size(market: Market, half_life: float | None) -> dict[str, Column]:
    sizes = market.across(market.own(lambda rows: [abs(one) for one in log_returns(rows)]))
    return {
        symbol: log_ratio(
            size if half_life is None else recent_mean(size, half_life, 16, 1), recent_mean(size, 40, 256, 10)
        )
        for symbol, size in sizes.items()
    }


def dispersion(market: Market) -> dict[str, Column]:
    returns = market.own(log_returns)
    means = market.across(returns)
    squares = {symbol: [one**2 for one in less(returns[symbol], means[symbol])] for symbol in returns}
    found = {}
    for symbol, mean in market.across(squares).items():
        spread = [math.sqrt(one) for one in mean]
        found[symbol] = log_ratio(recent_mean(spread, 3, 16, 1), recent_mean(spread, 40, 256, 10))
    return found


OWN: dict[str, Callable[[Rows], Column]] = {
    "open": column("open"),
    "high": column("high"),
    "low": column("low"),
    "close": column("close"),
    "volume": volume,
    "log_return": log_returns,
    "log_range": log_range,
    "overnight": overnight,
    "ewma_volatility": ewma_volatility,
    "weekday": weekday,
    "pause_days": pause_days,
    "move": lambda rows: over(log_returns(rows), volatility(rows)),
    "overnight_move": lambda rows: over(overnight(rows), volatility(rows)),
    "week": lambda rows: over(log_returns(rows, 5), volatility(rows), math.sqrt(5)),
    "month": lambda rows: over(log_returns(rows, 20), volatility(rows), math.sqrt(20)),
    "highest_move": highest_move,
    "drawdown": drawdown,
    "close_position": close_position,
    "session_range": session_range,
    "week_volatility": lambda rows: log_ratio(volatility(rows, 3, 16), volatility(rows)),
    "long_volatility": lambda rows: log_ratio(long_volatility(rows), volatility(rows)),
    "volatility_level": lambda rows: [2 * (math.log(one) + 4) for one in long_volatility(rows)],
    "month_size": month_size,
    "volume_surge": lambda rows: less(volume(rows), usual_volume(rows)),
    "volume_trend": lambda rows: less(recent_mean(volume(rows), 3, 16, 10), usual_volume(rows)),
    "at_limit": at_limit,
    "day_of_week": lambda rows: [(-1.0, -0.5, 0.0, 0.5, 1.0)[int(day)] for day in weekday(rows)],
    "pause": lambda rows: [math.log(days) for days in pause_days(rows)],
}

SHARED: dict[str, Callable[[Market], dict[str, Column]]] = {
    "excess_move": lambda market: excess(market, 1),
    "excess_week": lambda market: excess(market, 5),
    "excess_month": lambda market: excess(market, 20),
    "universe_surge": lambda market: universe_size(market, None),
    "universe_size": lambda market: universe_size(market, 3),
    "dispersion": dispersion,
}

# Features with a unit or a level of their own; all others are cut at 5.
SCALED = {
    *("open", "high", "low", "close", "volume", "log_return", "log_range", "overnight"),
    *("ewma_volatility", "weekday", "pause_days"),
}


def by_loop(name: str, table: pd.DataFrame, universe: Collection[str] | None = None) -> Column:
    """The feature of every row of `table`, which is sorted by symbol and session."""
    market = Market.of(table, universe)
    columns = SHARED[name](market) if name in SHARED else market.own(OWN[name])
    found = [value for symbol in market.rows for value in columns[symbol]]
    if name in SCALED:
        return found
    return [value if math.isnan(value) else min(max(value, -5.0), 5.0) for value in found]
