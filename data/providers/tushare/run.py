"""Carrying out a plan: piece by piece, going on where a piece fails, and saying what did not come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from data.errors import DayQuotaSpent, NotEntitled, NoToken, RequestError, Throttled, TokenRefused
from data.facts import ABSENT, OPEN, SUSPENDED
from data.providers.base import Batch, Missing, Plan, Request
from data.providers.tushare.client import PAGE_ROWS, TushareClient
from data.providers.tushare.gaps import EVENTS, explained, gaps_of, numbered, runs
from data.providers.tushare.pages import Pages
from data.providers.tushare.plan import Piece, Span, cover
from data.providers.tushare.quotes import FACTORS, QUOTES, bars_table, unexplained_factors
from data.providers.tushare.wanted import Wanted, is_index

Days = np.ndarray[Any, np.dtype[np.datetime64]]

# No document says how many symbols one call may name; so many are known to work.
MOST_CODES: Final = 100

# An answer with as many rows as fit is not known to be whole.
_QUOTE_ROWS: Final = min(PAGE_ROWS["daily"], PAGE_ROWS["adj_factor"]) - 1
_INDEX_ROWS: Final = PAGE_ROWS["index_daily"] - 1
# A share may have two events a day: suspended for an hour, and resumed.
_EVENT_ROWS: Final = PAGE_ROWS["suspend_d"] // 2

# After these no other call can do better, at least for a while.
_FINAL: Final = (TokenRefused, NotEntitled, DayQuotaSpent, NoToken, Throttled)
# After so many failures in a row the server is taken to be away.
_FAILURES: Final = 3

# The newest sessions: a bar that is missing there may still come, so they are not counted as told without it.
_RECENT: Final = 3
# Of so many symbols at least one has a bar, if the session's bars are published at all.
_ENOUGH_TO_TELL: Final = 20

# Histories that are asked for again are committed as a whole, so many symbols at a time.
_AT_ONCE: Final = 100

_NOTES_SHOWN: Final = 5


class Run:
    """One answer to a request.

    Attributes:
        pieces: what is asked for first, oldest first.
        plan: what the caller sees of it.
    """

    def __init__(
        self,
        client: TushareClient,
        request: Request,
        days: Days,
        due: date,
        wanted: Wanted,
        notes: Sequence[str],
        *,
        market: bool,
    ) -> None:
        """Plans; asks for nothing yet.

        Args:
            client: what makes the calls.
            request: what is wanted.
            days: the sessions by number.
            due: the newest session that should have bars.
            wanted: the spans to ask for.
            notes: what the user should know anyway.
            market: whether one session of the whole market fits into an answer.
        """
        self._client = client
        self._days = days
        self._wanted = wanted
        self._notes = tuple(notes)
        self._pages = Pages(client, days, MOST_CODES)
        self._recent = int(np.searchsorted(days, np.datetime64(due), side="right")) - _RECENT
        self._restated: list[str] = []
        self._failures = 0
        known = request.facts.gaps()
        known = known[(known["why"] == OPEN) & known["symbol"].isin(wanted.whole)]
        self._open = [pd.DataFrame({"symbol": known["symbol"], "number": numbered(known, days)}).query("number >= 0")]
        # By symbol the first session from which on nothing counts as told: a recent one without a bar, which may be
        # explained later, or one whose bar has no factor.
        self._waiting: dict[str, int] = {}
        self._unfactored: dict[str, int] = {}
        self._unpublished: set[int] = set()

        shares = [span for span in wanted.fresh if not is_index(span.symbol)]
        indices = [span for span in wanted.fresh if is_index(span.symbol)]
        self.pieces = sorted(
            cover(shares, rows=_QUOTE_ROWS, codes=MOST_CODES, market=market)
            + cover(indices, rows=_INDEX_ROWS, codes=1, market=False),
            key=lambda piece: piece.first,
        )
        again = [piece for group in self._groups(wanted.again) for piece in group]
        self.plan = Plan(text="", calls=sum(map(_calls, [*self.pieces, *again])), seconds=0.0)

    def batches(self) -> Iterator[Batch]:
        """Everything that is wanted; first what is new, then the histories that changed, then what was missing."""
        yield Batch("tushare", _no_rows(), notes=self._notes)
        for position, piece in enumerate(self.pieces):
            batch = self._tried(piece)
            if batch is not None:
                yield batch
            if self.plan.failure is not None:
                self._give_up(self.pieces[position + 1 :])
                return
        yield from self._histories()
        if self.plan.failure is None:
            yield from self._unanswered()

    # --- one piece

    def _tried(self, piece: Piece) -> Batch | None:
        """A piece as a batch; None where it failed, which is then told as missing."""
        before = self._client.calls
        try:
            quotes, factors, table = self._asked(piece)
        except RequestError as error:
            self._failed(piece, error)
            return None
        self._failures = 0
        notes = [] if factors is None else _few(unexplained_factors(quotes, factors), "factors without an ex-date")
        if factors is not None:
            self._restated += self._compared(factors)
        spans = [span for span in piece.spans if span.symbol not in self._restated]
        table = table[~table["symbol"].isin(self._restated)]
        gaps = self._without_bars(spans, table)
        return Batch(
            "tushare",
            table[table["adj_factor"].notna()],
            tuple(notes),
            covered=self._covered(spans),
            gaps=self._days_of(gaps[gaps["number"] < self._recent].assign(why=OPEN)),
            calls=self._client.calls - before,
        )

    def _asked(self, piece: Piece) -> tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame]:
        """A piece's quotes, factors, and both as bars of the symbols that are wanted."""
        if is_index(piece.spans[0].symbol):
            quotes, factors = self._pages.rows("index_daily", QUOTES, piece), None
        else:
            quotes = self._pages.rows("daily", QUOTES, piece)
            factors = self._pages.rows("adj_factor", FACTORS, piece)
            factors = factors[factors["ts_code"].isin(piece.symbols)]
        quotes = quotes[quotes["ts_code"].isin(piece.symbols)]
        return quotes, factors, bars_table(quotes, factors)

    def _compared(self, factors: pd.DataFrame) -> list[str]:
        """The symbols whose factor at their anchor is no longer the one that is held."""
        anchors = self._wanted.anchors
        numbers = numbered(factors, self._days, "trade_date")
        told = zip(factors["ts_code"], numbers, pd.to_numeric(factors["adj_factor"], errors="coerce"), strict=True)
        return [
            symbol
            for symbol, number, factor in told
            if symbol in anchors and anchors[symbol].session == number and anchors[symbol].factor != factor
        ]

    def _without_bars(self, spans: Sequence[Span], table: pd.DataFrame) -> pd.DataFrame:
        """The sessions without a bar: symbol, number. From a recent one on, nothing counts as told for now."""
        unfactored = table["adj_factor"].isna()
        gaps = gaps_of(spans, table, self._days)
        late = gaps[gaps["number"] >= self._recent]
        for number, without in late["number"].value_counts().items():
            session = int(str(number))
            asked = sum(span.first <= session <= span.last for span in spans)
            if asked == without and asked >= _ENOUGH_TO_TELL:
                self._unpublished.add(session)
        _first_of_each(late, self._waiting)
        bare = pd.DataFrame({"symbol": table["symbol"], "number": numbered(table, self._days)})[unfactored]
        _first_of_each(bare, self._unfactored)
        for symbol, own in bare.groupby("symbol")["number"]:
            self._miss([str(symbol)], own.min(), own.max(), f"{len(own)} bars came without their factor")
        self._open.append(gaps)
        return gaps

    def _covered(self, spans: Sequence[Span]) -> pd.DataFrame:
        """What is told with a piece: symbol, first, through. Pauses before a span's first session belong to it."""
        rows = []
        for span in spans:
            held_back = min(one.get(span.symbol, len(self._days)) for one in (self._waiting, self._unfactored))
            last = min(span.last, held_back - 1)
            if last >= span.first:
                before = self._pages.day(span.first - 1) + timedelta(days=1) if span.first else self._pages.day(0)
                rows.append((span.symbol, before, self._pages.day(last)))
        return pd.DataFrame(rows, columns=["symbol", "first", "through"])

    # --- histories that changed

    def _groups(self, spans: Sequence[Span]) -> Iterator[list[Piece]]:
        for at in range(0, len(spans), _AT_ONCE):
            yield cover(spans[at : at + _AT_ONCE], rows=_QUOTE_ROWS, codes=MOST_CODES, market=False)

    def _histories(self) -> Iterator[Batch]:
        """Whole histories of symbols whose factors were restated, and of those that are to be asked for again.

        A group's histories are one batch: half a history on a new scale would be worse than all of it on the old.
        """
        restated = [self._wanted.whole[symbol] for symbol in dict.fromkeys(self._restated)]
        notes = [f"factors of {_named([one.symbol for one in restated])} were restated: whole history asked for again"]
        self._restated = []
        shares = [span for span in [*restated, *self._wanted.again] if not is_index(span.symbol)]
        indices = [span for span in self._wanted.again if is_index(span.symbol)]
        groups = [
            *self._groups(shares),
            *([piece] for piece in cover(indices, rows=_INDEX_ROWS, codes=1, market=False)),
        ]
        self._wanted.anchors.clear()
        for position, group in enumerate(groups):
            batches: list[Batch] = []
            for piece in group:
                batch = self._tried(piece)
                if batch is None:
                    break
                batches.append(batch)
            if len(batches) == len(group):
                yield _together(batches, tuple(notes) if restated and not position else ())
            else:
                self._leave(group)
            if self.plan.failure is not None:
                self._give_up([piece for later in groups[position + 1 :] for piece in later])
                return

    # --- sessions without a bar

    def _unanswered(self) -> Iterator[Batch]:
        """Look into the sessions without a bar: suspended, delivered after all, or absent."""
        gaps = pd.concat(self._open, ignore_index=True).drop_duplicates(ignore_index=True)
        unpublished = gaps["number"].isin(list(self._unpublished))
        for span in runs(gaps[unpublished]):
            self._miss([span.symbol], span.first, span.last, "not published yet")
        gaps = gaps[~unpublished]
        if gaps.empty:
            return
        before, self._notes = self._client.calls, ()
        try:
            known = explained(gaps, self._events(gaps), self._days)
            suspended, rest = known[known["why"] == SUSPENDED], known[known["why"] == OPEN]
            found = self._asked_once_more(rest)
        except RequestError as error:
            self.plan.failure = error
            for span in runs(gaps[gaps["number"] >= self._recent]):
                self._miss([span.symbol], span.first, span.last, "no bar, and why is not known")
            return
        came = pd.MultiIndex.from_arrays([found["symbol"], numbered(found, self._days)])
        absent = rest[~pd.MultiIndex.from_frame(rest[["symbol", "number"]]).isin(came)].assign(why=ABSENT)
        outside = {
            (run.symbol, n) for run in runs(absent) if self._is_outside(run) for n in range(run.first, run.last + 1)
        }
        absent = absent[np.array([key not in outside for key in _keys(absent)], dtype=bool)]
        notes = list(self._notes)
        if len(found):
            notes.append(f"{len(found):,} bars were missing in the first answers and came when asked for alone")
        old = absent[absent["number"] < self._recent]
        if len(old):
            notes += _few([self._sentence(span) for span in runs(old)], "gaps without a suspension at the source")
        for span in runs(absent[absent["number"] >= self._recent]):
            self._miss([span.symbol], span.first, span.last, "no bar and no suspension")
        yield Batch(
            "tushare",
            found,
            tuple(notes),
            covered=self._resolved(absent),
            gaps=self._days_of(pd.concat([suspended, old], ignore_index=True)),
            calls=self._client.calls - before,
        )

    def _events(self, gaps: pd.DataFrame) -> pd.DataFrame:
        """Suspensions and resumptions around the gaps, with as few calls as their number allows."""
        gaps = gaps[[not is_index(symbol) for symbol in gaps["symbol"]]]  # an index is never suspended
        if gaps.empty:
            return pd.DataFrame(columns=list(EVENTS))
        spans = [Span(run.symbol, max(0, run.first - 1), run.last) for run in runs(gaps)]
        by_symbol = [
            Span(str(symbol), int(own["number"].min()), int(own["number"].max()))
            for symbol, own in gaps.groupby("symbol")
        ]
        counts = gaps.groupby("symbol").size()
        pieces: list[Piece] = []
        chosen: list[Span] = []
        rows = 0
        for span in by_symbol:
            if chosen and (len(chosen) == MOST_CODES or rows + counts[span.symbol] > _EVENT_ROWS):
                pieces.append(_around(chosen))
                chosen, rows = [], 0
            chosen.append(span)
            rows += int(counts[span.symbol])
        pieces.append(_around(chosen))
        days = sorted({number for span in spans for number in (span.first, span.last)})
        if days[-1] - days[0] + 1 < len(pieces):
            pieces = [Piece(day, day, tuple(by_symbol), market=True) for day in range(days[0], days[-1] + 1)]
        try:
            told = [self._pages.rows("suspend_d", EVENTS, piece) for piece in pieces]
        except NotEntitled as error:
            self._notes = (f"{error}; sessions without a bar cannot be told from suspensions",)
            return pd.DataFrame(columns=list(EVENTS))
        return pd.concat(told, ignore_index=True)

    def _asked_once_more(self, rest: pd.DataFrame) -> pd.DataFrame:
        """Bars of sessions for which no reason is known: a server may cut an answer without saying so."""
        found = [_no_rows()]
        wanted = pd.MultiIndex.from_frame(rest[["symbol", "number"]])
        spans = runs(rest)
        shares = [span for span in spans if not is_index(span.symbol)]
        indices = [span for span in spans if is_index(span.symbol)]
        for piece in [
            *cover(shares, rows=_QUOTE_ROWS, codes=MOST_CODES, market=False),
            *cover(indices, rows=_INDEX_ROWS, codes=1, market=False),
        ]:
            table = self._asked(piece)[2]
            here = pd.MultiIndex.from_arrays([table["symbol"], numbered(table, self._days)]).isin(wanted)
            found.append(table[here & table["adj_factor"].notna()])
        return pd.concat([one for one in found if len(one)] or found[:1], ignore_index=True)

    def _resolved(self, absent: pd.DataFrame) -> pd.DataFrame:
        """What counts as told now that recent gaps have been looked into."""
        late = absent[absent["number"] >= self._recent].groupby("symbol")["number"].min()
        spans = []
        for symbol, since in self._waiting.items():
            until = self._wanted.whole[symbol].last
            still = min(int(late.get(symbol, until + 1)), *(self._unpublished or {until + 1}))
            if still > since:
                spans.append(Span(symbol, since, min(until, still - 1)))
        self._waiting = {}
        return self._covered(spans)

    # --- what did not come

    def _is_outside(self, run: Span) -> bool:
        """Whether sessions without a bar lie between a last bar and the day of delisting, or before a first bar."""
        whole = self._wanted.whole[run.symbol]
        over = run.symbol in self._wanted.ended and run.last == whole.last
        return over or (run.symbol in self._wanted.unlisted and run.first == whole.first)

    def _failed(self, piece: Piece, error: RequestError) -> None:
        self._failures += 1
        self._miss(piece.symbols, piece.first, piece.last, str(error))
        if isinstance(error, _FINAL) or self._failures >= _FAILURES:
            self.plan.failure = error

    def _give_up(self, pieces: Sequence[Piece]) -> None:
        if pieces:
            symbols = sorted({symbol for piece in pieces for symbol in piece.symbols})
            first, last = min(piece.first for piece in pieces), max(piece.last for piece in pieces)
            self._miss(symbols, first, last, "not asked for after that")

    def _leave(self, group: Sequence[Piece]) -> None:
        """A piece failed, and the others of its group are of no use without it."""
        symbols = sorted({symbol for piece in group for symbol in piece.symbols})
        first, last = min(piece.first for piece in group), max(piece.last for piece in group)
        self._miss(symbols, first, last, "history is left as it was")

    def _miss(self, symbols: Sequence[str], first: int, last: int, why: str) -> None:
        self.plan.missing.append(Missing(tuple(symbols), self._pages.day(int(first)), self._pages.day(int(last)), why))

    def _sentence(self, span: Span) -> str:
        first, last = self._pages.day(span.first), self._pages.day(span.last)
        return f"{span.symbol}: {first}" if first == last else f"{span.symbol}: {first} to {last}"

    def _days_of(self, gaps: pd.DataFrame) -> pd.DataFrame:
        """Gaps with their day in place of its number: symbol, session, why."""
        return pd.DataFrame(
            {"symbol": gaps["symbol"], "session": self._days[gaps["number"].to_numpy(np.int64)], "why": gaps["why"]}
        ).astype({"session": "datetime64[s]"})


def _calls(piece: Piece) -> int:
    return 1 if is_index(piece.spans[0].symbol) else 2


def _around(spans: Sequence[Span]) -> Piece:
    """One call for spans and the session before them."""
    return Piece(max(0, min(one.first for one in spans) - 1), max(one.last for one in spans), tuple(spans))


def _together(batches: Sequence[Batch], notes: tuple[str, ...]) -> Batch:
    return Batch(
        "tushare",
        pd.concat([one.table for one in batches], ignore_index=True),
        (*notes, *(note for one in batches for note in one.notes)),
        covered=pd.concat([one.covered for one in batches if one.covered is not None], ignore_index=True),
        gaps=pd.concat([one.gaps for one in batches if one.gaps is not None], ignore_index=True),
        calls=sum(one.calls for one in batches),
    )


def _keys(gaps: pd.DataFrame) -> Iterator[tuple[str, int]]:
    return zip(gaps["symbol"], gaps["number"], strict=True)


def _first_of_each(sessions: pd.DataFrame, firsts: dict[str, int]) -> None:
    """Keep each symbol's earliest session."""
    for symbol, number in sessions.groupby("symbol")["number"].min().items():
        firsts[str(symbol)] = min(firsts.get(str(symbol), int(number)), int(number))


def _no_rows() -> pd.DataFrame:
    return bars_table(pd.DataFrame(columns=list(QUOTES)), None)


def _few(sentences: Sequence[str], what: str) -> list[str]:
    """The first sentences, and how many there are in all."""
    if not sentences:
        return []
    more = f"; … and {len(sentences) - _NOTES_SHOWN:,} more" if len(sentences) > _NOTES_SHOWN else ""
    return [f"{what} ({len(sentences):,}): {'; '.join(sentences[:_NOTES_SHOWN])}{more}"]


def _named(symbols: Sequence[str]) -> str:
    more = f" and {len(symbols) - _NOTES_SHOWN:,} more" if len(symbols) > _NOTES_SHOWN else ""
    return ", ".join(symbols[:_NOTES_SHOWN]) + more
