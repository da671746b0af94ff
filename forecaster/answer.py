"""A forecast as an answer: what it says, what to compare it with, how good such answers were, and whether it is stale.

The command line prints it and the service serves it: the same values under the same names.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np

from data.errors import CalendarBounds
from data.sessions import Calendars
from forecaster.bundle import Bundle
from forecaster.diagnostics.diagnostics import Diagnostics, insufficient, to_dict
from forecaster.diagnostics.verdict import aged
from forecaster.evidence import column
from forecaster.forecast import Forecast, interval_level
from forecaster.version import Version


def answer(
    forecast: Forecast,
    diagnostics: Diagnostics | None,
    bundle: Bundle,
    version: Version,
    calendars: Calendars,
    now: datetime,
) -> dict[str, Any]:
    """JSON-ready values; every price is in currency on the scale of `last_close`.

    Args:
        forecast: of one symbol.
        diagnostics: of that symbol on the held-out span; None where it had no part in it.
        bundle, version: the model that made the forecast.
        calendars: the exchanges' sessions, by which the age of the evidence is counted, too: where it is too old to
            vouch for this forecast, the verdict begins with that.
        now: the present, with a time zone, which decides with them whether the forecast is stale.
    """
    known = diagnostics if diagnostics is not None else insufficient()
    gap = evidence_gap(known, forecast.symbol, forecast.as_of, calendars)
    figures = to_dict(replace(known, verdict=aged(known.verdict, gap)))
    verdict = figures.pop("verdict")
    figures["lag"].pop("correlogram", None)  # it is for plotting, and is answered with the series
    reason = stale_reason(forecast, calendars, now)
    return {
        "symbol": forecast.symbol,
        "as_of": forecast.as_of.isoformat(),
        "target_session": forecast.target_sessions[0].isoformat(),
        "last_close": forecast.last_close,
        "forecast": {
            "close": forecast.close,
            "change": forecast.change,
            "probability_up": forecast.probability_up,
            **_spread(forecast, 0),
        },
        "path": [
            {
                "session": session.isoformat(),
                "close": float(forecast.quantiles[step, forecast.levels.index(0.5)]),
                **_spread(forecast, step),
            }
            for step, session in enumerate(forecast.target_sessions)
        ][1:],
        "baseline": {"name": "last_close", "close": forecast.last_close},
        "diagnostics": figures,
        "verdict": verdict,
        "model": {
            "name": version.name,
            "version": version.version,
            "trained_through": bundle.trained_through,
        },
        "stale": reason is not None,
        "stale_reason": reason,
    }


def stale_reason(forecast: Forecast, calendars: Calendars, now: datetime) -> str | None:
    """Why the forecast does not know the newest session that it should, in one sentence; None where it does."""
    try:
        due = calendars.of(forecast.symbol).last_due(now)
    except CalendarBounds as error:
        return f"whether newer prices are due is not known: {error}"
    if forecast.as_of >= due:
        return None
    return f"the prices end with {forecast.as_of}, and the session of {due} should be there by now"


def evidence_gap(known: Diagnostics, symbol: str, as_of: date, calendars: Calendars) -> int | None:
    """How many sessions after the last one judged the forecast was made; None where none was judged.

    Days past the end of the calendar do not count, so that there it is at least what is said.
    """
    if known.sample is None:
        return None
    days = calendars.of(symbol).days
    first, last = np.searchsorted(days, np.array([known.sample.last, as_of], dtype="datetime64[D]"), side="right")
    return max(int(last - first), 0)


def _spread(forecast: Forecast, step: int) -> dict[str, Any]:
    prices = [float(price) for price in forecast.quantiles[step]]
    return {
        "quantiles": {column(level): price for level, price in zip(forecast.levels, prices, strict=True)},
        "interval": {
            "level": interval_level(forecast.levels),
            "lower": prices[0],
            "upper": prices[-1],
        },
    }
