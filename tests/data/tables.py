"""Bars to test with: single rows as a source would send them, and random markets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import settings

from data.bars import COLUMNS, Bars, validate

# A slow machine is no failure.
several = settings(max_examples=30, deadline=None)


def row(**changes: Any) -> dict[str, Any]:
    """One good row, with some of its cells changed."""
    good = {
        "symbol": "AAPL",
        "session": "2024-01-02",
        "open": 10.0,
        "high": 12.0,
        "low": 9.0,
        "close": 11.0,
        "volume": 1000.0,
        "amount": 10500.0,
        "adj_factor": 1.0,
    }
    return good | changes


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def checked(frame: pd.DataFrame) -> Bars:
    """Bars of a table that has nothing to set aside."""
    found = validate(frame, source="test")
    assert found.quarantine.empty, found.counts()
    return found.bars


def trusted(frame: pd.DataFrame) -> Bars:
    """The same without the checks, for random markets by the thousand: `test_bars.py` holds that it is the same."""
    typed = frame.astype({"symbol": "str", "session": "datetime64[s]"})
    return Bars(typed.sort_values(["symbol", "session"], ignore_index=True))


def closes(
    values: list[float], *, symbol: str = "AAPL", factor: list[float] | None = None, first: str = "2024-01-01"
) -> pd.DataFrame:
    """Rows with these closes on the weekdays from `first` on; open, high and low lie about them."""
    n = len(values)
    close = np.array(values, dtype="float64")
    return pd.DataFrame(
        {
            "symbol": symbol,
            "session": pd.bdate_range(first, periods=n).strftime("%Y-%m-%d"),
            "open": close * 0.99,
            "high": close * 1.02,
            "low": close * 0.97,
            "close": close,
            "volume": np.arange(1.0, n + 1) * 100,
            "amount": np.nan,
            "adj_factor": factor or [1.0] * n,
        }
    )


def market(
    seed: int,
    *,
    symbols: int = 2,
    sessions: int = 30,
    suspended: float = 0.1,
    factors: bool = True,
    names: Sequence[str] = (),
) -> pd.DataFrame:
    """Rows of a random market: walks with splits and dividends in the factor, suspensions and days without a move.

    The symbols are called S0, S1, …, or as `names` says.
    """
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2024-01-01", periods=sessions).to_numpy()
    pieces = []
    for symbol in names or [f"S{position}" for position in range(symbols)]:
        trades = rng.random(sessions) >= suspended
        trades[rng.integers(sessions)] = True
        n = int(trades.sum())
        moves = np.where(rng.random(n) < 0.2, 0.0, rng.normal(0.0, 0.03, n))
        adjusted = rng.uniform(2, 200) * np.exp(np.cumsum(moves))
        steps = np.where(rng.random(n) < 0.15, rng.choice([2.0, 1.004, 0.5, 1.1], n), 1.0) if factors else np.ones(n)
        factor = rng.uniform(0.5, 20) * np.cumprod(steps)
        close = adjusted / factor
        open_ = close * np.exp(rng.normal(0.0, 0.01, n))
        pieces.append(
            pd.DataFrame(
                {
                    "symbol": symbol,
                    "session": days[trades],
                    "open": open_,
                    "high": np.maximum(open_, close) * np.exp(np.abs(rng.normal(0.0, 0.01, n))),
                    "low": np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0.0, 0.01, n))),
                    "close": close,
                    "volume": np.where(rng.random(n) < 0.05, 0.0, np.round(rng.lognormal(12, 1, n))),
                    "amount": np.where(rng.random(n) < 0.5, np.nan, close * 1e5),
                    "adj_factor": factor,
                }
            )
        )
    return pd.concat(pieces, ignore_index=True)[list(COLUMNS)]


def limited(seed: int, symbol: str, percent: int, *, sessions: int = 30, suspended: float = 0.1) -> pd.DataFrame:
    """Rows of a share with a price limit, in whole cents: about half of the closes are at it or one cent inside."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2024-01-01", periods=sessions).to_numpy()
    days = days[rng.random(sessions) >= suspended]
    closes, factors = [int(rng.integers(400, 4000))], [float(rng.uniform(1, 5))]
    for _ in days[1:]:
        step = rng.choice([1.0, 1.0, 1.0, 1.0, 1.05, 1.25])
        reference = int(closes[-1] / step + 0.5)
        highest = max((reference * (100 + percent) + 50) // 100, reference + 1)
        lowest = min((reference * (100 - percent) + 50) // 100, reference - 1)
        # Kept between 2 and 80, where a limit is many cents away.
        held = [highest, highest - 1] if reference < 200 else [lowest, lowest + 1] if reference > 8000 else []
        moved = [highest, highest - 1, lowest, lowest + 1, *(reference + rng.integers(-9, 10, 4))]
        closes.append(int(rng.choice(held or moved)))
        factors.append(factors[-1] * step)
    close = np.array(closes[: len(days)]) / 100
    return pd.DataFrame(
        {
            "symbol": symbol,
            "session": days,
            "open": close,
            "high": close * np.exp(np.abs(rng.normal(0.0, 0.01, len(days)))),
            "low": close * np.exp(-np.abs(rng.normal(0.0, 0.01, len(days)))),
            "close": close,
            "volume": np.round(rng.lognormal(12, 1, len(days))),
            "amount": np.nan,
            "adj_factor": factors[: len(days)],
        }
    )


def mixed(seed: int, *, sessions: int = 30, suspended: float = 0.1) -> pd.DataFrame:
    """Rows of a random market in New York, Shanghai, Shenzhen and Hong Kong, some of them with a price limit."""
    pieces = [
        market(seed, sessions=sessions, suspended=suspended, names=("AAPL", "MSFT", "IBM", "0700.HK")),
        limited(seed, "600000.SH", 10, sessions=sessions, suspended=suspended),
        limited(seed + 1, "300001.SZ", 20, sessions=sessions, suspended=suspended),
    ]
    return pd.concat(pieces, ignore_index=True)
