"""How published forecasts have done: the same diagnostics as on a held-out span, on what was said beforehand.

The two are never pooled: a held-out span says what a version would have said, the ledger what was said, by whichever
version spoke at the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from data.bars import Bars
from data.store import PriceStore
from forecaster.diagnostics.diagnostics import Diagnostics, insufficient
from forecaster.diagnostics.many import diagnose_many
from forecaster.ledger.outcomes import joined, level_columns
from forecaster.ledger.table import Ledger


@dataclass(frozen=True, slots=True)
class Live:
    """One symbol's published forecasts of the next session.

    Attributes:
        since: when the first one was published, in UTC.
        versions: the model's versions that spoke, in the order in which they began to.
        published: how many forecasts.
        pending: how many of them have no outcome yet.
        restated: how many rest on a close that the store now tells otherwise.
        diagnostics: of those with an outcome; "insufficient data" below the usual number of sessions.
    """

    since: datetime
    versions: tuple[str, ...]
    published: int
    pending: int
    restated: int
    diagnostics: Diagnostics


def live_diagnostics(ledger: Ledger, store: PriceStore, name: str) -> dict[str, Live]:
    """For each symbol that forecasts were published of, how they have done.

    Args:
        ledger: what was published.
        store: the prices, as they are known now.
        name: the model's name.

    Raises:
        LedgerUnavailable, UnsupportedLedger: the ledger cannot be read.
        StoreUnavailable, EmptyStore: the prices cannot.
    """
    published = ledger.read(name, step=1)
    if published.empty:
        return {}
    stored = set(store.newest()["symbol"])
    return live_of(published, store.read(sorted(stored & set(published["symbol"]))))


def live_of(published: pd.DataFrame, bars: Bars) -> dict[str, Live]:
    """The same from what was read before.

    Args:
        published: one model's forecasts at step 1, as `Ledger.read` gives them.
        bars: the prices, with the whole history of the symbols.
    """
    table = joined(published, bars)
    figures = _figures(table[table["session"].notna()])
    counts = table.groupby("symbol").agg(
        since=("published_at", "min"),
        published=("origin", "size"),
        came=("session", "count"),
        restated=("restated", "sum"),
    )
    spoke = table.sort_values("published_at", kind="stable").drop_duplicates(["symbol", "version"])
    counts["versions"] = spoke.groupby("symbol")["version"].agg(tuple)
    return {
        str(symbol): Live(
            since=one["since"].to_pydatetime(),
            versions=one["versions"],
            published=one["published"],
            pending=one["published"] - one["came"],
            restated=one["restated"],
            diagnostics=figures.get(str(symbol)) or insufficient(),
        )
        for symbol, one in counts.to_dict("index").items()
    }


def _figures(judged: pd.DataFrame) -> Mapping[str, Diagnostics]:
    """Over the levels that all forecasts share: versions may differ in theirs, and every one has the median."""
    if judged.empty:
        return {}
    shared = [name for name in level_columns(judged) if judged[name].notna().all()]
    return diagnose_many(judged, [float(name) for name in shared])
