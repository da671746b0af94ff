"""One piece as the source tells it: bars with their factors, and notes about what is odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from data.providers.base import Missing
from data.providers.tushare.client import PAGE_ROWS
from data.providers.tushare.gaps import among, numbered, sessions_of
from data.providers.tushare.pages import MOST_CODES, Pages
from data.providers.tushare.plan import Piece, Span, cover
from data.providers.tushare.quotes import FACTORS, QUOTES, bars_table, unexplained_factors
from data.providers.tushare.wanted import is_index

# An answer with as many rows as fit is not known to be whole.
_QUOTE_ROWS: Final = min(PAGE_ROWS["daily"], PAGE_ROWS["adj_factor"]) - 1
_INDEX_ROWS: Final = PAGE_ROWS["index_daily"] - 1

_NOTES_SHOWN: Final = 5


def pieces_of(spans: Sequence[Span], *, codes: int = MOST_CODES, market: bool = False) -> list[Piece]:
    """The fewest pieces that hold `spans`: first those of shares, then those of indices, each oldest first.

    Args:
        spans: what to ask for.
        codes: the most symbols that one call may name.
        market: whether one session of the whole market fits into an answer.
    """
    shares = [span for span in spans if not is_index(span.symbol)]
    indices = [span for span in spans if is_index(span.symbol)]
    return [
        *cover(shares, rows=_QUOTE_ROWS, codes=codes, market=market),
        *cover(indices, rows=_INDEX_ROWS, codes=1, market=False),
    ]


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of some spans.

    Attributes:
        spans: which.
        bars: the columns of `data.bars` and number, the session's; adj_factor is NaN where the source has none yet.
        factors: symbol, number, adj_factor: all that came, also of sessions without a bar; none of indices.
        notes: what a user should know.
    """

    spans: tuple[Span, ...]
    bars: pd.DataFrame
    factors: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def priced(self) -> pd.DataFrame:
        """The bars that have a factor."""
        return self.bars[self.bars["adj_factor"].notna()]

    @property
    def unpriced(self) -> pd.DataFrame:
        """The bars whose factor the source does not have yet."""
        return self.bars[self.bars["adj_factor"].isna()]

    def only(self, sessions: pd.DataFrame) -> Told:
        """The same with the bars of some sessions (symbol, number) alone."""
        return replace(self, bars=self.bars[among(self.bars, sessions)])

    def less(self, symbols: set[str]) -> Told:
        """The same without some of the symbols."""
        kept = tuple(span for span in self.spans if span.symbol not in symbols)
        return replace(self, spans=kept, bars=self.bars[~self.bars["symbol"].isin(symbols)])


def ask(pages: Pages, piece: Piece, latest: int) -> Told:
    """What the source tells of a piece.

    Args:
        pages: what asks.
        piece: shares, or indices.
        latest: the newest session that can be over; nothing later is taken.

    Raises:
        RequestError: as `Pages` raises them.
    """
    if is_index(piece.spans[0].symbol):
        quotes, factors = pages.series("index_daily", QUOTES, piece), None
    else:
        quotes = pages.series("daily", QUOTES, piece)
        factors = pages.series("adj_factor", FACTORS, piece)
        factors = factors[factors["ts_code"].isin(piece.symbols)]
    quotes = quotes[quotes["ts_code"].isin(piece.symbols)]
    bars = bars_table(quotes, factors)
    bars["number"] = numbered(bars, pages.days)
    notes = [] if factors is None else few(unexplained_factors(quotes, factors), "factors without an ex-date")
    odd = bars[bars["number"] < 0]
    days = [f"{symbol} {day}" for symbol, day in zip(odd["symbol"], odd["session"], strict=True)]
    notes += few(days, "bars left out, of days that are no sessions by the trade calendar")
    spans = tuple(part for span in piece.spans if (part := span.within(0, latest)))
    return Told(spans, bars[among(bars, sessions_of(spans))], _factors(factors, pages), tuple(notes))


def no_bars() -> pd.DataFrame:
    """The table of `Told` without rows."""
    return bars_table(pd.DataFrame(columns=list(QUOTES)), None).assign(number=pd.Series(dtype="int64"))


def _factors(factors: pd.DataFrame | None, pages: Pages) -> pd.DataFrame:
    told = pd.DataFrame(columns=list(FACTORS)) if factors is None else factors
    return pd.DataFrame(
        {
            "symbol": told["ts_code"],
            "number": numbered(told, pages.days, "trade_date"),
            "adj_factor": pd.to_numeric(told["adj_factor"], errors="coerce"),
        }
    )


def missing(spans: Sequence[Span], pages: Pages, why: str) -> list[Missing]:
    """Spans that did not come, those of the same sessions together."""
    together: dict[tuple[int, int], list[str]] = {}
    for span in spans:
        together.setdefault((span.first, span.last), []).append(span.symbol)
    return [
        Missing(tuple(symbols), pages.day(first), pages.day(last), why)
        for (first, last), symbols in sorted(together.items())
    ]


def few(found: Sequence[object], what: str) -> list[str]:
    """One note: how many were found, and the first of them. None where there are none."""
    if not found:
        return []
    more = f"; … and {len(found) - _NOTES_SHOWN:,} more" if len(found) > _NOTES_SHOWN else ""
    return [f"{len(found):,} {what}: {'; '.join(map(str, found[:_NOTES_SHOWN]))}{more}"]
