"""Forecasts to publish that no model made, and moments before and after sessions open."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from data.bars import Bars, validate
from data.sessions import Calendars
from forecaster.forecast import Forecast
from forecaster.ledger.publishing import Provenance, Published, publish
from forecaster.ledger.table import Ledger

CALENDARS = Calendars()
NEW_YORK = CALENDARS.of("AAPL")
LEVELS = (0.1, 0.5, 0.9)

# From 2022-01-03 on.
SESSIONS = [day.item() for day in NEW_YORK.days[NEW_YORK.days >= np.datetime64("2022-01-03")][:420]]


def made_by(version: str = "1", name: str = "next-close") -> Provenance:
    return Provenance(name, version, f"run-{version}", date(2021, 12, 31), 7)


def evening(day: date) -> datetime:
    """An hour after New York's usual close on that day; the next session opens about 16 hours later."""
    return datetime.combine(day, datetime.min.time(), NEW_YORK.zone) + timedelta(hours=17)


def bars_of(symbol: str, closes: dict[date, float], factors: dict[date, float] | None = None) -> pd.DataFrame:
    """Rows with these closes as traded."""
    close = np.array(list(closes.values()))
    return pd.DataFrame(
        {
            "symbol": symbol,
            "session": list(closes),
            **dict.fromkeys(("open", "high", "low", "close"), close),
            "volume": 1.0,
            "amount": np.nan,
            "adj_factor": [(factors or {}).get(day, 1.0) for day in closes],
        }
    )


def checked(*tables: pd.DataFrame) -> Bars:
    found = validate(pd.concat(tables, ignore_index=True), source="made up")
    assert found.quarantine.empty, found.counts()
    return found.bars


def flat(*symbols: str, days: list[date]) -> Bars:
    """Bars that never move."""
    return checked(*(bars_of(symbol, dict.fromkeys(days, 100.0)) for symbol in symbols))


def forecast(symbol: str, as_of: date, close: float = 100.0, *, horizon: int = 1, change: float = 0.0) -> Forecast:
    """The close moved by `change`, give or take a tenth."""
    steps = np.array([[0.9, 1.0, 1.1]] * horizon) * close * (1 + change)
    return Forecast(symbol, as_of, NEW_YORK.next_sessions(as_of, horizon), close, LEVELS, steps)


def publish_one(ledger: Ledger, one: Forecast, now: datetime, *, by: Provenance | None = None) -> Published:
    bars = checked(bars_of(one.symbol, {one.as_of: one.last_close}))
    return publish([one], ledger, by or made_by(), bars, CALENDARS, now)
