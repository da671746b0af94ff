"""Sessions without a bar: which there are, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from data.facts import OPEN, SUSPENDED
from data.providers.tushare.plan import Span

Days = np.ndarray[Any, np.dtype[np.datetime64]]

EVENTS: Final = ("ts_code", "trade_date", "suspend_timing", "suspend_type")


def numbered(table: pd.DataFrame, days: Days, column: str = "session") -> pd.Series[int]:
    """Sessions as numbers, -1 for a day that is none."""
    sessions = pd.to_datetime(table[column].astype("string"), format="ISO8601").to_numpy().astype("datetime64[D]")
    position = np.searchsorted(days, sessions)
    inside = position < len(days)
    hit = inside & (days[np.where(inside, position, 0)] == sessions) if len(days) else np.zeros(len(table), dtype=bool)
    return pd.Series(np.where(hit, position, -1), index=table.index, dtype="int64")


def gaps_of(spans: Sequence[Span], delivered: pd.DataFrame, days: Days) -> pd.DataFrame:
    """The sessions of `spans` that have no row in `delivered`: symbol, number.

    Args:
        spans: what was asked for.
        delivered: symbol, session.
        days: the sessions by number.
    """
    if not spans:
        return pd.DataFrame({"symbol": pd.Series(dtype="str"), "number": pd.Series(dtype="int64")})
    lengths = np.array([span.last - span.first + 1 for span in spans])
    asked = pd.DataFrame(
        {
            "symbol": np.repeat([span.symbol for span in spans], lengths),
            "number": np.concatenate([np.arange(span.first, span.last + 1) for span in spans]),
        }
    )
    came = pd.MultiIndex.from_arrays([delivered["symbol"], numbered(delivered, days)])
    return asked[~pd.MultiIndex.from_frame(asked).isin(came)].reset_index(drop=True)


def runs(gaps: pd.DataFrame) -> list[Span]:
    """Gaps (symbol, number) as spans of sessions in a row, in order."""
    if gaps.empty:
        return []
    ordered = gaps.drop_duplicates().sort_values(["symbol", "number"], ignore_index=True)
    goes_on = ordered["symbol"].eq(ordered["symbol"].shift()) & ordered["number"].diff().eq(1)
    grouped = ordered.groupby((~goes_on).cumsum())
    return [
        Span(str(symbol), int(first), int(last))
        for symbol, first, last in zip(
            grouped["symbol"].first(), grouped["number"].min(), grouped["number"].max(), strict=True
        )
    ]


def explained(gaps: pd.DataFrame, events: pd.DataFrame, days: Days) -> pd.DataFrame:
    """`gaps` with `why`: suspended where the source says so, else open.

    A suspension is told session by session, or by its beginning and its end: a session counts as suspended where the
    newest event since the last bar, up to and with that session, is a suspension (S) and no resumption (R).

    Args:
        gaps: symbol, number.
        events: `EVENTS`, reaching back to the session before each gap.
        days: the sessions by number.
    """
    told: dict[tuple[str, int], str] = {}
    for symbol, number, kind in zip(
        events["ts_code"], numbered(events, days, "trade_date"), events["suspend_type"], strict=True
    ):
        # On a day with both, the share was suspended for a part of it or began to trade; S explains a missing bar.
        if told.get((symbol, int(number))) != "S":
            told[symbol, int(number)] = kind
    why: dict[tuple[str, int], str] = {}
    for run in runs(gaps):
        newest = told.get((run.symbol, run.first - 1))
        for number in range(run.first, run.last + 1):
            newest = told.get((run.symbol, number), newest)
            why[run.symbol, number] = SUSPENDED if newest == "S" else OPEN
    keys = zip(gaps["symbol"], gaps["number"], strict=True)
    return gaps.assign(why=[why[symbol, int(number)] for symbol, number in keys])
