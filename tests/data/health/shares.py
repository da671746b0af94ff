"""Shares as their exchanges would let them move, ways to break them, and what the check says of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from data.bars import validate
from data.facts import SUSPENDED
from data.health.check import check
from data.health.findings import Finding, Kind, Severity
from data.sessions import Calendars

SESSIONS = Calendars().of
SHARE = "600519.SH"
NOTHING_SUSPENDED = pd.DataFrame({"symbol": [], "session": [], "why": []}).astype({"session": "datetime64[s]"})


def at(day: date | str) -> datetime:
    """The evening of a day, in UTC: every exchange's bar of it is due."""
    return datetime.fromisoformat(f"{day} 23:00").replace(tzinfo=UTC)


def walk(
    symbol: str = SHARE, *, first: str = "2015-01-05", sessions: int = 60, seed: int = 0, move: float = 0.015
) -> pd.DataFrame:
    """A share that trades on every session and never moves by more than 8 % from one close to a price of the next."""
    rng = np.random.default_rng(seed)
    calendar = SESSIONS(symbol)
    days = calendar.days[calendar.days >= np.datetime64(first)][:sessions]
    close = 50 * np.exp(np.cumsum(np.clip(rng.normal(0, move, sessions), -0.05, 0.05)))
    before = np.append(close[0], close[:-1])
    open_ = before * np.exp(np.clip(rng.normal(0, 0.006, sessions), -0.02, 0.02))
    table = pd.DataFrame({"open": open_, "close": close}).assign(
        high=lambda own: own.max(axis=1) * 1.01, low=lambda own: own.min(axis=1) * 0.99
    )
    table = table.round(2).assign(symbol=symbol, session=days.astype("datetime64[s]"), volume=1e6, amount=np.nan)
    return table.assign(adj_factor=1.0)


def goes_ex(table: pd.DataFrame, row: int, *, cash: float = 0.0, shares: float = 1.0) -> pd.DataFrame:
    """From `row` on each share is `shares` of them, and `cash` was paid for each before; as an exchange counts it."""
    previous = table["close"].iloc[row - 1]
    reference = round((previous - cash) / shares, 2)
    step = previous / reference
    later = np.arange(len(table)) >= row
    prices = ["open", "high", "low", "close"]
    table = table.copy()
    table.loc[later, prices] = (table.loc[later, prices] / step).round(2)
    table.loc[later, "adj_factor"] *= step
    return table


def with_row(table: pd.DataFrame, row: int, **changes: float) -> pd.DataFrame:
    table = table.copy()
    for name, value in changes.items():
        table.loc[table.index[row], name] = value
    return table


def holes(table: pd.DataFrame, rows: list[int], why: str | list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table without some rows, and what a source says of them."""
    said = table.iloc[rows][["symbol", "session"]].assign(why=why)
    return table.drop(index=table.index[rows]), said.astype({"session": "datetime64[s]"})


def random_market(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shares of five boards and New York, with dividends, splits and suspensions; and the suspensions."""
    rng = np.random.default_rng(seed)
    tables, suspensions = [], []
    for symbol in ("600519.SH", "000001.SZ", "300750.SZ", "688981.SH", "835185.BJ", "0700.HK", "AAPL", "000001.SH"):
        table = walk(symbol, first="2022-03-01", sessions=150, seed=int(rng.integers(2**31)))
        for row in sorted(rng.choice(np.arange(10, 150, 7), 4, replace=False).tolist()):
            events: list[dict[str, float]] = [
                {"cash": 0.31},
                {"shares": 2.0},
                {"cash": 0.2, "shares": 1.3},
                {"shares": 0.25},
            ]
            table = goes_ex(table, row, **events[rng.integers(4)])
        begin, length = int(rng.integers(20, 100)), int(rng.integers(1, 15))
        # The share comes back where it was, so that the pause itself moves no price by more than a day may.
        scale = table["close"].iloc[begin - 1] * table["adj_factor"].iloc[begin - 1]
        back = table["open"].iloc[begin + length] * table["adj_factor"].iloc[begin + length]
        if abs(np.log(back / scale)) > 0.02:
            tables.append(table)
            continue
        table, said = holes(table, list(range(begin, begin + length)), SUSPENDED)
        tables.append(table)
        suspensions.append(said)
    return pd.concat(tables, ignore_index=True), pd.concat([NOTHING_SUSPENDED, *suspensions], ignore_index=True)


def look(
    *tables: pd.DataFrame,
    gaps: pd.DataFrame | None = NOTHING_SUSPENDED,
    now: datetime | None = None,
    delisted: Mapping[str, date] | None = None,
) -> list[Finding]:
    table = pd.concat(tables, ignore_index=True)
    found = validate(table, source="test")
    assert found.quarantine.empty, found.counts()
    moment = at(table["session"].max().date()) if now is None else now
    return check(found.bars, sessions=SESSIONS, now=moment, gaps=gaps, delisted=delisted)


def only(findings: list[Finding], kind: Kind, severity: Severity = Severity.PROBLEM) -> Finding:
    assert [(one.kind, one.severity) for one in findings] == [(kind, severity)], findings
    return findings[0]


def day_of(table: pd.DataFrame, row: int) -> date:
    found: date = table["session"].iloc[row].date()
    return found
