"""Which forecasts may still be published, and their publication.

A forecast counts only if it was written down before its session opened, and the first one counts for ever. What comes
too late is refused by name; so is what cannot be judged, such as a session that no calendar knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd

from data.bars import Bars
from data.errors import CalendarBounds, SymbolError
from data.sessions import Calendars
from forecaster.diagnostics.naive import WINDOW, naive_quantiles
from forecaster.forecast import Forecast
from forecaster.ledger.table import Key, Ledger

CLOCK_SLACK: Final = timedelta(minutes=1)
"""Clocks of two machines that are kept right differ by far less."""


class Reason(StrEnum):
    """Why a forecast was not published."""

    TOO_LATE = "too_late"
    UNFINISHED = "unfinished"
    UNKNOWN_SESSION = "unknown_session"
    UNDEFINED = "undefined"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made the forecasts.

    Attributes:
        name, version: the model, and which version of it.
        run_id: the run that made the version.
        trained_through: the last session that it has learnt from.
        data_version: the version of the price table that it was asked with.
    """

    name: str
    version: str
    run_id: str
    trained_through: date
    data_version: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A forecast that was not published, and why."""

    symbol: str
    target_session: date
    step: int
    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did: steps of forecasts that are new, that were there already, and that were refused."""

    published: int
    already: int
    refused: tuple[Refusal, ...]

    @property
    def too_late(self) -> int:
        """How many came after their session had opened."""
        return sum(one.reason is Reason.TOO_LATE for one in self.refused)


def publish(
    forecasts: Iterable[Forecast],
    ledger: Ledger,
    made_by: Provenance,
    bars: Bars,
    calendars: Calendars,
    now: datetime,
) -> Published:
    """Write forecasts down, each step of each in a row, all in one transaction: a kill leaves all of them or none.

    Of one model's forecasts for a symbol, session and step only the first is kept; publishing again adds nothing.

    Args:
        forecasts: as the model made them.
        ledger: where to; whoever has to wait for another writer holds `ledger.writing` around this.
        made_by: the model and the prices behind them.
        bars: those that the forecasts were made from.
        calendars: the exchanges' sessions.
        now: the time of publishing, with a time zone. Read it as late as can be, not before the forecasts are made.

    Raises:
        LedgerUnavailable, StoreFull, StoreBusy: it cannot be written; nothing was.
        ValueError: `now` has no time zone, or `bars` ends before a forecast's `as_of`.
    """
    if now.tzinfo is None:
        raise ValueError(f"expected a moment with a time zone, got {now.isoformat()}")
    now = now.astimezone(UTC)
    steps = {
        (one.symbol, session, step): one
        for one in forecasts
        for step, session in enumerate(one.target_sessions, start=1)
    }
    if not steps:
        return Published(0, 0, ())
    with ledger.writing():
        held = ledger.keys(made_by.name, min(session for _, session, _ in steps))
        newest = ledger.published_after(now + CLOCK_SLACK)
        timely: dict[Key, datetime] = {}
        refused: list[Refusal] = []
        for key, forecast in steps.items():
            if key in held:
                continue
            verdict = _judged(key, forecast, calendars, now, newest)
            if isinstance(verdict, Refusal):
                refused.append(verdict)
            else:
                timely[key] = verdict
        written = ledger.append(_rows(timely, steps, bars, made_by, now)) if timely else 0
    return Published(written, len(steps) - len(refused) - written, tuple(refused))


def _judged(
    key: Key, forecast: Forecast, calendars: Calendars, now: datetime, newest: datetime | None
) -> datetime | Refusal:
    """When the session opens, or why the forecast cannot be published.

    Args:
        key, forecast: what is to be published.
        calendars: the exchanges' sessions.
        now: the present.
        newest: a time later than the present at which something was published already; None where there is none.
    """
    symbol, session, step = key

    def refusal(reason: Reason, text: str) -> Refusal:
        return Refusal(symbol, session, step, reason, f"{symbol}: {text}")

    try:
        sessions = calendars.of(symbol)
        opens_at = sessions.opening(session)
        closed = sessions.last_due(now, timedelta(0))
    except (CalendarBounds, SymbolError) as error:
        return refusal(Reason.UNKNOWN_SESSION, f"when the session of {session} opens is not known: {error}")
    if opens_at is None:
        return refusal(Reason.UNKNOWN_SESSION, f"{session} is no trading day of its exchange")
    if opens_at <= now:
        text = f"the session of {session} opened at {_shown(opens_at)}, and it is {_shown(now)}: too late"
        return refusal(Reason.TOO_LATE, text)
    if newest is not None:
        text = f"the clock says {_shown(now)}, and something was published at {_shown(newest)}: set the clock right"
        return refusal(Reason.CLOCK, text)
    if forecast.as_of > closed and sessions.opening(forecast.as_of) is not None:
        text = f"the session of {forecast.as_of} that it was made from has not closed yet; publish after its close"
        return refusal(Reason.UNFINISHED, text)
    if not np.isfinite(forecast.quantiles[step - 1]).all():
        return refusal(Reason.UNDEFINED, "the model gave no number; nothing was published for it")
    return opens_at


def _rows(
    timely: Mapping[Key, datetime], steps: Mapping[Key, Forecast], bars: Bars, made_by: Provenance, now: datetime
) -> pd.DataFrame:
    """What is written down of the steps of which it is known when their session opens."""
    bases = _bases([steps[key] for key in timely], bars)
    rows = []
    for key, opens_at in timely.items():
        (symbol, session, step), forecast = key, steps[key]
        factor, naive = bases[symbol, forecast.as_of]
        rows.append(
            {
                **asdict(made_by),
                "symbol": symbol,
                "as_of": forecast.as_of,
                "target_session": session,
                "opens_at": opens_at,
                "step": step,
                "published_at": now,
                "last_close": forecast.last_close,
                "adj_factor": factor,
                "levels": list(forecast.levels),
                "quantiles": forecast.quantiles[step - 1].tolist(),
                # Spread by the changes of one session: it says nothing about the next but one.
                "naive_quantiles": naive if step == 1 else None,
            }
        )
    return pd.DataFrame(rows)


def _bases(forecasts: Iterable[Forecast], bars: Bars) -> dict[tuple[str, date], tuple[float, list[float]]]:
    """For each symbol and `as_of` the adjustment factor, and the naive quantiles on the scale of `last_close`."""
    frame = bars.frame
    factor, session = frame["adj_factor"].to_numpy(), frame["session"].to_numpy()
    price = frame["close"].to_numpy() * factor
    codes, names = pd.factorize(frame["symbol"])  # bars are sorted by symbol
    begins = np.searchsorted(codes, np.arange(len(names) + 1))
    spans = {str(name): (begins[at], begins[at + 1]) for at, name in enumerate(names)}
    found = {}
    for one in forecasts:
        begin, end = spans.get(one.symbol, (0, 0))
        at = begin + int(np.searchsorted(session[begin:end], np.datetime64(one.as_of)))
        if at >= end or session[at] != np.datetime64(one.as_of):
            raise ValueError(
                f"expected the bars that the forecasts were made from, got none of {one.symbol} on {one.as_of}"
            )
        close = price[max(begin, at - WINDOW) : at + 1]
        naive = naive_quantiles(close, np.array([len(close) - 1]), one.levels)[0] / factor[at]
        found[one.symbol, one.as_of] = float(factor[at]), naive.tolist()
    return found


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
