"""Carrying out a plan: piece by piece, going on where a piece fails, and saying what did not come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd

from data.errors import DayQuotaSpent, NotEntitled, NoToken, RequestError, Throttled, TokenRefused
from data.facts import ABSENT, SUSPENDED
from data.providers.base import Batch, Plan
from data.providers.tushare.client import TushareClient
from data.providers.tushare.gaps import as_coverage, joined, numbered, runs
from data.providers.tushare.pages import Pages
from data.providers.tushare.plan import Piece, Span
from data.providers.tushare.told import Told, ask, few, missing, no_bars, pieces_of
from data.providers.tushare.unanswered import Unanswered
from data.providers.tushare.wanted import Wanted, is_index
from data.sessions import Days

# After these no other call can do better, at least for a while.
_FINAL: Final = (TokenRefused, NotEntitled, DayQuotaSpent, NoToken, Throttled)
# After so many failures in a row the server is taken to be away.
_FAILURES: Final = 3

# Histories that are asked for again are committed as a whole, so many symbols at a time.
_AT_ONCE: Final = 100


class Run:
    """One answer to a request.

    Attributes:
        pieces: what is asked for first; of each symbol that is held the piece with its newest bar first of all.
        plan: what the caller sees of it.
    """

    def __init__(
        self,
        client: TushareClient,
        wanted: Wanted,
        days: Days,
        latest: int,
        known: pd.DataFrame,
        notes: Sequence[str],
        *,
        market: bool,
        calls_before: int,
    ) -> None:
        """Plans; asks for nothing yet.

        Args:
            client: what makes the calls.
            wanted: the spans to ask for.
            days: the sessions by number.
            latest: the number of the newest session that should have bars.
            known: symbol, session, why: what is known of sessions without a bar.
            notes: what the user should know anyway.
            market: whether one session of the whole market fits into an answer.
            calls_before: how many calls the client had made before the request.
        """
        self._client = client
        self._days = days
        self._wanted = wanted
        self._latest = latest
        self._notes = tuple(notes)
        self._pages = Pages(client, days)
        self._calls_told = calls_before
        self._failures = 0
        # The anchors that have not been compared yet, and the symbols whose factor there is another one now.
        self._unproven = dict(wanted.anchors)
        self._restated: dict[str, None] = {}
        self._failed: set[str] = set()

        explained = known["why"].isin([SUSPENDED, ABSENT]) & known["symbol"].isin(wanted.whole)
        self._unanswered = Unanswered(self._pages, wanted, _by_number(known[explained], days), latest)

        self.pieces = [
            *pieces_of(wanted.fresh, market=market),
            *pieces_of(wanted.behind, market=market),
        ]
        again = [piece for group in _groups(wanted.again) for piece in group]
        self.plan = Plan(text="", calls=sum(map(_calls, [*self.pieces, *again])), seconds=0.0)

    def batches(self) -> Iterator[Batch]:
        """Everything that is wanted; first what is new, then the histories that changed, then what was missing."""
        yield self._batch([], self._notes)
        yield from self._new(self.pieces)
        yield from self._new(self._unproven_alone(), alone=True)
        yield from self._histories()
        yield from self._gaps()
        if self._client.calls > self._calls_told:
            yield self._batch([])

    # --- what is new

    def _new(self, pieces: Sequence[Piece], *, alone: bool = False) -> Iterator[Batch]:
        for position, piece in enumerate(pieces):
            if self.plan.failure is not None:
                self._miss(_all_spans(pieces[position:]), "not asked for after that")
                return
            told = self._tried(piece)
            if told is None:
                continue
            self._compare(told)
            # Bars on a new scale beside a history on the old one would be worse than none.
            held_back = [span for span in told.spans if span.symbol in self._unproven]
            hopeless = [span for span in held_back if alone or span.symbol in self._failed]
            self._miss(
                [span for span in hopeless if span.symbol not in self._restated],
                "left out, as the factor of the newest bar that is held did not come",
            )
            yield self._batch([told.less({span.symbol for span in held_back})])

    def _compare(self, told: Told) -> None:
        """Prove the symbols whose factor at the anchor is the one that is held."""
        factors = told.factors[told.factors["symbol"].isin(list(self._unproven))]
        for symbol, number, factor in factors.itertuples(index=False, name=None):
            anchor = self._unproven.get(symbol)
            if anchor is None or anchor.session != number or np.isnan(factor):
                continue
            if factor == anchor.factor:
                del self._unproven[symbol]
            else:
                self._restated.setdefault(symbol)

    def _unproven_alone(self) -> list[Piece]:
        """Symbols whose factor did not come in company: a server may answer for one of several symbols only."""
        again = {symbol for symbol in self._unproven if symbol not in self._restated and symbol not in self._failed}
        both = [[span for span in spans if span.symbol in again] for spans in (self._wanted.fresh, self._wanted.behind)]
        return [piece for spans in both for piece in pieces_of(spans, codes=1)]

    # --- histories that changed

    def _histories(self) -> Iterator[Batch]:
        """Whole histories of symbols whose factors were restated, and of those that are to be asked for again.

        A group's histories are one batch: half a history on a new scale would be worse than all of it on the old.
        """
        spans = [*(self._wanted.whole[symbol] for symbol in self._restated), *self._wanted.again]
        notes = few(list(self._restated), "symbols with restated factors, whose whole history was asked for again")
        for group in _groups(spans):
            told: list[Told] = []
            for piece in group:
                one = None if self.plan.failure is not None else self._tried(piece)
                if one is None:
                    self._miss(_all_spans(group), "its history is left as it was")
                    break
                told.append(one)
            else:
                yield self._batch(told, notes)
                notes = []

    # --- sessions without a bar

    def _gaps(self) -> Iterator[Batch]:
        gaps = self._unanswered.gaps
        if gaps.empty or self.plan.failure is not None:
            return
        try:
            found = self._unanswered.look_into()
        except RequestError as error:
            self.plan.failure = error
            self._miss(runs(gaps), "no bar, and why is not known")
            return
        self.plan.missing += found.missing
        yield self._batch(found.told, found.notes, found.covered, found.gaps)

    # --- one piece

    def _tried(self, piece: Piece) -> Told | None:
        """What is told of a piece; None where it failed, which is then told as missing."""
        try:
            told = ask(self._pages, piece, self._latest)
        except RequestError as error:
            self._failed.update(piece.symbols)
            self._miss(piece.spans, str(error))
            if isinstance(error, NotEntitled) and is_index(piece.spans[0].symbol):
                return None  # an account that may not read indices may still read shares
            self._failures += 1
            if isinstance(error, _FINAL) or self._failures >= _FAILURES:
                self.plan.failure = error
            return None
        self._failures = 0
        return told

    def _batch(
        self,
        told: Sequence[Told],
        notes: Sequence[str] = (),
        covered: Sequence[pd.DataFrame] | None = None,
        gaps: Sequence[pd.DataFrame] = (),
    ) -> Batch:
        """What was told, with what is covered by it; what it leaves without a bar is gathered, unless that is told."""
        if covered is None:
            covered = [self._unanswered.take(one) for one in told]
        for one in told:
            self._miss(runs(one.unpriced), "came without its factor")
        tables = [one.priced for one in told if len(one.priced)]
        calls, self._calls_told = self._client.calls - self._calls_told, self._client.calls
        return Batch(
            "tushare",
            (pd.concat(tables, ignore_index=True) if tables else no_bars()).drop(columns="number"),
            (*notes, *(note for one in told for note in one.notes)),
            covered=as_coverage(joined(covered), self._days),
            gaps=self._by_session([table for table in gaps if len(table)]),
            calls=calls,
        )

    def _by_session(self, gaps: Sequence[pd.DataFrame]) -> pd.DataFrame | None:
        """Gaps with their day in place of its number: symbol, session, why."""
        if not gaps:
            return None
        every = pd.concat(gaps, ignore_index=True)
        sessions = pd.Series(self._days[every["number"].to_numpy(np.int64)]).astype("datetime64[s]")
        return pd.DataFrame({"symbol": every["symbol"], "session": sessions, "why": every["why"]})

    def _miss(self, spans: Sequence[Span], why: str) -> None:
        self.plan.missing += missing(spans, self._pages, why)


def _groups(spans: Sequence[Span]) -> Iterator[list[Piece]]:
    for at in range(0, len(spans), _AT_ONCE):
        yield pieces_of(spans[at : at + _AT_ONCE])


def _all_spans(pieces: Sequence[Piece]) -> list[Span]:
    return [span for piece in pieces for span in piece.spans]


def _calls(piece: Piece) -> int:
    return 1 if is_index(piece.spans[0].symbol) else 2


def _by_number(gaps: pd.DataFrame, days: Days) -> pd.DataFrame:
    """Gaps with the number of their session: symbol, number, why."""
    numbers = numbered(gaps, days)
    return pd.DataFrame({"symbol": gaps["symbol"], "number": numbers, "why": gaps["why"]})[numbers >= 0]
