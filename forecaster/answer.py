"""A forecast as an answer: what it says, what to compare it with, how good such answers were, and whether it is stale.

The command line prints it and the service serves it: the same values under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np

from data.errors import CalendarBounds
from data.sessions import Calendars
from forecaster.bundle import Bundle
from forecaster.diagnostics.diagnostics import aged_figures, insufficient, to_dict
from forecaster.evidence import column
from forecaster.forecast import Forecast, interval_level
from forecaster.version import Version


class Answers:
    """The answers of one model at one moment. What many of them share is worked out once."""

    def __init__(self, bundle: Bundle, version: Version, calendars: Calendars, now: datetime) -> None:
        """Work out nothing yet.

        Args:
            bundle, version: the model that made the forecasts.
            calendars: the exchanges' sessions, by which the age of the evidence is counted, too: where it is too old to
                vouch for a forecast, the verdict begins with that.
            now: the present, with a time zone, which decides with them whether a forecast is stale.
        """
        self._model = {
            "name": version.name,
            "version": version.version,
            "trained_through": bundle.trained_through,
        }
        self._calendars = calendars
        self._now = now
        self._due: dict[str, date | CalendarBounds] = {}
        self._gaps: dict[tuple[str, str, date], int] = {}
        self._levels: dict[tuple[float, ...], _Levels] = {}

    def of(self, forecast: Forecast, figures: Mapping[str, Any] | None) -> dict[str, Any]:
        """JSON-ready values; every price is in currency on the scale of `last_close`.

        Args:
            forecast: of one symbol.
            figures: its diagnostics on the held-out span, as `to_dict` writes them; None where it had no part in it.
        """
        known = to_dict(insufficient()) if figures is None else figures
        told = aged_figures(known, self.evidence_gap(known["sample"].get("last"), forecast.symbol, forecast.as_of))
        verdict = told.pop("verdict")
        # The correlogram is for plotting, and is answered with the series.
        told["lag"] = {name: value for name, value in told["lag"].items() if name != "correlogram"}
        reason = self.stale_reason(forecast)
        levels = self._levels.setdefault(forecast.levels, _Levels(forecast.levels))
        first, *later = (levels.spread(prices) for prices in forecast.quantiles.tolist())
        return {
            "symbol": forecast.symbol,
            "as_of": forecast.as_of.isoformat(),
            "target_session": forecast.target_sessions[0].isoformat(),
            "last_close": forecast.last_close,
            "forecast": {
                "close": forecast.close,
                "change": forecast.change,
                "probability_up": forecast.probability_up,
                **first,
            },
            "path": [
                {"session": session.isoformat(), "close": one["quantiles"][levels.median], **one}
                for session, one in zip(forecast.target_sessions[1:], later, strict=True)
            ],
            "baseline": {"name": "last_close", "close": forecast.last_close},
            "diagnostics": told,
            "verdict": verdict,
            "model": self._model,
            "stale": reason is not None,
            "stale_reason": reason,
        }

    def stale_reason(self, forecast: Forecast) -> str | None:
        """Why a forecast does not know the newest session that it should, in one sentence; None where it does."""
        due = self._due_of(forecast.symbol)
        if isinstance(due, CalendarBounds):
            return f"whether newer prices are due is not known: {due}"
        if forecast.as_of >= due:
            return None
        return f"the prices end with {forecast.as_of}, and the session of {due} should be there by now"

    def evidence_gap(self, last: str | None, symbol: str, as_of: date) -> int | None:
        """How many sessions after the last one judged a forecast was made; None where none was judged.

        Days past the end of the calendar do not count, so that there it is at least what is said.

        Args:
            last: the last session judged, as an ISO date.
            symbol: whose forecast.
            as_of: the session that the forecast was made with.
        """
        if last is None:
            return None
        sessions = self._calendars.of(symbol)
        key = (sessions.exchange, last, as_of)
        if key not in self._gaps:
            ends = np.array([last, as_of], dtype="datetime64[D]")
            judged, made = np.searchsorted(sessions.days, ends, side="right")
            self._gaps[key] = max(int(made - judged), 0)
        return self._gaps[key]

    def _due_of(self, symbol: str) -> date | CalendarBounds:
        sessions = self._calendars.of(symbol)
        if sessions.exchange not in self._due:
            try:
                self._due[sessions.exchange] = sessions.last_due(self._now)
            except CalendarBounds as error:
                self._due[sessions.exchange] = error
        return self._due[sessions.exchange]


class _Levels:
    """The names of a model's quantiles, and what lies between the outermost."""

    def __init__(self, levels: tuple[float, ...]) -> None:
        self.names = [column(level) for level in levels]
        self.interval = interval_level(levels)
        self._levels = levels

    @cached_property
    def median(self) -> str:
        return self.names[self._levels.index(0.5)]

    def spread(self, prices: list[float]) -> dict[str, Any]:
        return {
            "quantiles": dict(zip(self.names, prices, strict=True)),
            "interval": {"level": self.interval, "lower": prices[0], "upper": prices[-1]},
        }
