"""What is forecast, and when models are fitted: origins, outcomes, and blocks between refits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from data.adjust import adjusted
from data.bars import Bars, validate
from data.providers.files import FilesProvider

from .forecasts import Block


@dataclass(frozen=True, slots=True)
class Trial:
    """A walk through the test span.

    Attributes:
        outcomes: one row an origin: symbol, origin, session (of the next bar), previous_close and actual, both
            backward-adjusted [currency].
        blocks: the origins between refits, in order.
        fingerprint: of all of it: prices, origins, refits.
    """

    outcomes: pd.DataFrame
    blocks: tuple[Block, ...]
    fingerprint: str

    @property
    def sessions(self) -> int:
        """How many sessions have origins."""
        return int(self.outcomes["origin"].nunique())


class SpanError(ValueError):
    """The test span does not fit the prices."""


def read_bars(path: Path) -> tuple[Bars, int]:
    """The bars of a file or folder as the files provider reads it, and how many rows were set aside.

    Raises:
        DataError: the file cannot be read, or lacks columns.
    """
    batches = list(FilesProvider(path).batches(None, None, None))
    checked = validate(pd.concat([batch.table for batch in batches], ignore_index=True), source=str(path))
    return checked.bars, len(checked.quarantine)


def some_symbols(bars: Bars, count: int) -> Bars:
    """At most `count` of the symbols, evenly spread over their sorted names."""
    names = np.array(bars.symbols)
    chosen = names[np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int))]
    return Bars(bars.frame[bars.frame["symbol"].isin(chosen)].reset_index(drop=True))


def make_trial(
    bars: Bars, *, refit: int, sessions: int | None = None, first: date | None = None, last: date | None = None
) -> Trial:
    """Origins of the test span, their outcomes, and the blocks between refits.

    An origin is a symbol's bar within the span that has a next bar. The span is counted in sessions on which anything
    traded, and ends before the newest one, whose outcomes nobody knows.

    Args:
        bars: all prices.
        refit: sessions between two refits.
        sessions: how many sessions of origins at most: from `first` on, or the newest ones.
        first, last: the span of the origins, both included.

    Raises:
        SpanError: no origin lies in the span, or none of the bars lies before it.
    """
    table = adjusted(bars, "backward")
    days = np.unique(table["session"].to_numpy().astype("datetime64[D]"))
    chosen = days[:-1]
    if last is not None:
        chosen = chosen[chosen <= np.datetime64(last)]
    if first is not None:
        chosen = chosen[chosen >= np.datetime64(first)][:sessions]
    elif sessions is not None:
        chosen = chosen[-sessions:]
    if not len(chosen) or chosen[0] == days[0]:
        held = f"{days[0]} to {days[-1]}" if len(days) else "nothing"
        raise SpanError(f"expected a test span within the prices, with some before it; the prices hold {held}")

    by_symbol = table.groupby("symbol")
    outcomes = pd.DataFrame(
        {
            "symbol": table["symbol"],
            "origin": table["session"],
            "session": by_symbol["session"].shift(-1),
            "previous_close": table["close"],
            "actual": by_symbol["close"].shift(-1),
        }
    )
    origin = outcomes["origin"].to_numpy().astype("datetime64[D]")
    inside = (origin >= chosen[0]) & (origin <= chosen[-1]) & outcomes["actual"].notna().to_numpy()
    outcomes = outcomes[inside].reset_index(drop=True)
    blocks = _blocks(bars, outcomes, [chosen[start : start + refit] for start in range(0, len(chosen), refit)])
    return Trial(outcomes, blocks, _fingerprint(table, [block.refit for block in blocks], outcomes))


def _blocks(bars: Bars, outcomes: pd.DataFrame, spans: list[np.ndarray]) -> tuple[Block, ...]:
    session = bars.frame["session"].to_numpy().astype("datetime64[D]")
    origin = outcomes["origin"].to_numpy().astype("datetime64[D]")
    return tuple(
        Block(
            number=number,
            of=len(spans),
            refit=span[0],
            known=Bars(bars.frame[session <= span[0]].reset_index(drop=True)),
            seen=Bars(bars.frame[session <= span[-1]].reset_index(drop=True)),
            origins=outcomes[["symbol", "origin"]][(origin >= span[0]) & (origin <= span[-1])].reset_index(drop=True),
        )
        for number, span in enumerate(spans, start=1)
    )


def _fingerprint(table: pd.DataFrame, refits: list[np.datetime64], outcomes: pd.DataFrame) -> str:
    seen = hashlib.sha256()
    for frame in (table.drop(columns="amount"), outcomes[["symbol", "origin"]]):
        seen.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    seen.update(" ".join(map(str, refits)).encode())
    return seen.hexdigest()[:16]
