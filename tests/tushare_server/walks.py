"""Random walks of prices with dividends, splits, suspensions, late listings and delistings.

Arrays are `(sessions, symbols)`: the walk goes through the sessions one by one, all symbols at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Counts = np.ndarray[Any, np.dtype[np.int64]]

BAR_COLUMNS: Final = (
    "ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "change", "pct_chg", "vol", "amount",
)  # fmt: skip
_SESSIONS_A_YEAR: Final = 243
_LONGEST_SUSPENSION: Final = 20
# Pulls a price back to where it began, so that ten years of it end neither at nothing nor in the sky.
_REVERSION: Final = 0.002
_WIDER_ON_CHINEXT: Final = "20200824"


def price_limits(codes: Sequence[str], day: str) -> Floats:
    """The largest move of a day, as a share of pre_close, `(symbols,)`.

    10% on the main boards, 20% on STAR and since 2020-08-24 on ChiNext, 30% in Beijing, as the exchanges' rules say.
    """
    return np.array([_limit(code, day) for code in codes])


def _limit(code: str, day: str) -> float:
    if code.endswith(".BJ"):
        return 0.30
    return 0.20 if code.startswith("688") or (code.startswith("300") and day >= _WIDER_ON_CHINEXT) else 0.10


def price_bounds(pre_close: Floats, limit: Floats | float) -> tuple[Floats, Floats]:
    """The lowest and the highest price with 2 decimals that lie inside the limit."""
    room = 1e-6  # 1.1 x 10 is a little more than 11 in binary
    lowest = np.ceil(pre_close * (1 - limit) * 100 - room) / 100
    highest = np.floor(pre_close * (1 + limit) * 100 + room) / 100
    return lowest, highest


@dataclass(frozen=True, slots=True)
class Lives:
    """Which symbols are there, by session. `start` and `stop` `(symbols,)`: listed at start, no longer at stop."""

    start: Counts
    stop: Counts
    listed: Flags
    suspended: Flags

    @property
    def traded(self) -> Flags:
        """Whether there is a bar."""
        return self.listed & ~self.suspended


def random_lives(
    rng: np.random.Generator, sessions: int, symbols: int, suspended_share: float, late: float, delisted: float
) -> Lives:
    """Listings, delistings and suspensions; nothing is suspended on its first session."""
    start = np.zeros(symbols, dtype="int64")
    chosen = rng.permutation(symbols)[: round(late * symbols)]
    start[chosen] = np.minimum(rng.integers(1, max(2, sessions * 4 // 5), len(chosen)), sessions - 1)
    stop = np.full(symbols, sessions, dtype="int64")
    chosen = rng.permutation(symbols)[: round(delisted * symbols)]
    stop[chosen] = start[chosen] + 1 + (rng.random(len(chosen)) * (sessions - 1 - start[chosen])).astype("int64")
    at = np.arange(sessions)[:, None]
    listed: Flags = (at >= start) & (at < stop)

    mean = (1 + _LONGEST_SUSPENSION) / 2
    begins: Flags = rng.random((sessions, symbols)) < suspended_share / mean / max(1 - suspended_share, 1e-9)
    lengths = rng.integers(1, _LONGEST_SUSPENSION + 1, (sessions, symbols))
    suspended = np.zeros((sessions, symbols), dtype=bool)
    left = np.zeros(symbols, dtype="int64")
    for session in range(sessions):
        resumes = left == 1
        left = np.maximum(left - 1, 0)
        # A session that resumes has a bar, so that two suspensions never join to a longer one.
        begin = begins[session] & (left == 0) & ~resumes & (session > start)
        left = np.where(begin, lengths[session], left)
        suspended[session] = left > 0
    return Lives(start, stop, listed, suspended & listed)


def random_factors(rng: np.random.Generator, lives: Lives, dividends_a_year: float) -> Floats:
    """Backward factors with 4 decimals: 1 at the listing, up by 1 to 4% at a dividend, doubled at a rare split."""
    shape = lives.listed.shape
    event = (rng.random(shape) < dividends_a_year / _SESSIONS_A_YEAR) & (np.arange(shape[0])[:, None] > lives.start)
    step = np.where(rng.random(shape) < 0.03, 2.0, 1.0 / (1.0 - rng.uniform(0.01, 0.04, shape)))
    return np.round(np.cumprod(np.where(event, step, 1.0), axis=0), 4)


def random_bars(
    rng: np.random.Generator,
    names: list[str],
    days: pd.Index[str],
    lives: Lives,
    factors: Floats,
    volatility: tuple[float, float],
    wilder: Floats,
) -> pd.DataFrame:
    """`BAR_COLUMNS`, sorted by code and day. Prices in CNY, vol in hands, amount in thousand CNY.

    Args:
        volatility: the least and the largest standard deviation of a session's move.
        wilder: `(sessions,)`, how many times as large the moves of each session are.
    """
    shape = lives.listed.shape
    limits = {wide: price_limits(names, _WIDER_ON_CHINEXT if wide else "") for wide in (False, True)}
    base = np.round(np.exp(rng.uniform(np.log(5), np.log(80), shape[1])), 2)
    spread = rng.uniform(*volatility, shape[1]) * wilder[:, None]
    # Fat tails, so that prices do meet their limits.
    moves, gaps = rng.standard_t(4, shape) / np.sqrt(2) * spread, rng.normal(0.0, 0.4, shape) * spread
    above, below = (np.abs(rng.normal(0.0, 0.5, shape)) * spread for _ in range(2))
    prices = {name: np.full(shape, np.nan) for name in ("open", "high", "low", "close", "pre_close")}
    last_close, last_factor = base.copy(), np.ones(shape[1])
    traded = lives.traded
    for session in range(shape[0]):
        pre_close = np.round(last_close * last_factor / factors[session], 2)
        lowest, highest = price_bounds(pre_close, limits[days[session] >= _WIDER_ON_CHINEXT])
        pull = _REVERSION * np.log(base / pre_close)
        close, opened = pre_close * np.exp(moves[session] + pull), pre_close * np.exp(gaps[session])
        high = np.maximum(close, opened) * np.exp(above[session])
        low = np.minimum(close, opened) * np.exp(-below[session])
        for name, price in (("open", opened), ("high", high), ("low", low), ("close", close)):
            prices[name][session] = np.clip(np.round(price, 2), lowest, highest)
        prices["pre_close"][session] = pre_close
        last_close = np.where(traded[session], prices["close"][session], last_close)
        last_factor = np.where(traded[session], factors[session], last_factor)

    turnover = np.exp(rng.normal(11.0, 1.0, shape[1]) + rng.normal(0.0, 0.4, shape))
    of_symbol, at_session = np.nonzero(traded.T)
    bars = pd.DataFrame({name: prices[name][at_session, of_symbol] for name in prices})
    bars["vol"] = np.round(turnover[at_session, of_symbol], 2)
    mean = (bars["open"] + bars["high"] + bars["low"] + bars["close"]) / 4
    bars["amount"] = np.round(bars["vol"] * mean / 10, 3)
    bars["ts_code"] = pd.Index(names, dtype="str").take(of_symbol)
    bars["trade_date"] = days.take(at_session)
    return with_changes(bars)


def with_changes(bars: pd.DataFrame, decimals: int = 2) -> pd.DataFrame:
    """`BAR_COLUMNS` of `bars`, with change and pct_chg [%] computed from close and pre_close."""
    change = np.round(bars["close"] - bars["pre_close"], decimals)
    bars = bars.assign(change=change, pct_chg=np.round(change / bars["pre_close"] * 100, 4))
    return bars[list(BAR_COLUMNS)]
