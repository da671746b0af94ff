"""The newest forecasts of all symbols of a store, a slice of symbols at a time.

Only as much history is read as decides them, so that memory and time depend on how many symbols there are and not on
how long they have been listed. The forecasts are those of the whole histories, to the last bit. A model whose features
need the universe reads all there is: what one share says of a session depends on when others last traded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from data.bars import Bars
from data.errors import TooFewBars
from data.features import memory, needs_universe
from data.sessions import Calendars
from data.store import PriceStore
from forecaster.calibration import Calibration
from forecaster.forecast import Forecast
from forecaster.model import Model

# Symbols worked on at a time: their features then take some 50 MiB.
SLICE: Final = 400

# Symbols read at a time: each reading looks through the whole table, and what it brings takes some 60 MiB.
READ: Final = 3 * SLICE

# So many days hold a session on any exchange, pauses for holidays included.
_DAYS_A_SESSION: Final = 1.6
_DAYS_OF_PAUSE: Final = 40


def newest_forecasts(
    model: Model, store: PriceStore, calendars: Calendars, summary: pd.DataFrame, version: int, calibration: Calibration
) -> Iterator[tuple[str, Forecast | Exception]]:
    """Each symbol's forecast from its newest session, or the error that says why there is none, by symbol.

    Args:
        model: what forecasts.
        store, version: where the prices are, and which version of them counts.
        calendars: the exchanges' sessions.
        summary: what `PriceStore.summary` says of that version.
        calibration: see `newest_calibration`.
    """
    symbols = [str(symbol) for symbol in summary["symbol"]]
    newest = summary["last"].max()
    if needs_universe(model.spec.features):
        bars = store.read(version=version)
        yield from model.forecasts(bars, calendars, symbols, calibration).items()
        return
    decisive, reads = _decisive(model), list(_pieces(symbols, READ))
    if not reads:
        return
    # The table engine reads what comes next while this is worked on, and needs no Python for it.
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(_read, store, reads[0], newest, decisive, summary, version)
        for number, some in enumerate(reads):
            bars = coming.result()
            if number + 1 < len(reads):
                coming = reader.submit(_read, store, reads[number + 1], newest, decisive, summary, version)
            place = pd.factorize(bars.frame["symbol"])[0]  # in `some`: the rows are sorted as it is
            for begin in range(0, len(some), SLICE):
                first, last = np.searchsorted(place, [begin, begin + SLICE])
                part = Bars(bars.frame.iloc[first:last])
                yield from model.forecasts(part, calendars, some[begin : begin + SLICE], calibration).items()


def newest_calibration(
    model: Model, store: PriceStore, summary: pd.DataFrame, version: int, *, until: date | None = None
) -> Calibration:
    """The model's calibration after every outcome that the store knows.

    Args:
        model, store, summary, version: as `newest_forecasts` takes them.
        until: the last day that counts; None counts all.
    """
    start = model.calibration
    if start.through is None:
        return start
    since = _day(start.through)
    latest: date = summary["last"].max()
    latest = latest if until is None else min(latest, until)
    if latest < since and model.before is not None and model.before.through is not None:
        start, since = model.before, _day(model.before.through)
    if latest <= since:
        return start
    held = set(summary["symbol"])
    tracked = sorted(held & set(model.reads(())))
    if not tracked:
        return start
    # An outcome after `since` belongs to a window that ended up to a horizon of bars before.
    count = None if needs_universe(model.spec.features) else _decisive(model) + model.spec.horizon
    bars = _read(store, tracked, since, count, summary, version, until)
    try:
        return model.calibrated(model.windows(bars))
    except TooFewBars:
        return start


def _pieces(symbols: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (symbols[begin : begin + size] for begin in range(0, len(symbols), size))


def _day(session: np.datetime64) -> date:
    day: date = session.astype("datetime64[D]").item()
    return day


def _decisive(model: Model) -> int:
    """How many bars up to a session decide its forecast."""
    return model.spec.lookback + memory(model.spec.features) + 1


def _read(
    store: PriceStore,
    symbols: Sequence[str],
    since: date,
    count: int | None,
    summary: pd.DataFrame,
    version: int,
    until: date | None = None,
) -> Bars:
    """The bars of `symbols` from `since` on, and at least `count` up to it where a symbol has as many; None: all."""
    if count is None:
        return store.read(symbols, end=until, version=version)
    start = since - timedelta(days=int(count * _DAYS_A_SESSION) + _DAYS_OF_PAUSE)
    own = summary.set_index("symbol").loc[list(symbols)]
    found = store.read(symbols, start=start, end=until, version=version).frame
    before = found[found["session"] <= pd.Timestamp(since)].groupby("symbol").size()
    # Who paused for long has its bars further back.
    short = [symbol for symbol, first in own["first"].items() if first < start and int(before.get(symbol, 0)) < count]
    if short:
        rest = found[~found["symbol"].isin(short)]
        longer = store.read([str(symbol) for symbol in short], end=until, version=version).frame
        found = pd.concat([rest, longer]).sort_values(["symbol", "session"], ignore_index=True)
    return Bars(found)
