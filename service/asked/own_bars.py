"""A forecast from bars that came with the request. They are checked as stored ones are, used once, and not kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from pydantic_core import to_json

from data.adjust import adjusted_numbers
from data.bars import Broken, order_of_one
from data.errors import CalendarBounds
from data.features import memory, needs_universe
from data.history import History
from forecaster.answer import Answers
from forecaster.errors import NotEnoughHistory, NotFinite
from forecaster.forecast import Forecast
from service.asked.errors import BadBar, DayUnknown, ExtremeBars, NeedsOthers
from service.asked.reading import Sent
from service.snapshot import Snapshot

# No exchange is further ahead of UTC, so no true bar is dated later than this.
_AHEAD: Final = timedelta(hours=14)


def forecast_own(snapshot: Snapshot, sent: Sent, now: datetime) -> bytes:
    """The JSON of a forecast from the caller's bars, by the model and the calibration that serve.

    Args:
        snapshot: what serves.
        sent: bars, in any order.
        now: the present, with a time zone.

    Raises:
        NotEnoughHistory, UnscaledSymbol, NeedsOthers: this model cannot forecast from them.
        BadBody, BadBar, ExtremeBars, DayUnknown: nobody can.
    """
    network = snapshot.network
    if needs_universe(network.spec.features):
        raise NeedsOthers(len(network.universe), 1)
    network.scaling.require(sent.symbol)
    if len(sent) < network.least_bars:
        raise NotEnoughHistory(sent.symbol, network.least_bars, len(sent), "were sent; send a longer history")
    sent.require_even()
    past = _past(sent, network.spec.lookback + memory(network.spec.features), now)
    # Bars may keep all rules and have numbers whose products are infinite.
    with np.errstate(all="ignore"):
        try:
            forecast = network.forecast_one(past, snapshot.calendars, snapshot.calibration)
        except CalendarBounds as bounds:
            raise DayUnknown(bounds) from None
        except NotFinite:
            raise ExtremeBars(sent.symbol) from None
    return told(snapshot, forecast, now)


def told(snapshot: Snapshot, forecast: Forecast, now: datetime) -> bytes:
    """The JSON of a forecast that was worked out, as that of a ready one."""
    loaded = snapshot.loaded
    answers = Answers(loaded.bundle, loaded.version, snapshot.calendars, now)
    return to_json(answers.of(forecast, loaded.figures_of(forecast.symbol)))


def _past(sent: Sent, decisive: int, now: datetime) -> History:
    """The newest of the bars, as many as decide the forecast, adjusted.

    Raises:
        BadBar: any of the bars breaks a rule.
    """
    known_through = (now.astimezone(UTC) + _AHEAD).date()
    order = order_of_one(sent.session, sent.numbers, known_through=known_through)
    if isinstance(order, Broken):
        raise BadBar(order.row, order.reason, sent.session[order.row].item())
    newest = order[-decisive:]
    numbers = {name: column[newest] for name, column in sent.numbers.items()}
    with np.errstate(all="ignore"):
        return History.of_one(sent.symbol, sent.session[newest], adjusted_numbers(numbers))
