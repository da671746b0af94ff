"""Sessions as tables of symbol and number: which of them there are, which are missing, and which follow each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np
import pandas as pd

from data.providers.tushare.plan import Span
from data.sessions import Days


def numbered(table: pd.DataFrame, days: Days, column: str = "session") -> pd.Series[int]:
    """Sessions as numbers, -1 for a day that is none."""
    told = pd.to_datetime(table[column].astype("string"), format="ISO8601", errors="coerce")
    sessions = told.to_numpy().astype("datetime64[D]")
    position = np.searchsorted(days, sessions)
    inside = position < len(days)
    hit = inside & (days[np.where(inside, position, 0)] == sessions) if len(days) else np.zeros(len(table), dtype=bool)
    return pd.Series(np.where(hit, position, -1), index=table.index, dtype="int64")


def sessions_of(spans: Sequence[Span]) -> pd.DataFrame:
    """Every session of every span: symbol, number."""
    lengths = np.array([span.last - span.first + 1 for span in spans], dtype=np.int64)
    numbers = [np.arange(span.first, span.last + 1, dtype=np.int64) for span in spans]
    return pd.DataFrame(
        {
            "symbol": pd.Series(np.repeat([span.symbol for span in spans], lengths), dtype="str"),
            "number": np.concatenate([np.empty(0, dtype=np.int64), *numbers]),
        }
    )


def among(rows: pd.DataFrame, others: pd.DataFrame) -> pd.Series[bool]:
    """Which of `rows` have a symbol and number that `others` have, too."""
    keys = [pd.MultiIndex.from_arrays([one["symbol"], one["number"]]) for one in (rows, others)]
    return pd.Series(keys[0].isin(keys[1]), index=rows.index, dtype="bool")


def without(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The `rows` whose symbol and number `others` do not have."""
    return rows[~among(rows, others)] if len(rows) and len(others) else rows


def joined(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Symbol and number of all tables, each pair once."""
    filled = [table[["symbol", "number"]] for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True).drop_duplicates(ignore_index=True) if filled else sessions_of([])


def runs(sessions: pd.DataFrame) -> list[Span]:
    """Symbols and numbers as spans of sessions in a row, in order."""
    if sessions.empty:
        return []
    ordered = sessions[["symbol", "number"]].drop_duplicates().sort_values(["symbol", "number"], ignore_index=True)
    goes_on = ordered["symbol"].eq(ordered["symbol"].shift()) & ordered["number"].diff().eq(1)
    begins = np.flatnonzero(~goes_on.to_numpy())
    ends = np.append(begins[1:], len(ordered)) - 1
    numbers = ordered["number"].to_numpy()
    return [
        Span(str(symbol), int(first), int(last))
        for symbol, first, last in zip(
            ordered["symbol"].to_numpy()[begins], numbers[begins], numbers[ends], strict=True
        )
    ]


def holding(spans: Sequence[Span], sessions: pd.DataFrame) -> list[Span]:
    """The spans that hold any of these sessions (symbol, number), in order."""
    lengths = [span.last - span.first + 1 for span in spans]
    hit = among(sessions_of(spans), sessions).to_numpy()
    return [spans[position] for position in np.unique(np.repeat(np.arange(len(spans)), lengths)[hit])]


def as_coverage(sessions: pd.DataFrame, days: Days) -> pd.DataFrame:
    """Sessions as spans of days (symbol, first, through). A pause before a session belongs to that session."""
    rows = []
    for run in runs(sessions):
        begin = days[run.first - 1].item() + timedelta(days=1) if run.first else days[0].item()
        rows.append((run.symbol, begin, days[run.last].item()))
    return pd.DataFrame(rows, columns=["symbol", "first", "through"])
