"""What the serving model says with the bars up to a day, and with what was known of its forecasts by then."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from data.errors import CalendarBounds
from data.features import needs_universe
from data.store import PriceStore
from forecaster.errors import NotEnoughHistory
from forecaster.newest import newest_calibration
from service.asked.errors import DayUnknown, NeedsOthers
from service.asked.own_bars import told
from service.snapshot import Snapshot

# Features of a universe need the bars of all its symbols, and a request must not fill the memory with them.
_MOST_SYMBOLS: Final = 300


def forecast_as_of(snapshot: Snapshot, store: PriceStore, symbol: str, as_of: date, now: datetime) -> bytes:
    """The JSON of a symbol's forecast from its newest bar up to a day, as `forecaster predict --as-of` makes it.

    Args:
        snapshot: what serves, and the version of the prices that is asked.
        store: the prices.
        symbol: well-formed.
        as_of: no later bar counts, and no outcome that came later.
        now: the present, with a time zone.

    Raises:
        UnknownExchange, UnknownSymbol: nothing is known about it.
        NotEnoughHistory, NotFinite, UnscaledSymbol, NeedsOthers: the model cannot forecast from those bars.
        DayUnknown: the next session cannot be named.
    """
    snapshot.require(symbol)
    network, version = snapshot.network, snapshot.data_version
    others: frozenset[str] = frozenset()
    if needs_universe(network.spec.features):
        # A symbol of the universe may have left the store since.
        others = frozenset(network.universe) & snapshot.listed
        if len(others) > _MOST_SYMBOLS:
            raise NeedsOthers(len(others), _MOST_SYMBOLS)
    calibration = newest_calibration(network, store, store.summary(version), version, until=as_of)
    bars = store.read(sorted({symbol, *others}), end=as_of, version=version)
    outcome = network.forecasts(bars, snapshot.calendars, [symbol], calibration).get(symbol)
    if isinstance(outcome, CalendarBounds):
        raise DayUnknown(outcome)
    if outcome is None or isinstance(outcome, NotEnoughHistory):
        found = 0 if outcome is None else outcome.found
        raise NotEnoughHistory(symbol, network.least_bars, found, f"are stored up to {as_of}; ask for a later day")
    if isinstance(outcome, Exception):
        raise outcome
    return told(snapshot, outcome, now)
