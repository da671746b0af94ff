"""A whole store -> findings, some symbols at a time, so that memory does not grow with the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Final

import pandas as pd

from data.health.check import check
from data.health.findings import Finding
from data.store import PriceStore

# Ten years of so many symbols are about 750,000 bars; fewer at a time would scan the table's files more often.
_SYMBOLS_AT_A_TIME: Final = 300


def check_store(
    store: PriceStore,
    *,
    now: datetime,
    symbols: Sequence[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Finding]:
    """Everything that is odd about the bars in `store`, by symbol, first day and kind.

    All bars are of the version that is the newest at the start, whoever writes meanwhile.

    Args:
        store: with the bars, and with what its source said of calendars, listings and gaps.
        now: the present, with a time zone.
        symbols: which; None takes all.
        progress: told after each piece how many symbols are done, and of how many.

    Raises:
        EmptyStore: nothing was fetched yet.
        MalformedSymbol, UnknownSymbol: a symbol that cannot be, or has no bars at all.
        StoreUnavailable: the tables cannot be read.
    """
    version = store.version()
    names = sorted(set(store.summary(version)["symbol"] if symbols is None else symbols))
    sessions, delisted = store.calendars().of, _delisted(store)
    gaps = store.facts.gaps()
    found: list[Finding] = []
    for start in range(0, len(names), _SYMBOLS_AT_A_TIME):
        some = names[start : start + _SYMBOLS_AT_A_TIME]
        own = None if gaps.empty else gaps[gaps["symbol"].isin(some)]
        found += check(store.read(some, version=version), sessions=sessions, now=now, gaps=own, delisted=delisted)
        progress(start + len(some), len(names))
    return found


def _delisted(store: PriceStore) -> dict[str, date]:
    listings = store.facts.listings()
    ended: pd.Series[pd.Timestamp] = listings.set_index("symbol")["delisted"].dropna()
    return {str(symbol): day.date() for symbol, day in ended.items()}
