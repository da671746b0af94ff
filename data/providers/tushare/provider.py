"""Daily bars of Chinese A-shares and indices from Tushare Pro."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from data.coverage import Coverage
from data.errors import NotEntitled, NothingChosen, NotListed
from data.providers.base import Batch, Missing, Plan, Request
from data.providers.tushare.client import PAGE_ROWS, TushareClient
from data.providers.tushare.limits import CallLimits
from data.providers.tushare.reference import EXCHANGE, listings, members, trade_calendar
from data.providers.tushare.run import Run
from data.providers.tushare.told import few
from data.providers.tushare.wanted import Wanted, is_index, wanted_spans
from data.sessions import Calendars, Days
from data.symbols import parse_symbol

# Shanghai's first session.
_BEGINNING: Final = date(1990, 12, 19)

# A calendar that is held is asked for again from here on: what was decreed may have been changed.
_DAYS_ASKED_AGAIN: Final = timedelta(days=30)

Lives = dict[str, tuple[date | None, date | None]]


class TushareProvider:
    """Tushare Pro, asked for what the store lacks."""

    name = "tushare"

    def __init__(self, client: TushareClient, limits: CallLimits) -> None:
        """Asks for nothing yet.

        Args:
            client: what makes the calls.
            limits: what paces them, for estimates.
        """
        self._client = client
        self._limits = limits

    @property
    def secure(self) -> bool:
        """Whether the token travels encrypted."""
        return self._client.secure

    @property
    def address(self) -> str:
        """Where the calls go, without what it may log in with."""
        return self._client.address

    def plan(self, request: Request) -> tuple[Plan, Iterator[Batch]]:
        """See `data.providers.base.Incremental`. The calls for calendar and listings are made here.

        Raises:
            NothingChosen: no symbols are named, and none were delivered before.
            MalformedSymbol: what is named cannot be a symbol.
            NotListed: not one of the symbols is Tushare's.
            RequestError: calendar or listings cannot be had.
        """
        before = self._client.calls
        coverage = Coverage(request.facts.coverage())
        if request.symbols is None and not request.everything and not list(coverage):
            raise NothingChosen(self.name)
        notes: list[str] = []
        days, due = self._sessions(request, coverage, notes)
        told = self._listings(request, notes)
        lives = _lives(told)
        symbols, unknown = _chosen(request, coverage, lives)
        start, end = request.start or _BEGINNING, min(request.end or due, due)
        if request.end is not None and request.end > due:
            notes.append(f"bars after {due} are not published yet, or of a session that still runs: left out")
        wanted = wanted_spans(
            symbols,
            days,
            start=start,
            end=end,
            lives=lives,
            coverage=coverage,
            held=request.held,
            newest=_newest(request.newest),
            onwards=_goes_on(request),
            recheck=request.recheck,
        )
        market = _listed_on(told, end) < PAGE_ROWS["daily"]
        run = Run(
            self._client,
            wanted,
            days,
            int(np.searchsorted(days, np.datetime64(due), side="right")) - 1,
            request.facts.gaps(),
            (*notes, *wanted.notes),
            market=market,
            calls_before=before,
        )
        run.plan.text = _text(run, wanted, days)
        run.plan.seconds = self._limits.estimate(run.plan.calls)
        if unknown:
            run.plan.missing.append(Missing(tuple(unknown), start, end, "Tushare lists no such share"))
        return run.plan, run.batches()

    def members(self, index: str, day: date) -> tuple[str, ...]:
        """The symbols in an index by its newest list up to `day`.

        Raises:
            MalformedSymbol: `index` cannot be a symbol.
            NotListed: there is no list of its members.
            RequestError: as the client raises them.
        """
        found = tuple(members(self._client, parse_symbol(index), day))
        if not found:
            raise NotListed(index, "Tushare has no list of its members")
        return found

    def _sessions(self, request: Request, coverage: Coverage, notes: list[str]) -> tuple[Days, date]:
        """Shanghai's sessions, and the newest that should have bars.

        They are those of Tushare's own calendar where the account may read it, else the library's.
        """
        held = request.facts.calendar()
        own, today = held[held["exchange"] == EXCHANGE], request.now.date()
        first, goes_on = request.start or _BEGINNING, _goes_on(request)
        if len(own) and (goes_on or own["day"].iloc[0].date() <= first):
            first = min(own["day"].iloc[-1].date(), today - _DAYS_ASKED_AGAIN)
        elif goes_on:
            first = min(coverage.of(symbol)[0].first for symbol in coverage)
        try:
            request.facts.keep_calendar(trade_calendar(self._client, first, date(today.year + 1, 12, 31)))
        except NotEntitled as error:
            notes.append(f"{error}; trading days come from exchange_calendars")
        held = request.facts.calendar()
        own, known = held[held["exchange"] == EXCHANGE], Calendars(held).exchange(EXCHANGE)
        library, due = known.days, known.last_due(request.now)
        if own.empty:
            return library, due
        days = own["day"].to_numpy().astype("datetime64[D]")
        if own["day"].iloc[-1].date() < today:
            notes.append(f"Tushare's own calendar ends with {own['day'].iloc[-1].date()}: nothing is known after that")
        # Past its own calendar the source has no bars, whatever the library knows.
        return np.concatenate([library[library < days[0]], days[own["is_open"].to_numpy()]]), due

    def _listings(self, request: Request, notes: list[str]) -> pd.DataFrame:
        held = request.facts.listings()
        try:
            told = listings(self._client, twice=request.everything and held.empty)
            request.facts.keep_listings(told)
            notes += few(sorted(set(held["symbol"]) - set(told["symbol"])), "shares are no longer in Tushare's lists")
        except NotEntitled as error:
            if request.everything:
                raise
            notes.append(f"{error}; when shares were listed and delisted is not known")
        return request.facts.listings()


def _goes_on(request: Request) -> bool:
    """Whether what was fetched before is to be brought up to date, and nothing before it."""
    return request.symbols is None and not request.everything and request.start is None


def _lives(told: pd.DataFrame) -> Lives:
    """By symbol the days on which it was listed and delisted."""
    ends = [[None if pd.isna(day) else day.date() for day in told[name]] for name in ("listed", "delisted")]
    return dict(zip(told["symbol"], zip(*ends, strict=True), strict=True))


def _chosen(request: Request, coverage: Coverage, lives: Lives) -> tuple[Sequence[str], list[str]]:
    """The symbols to ask for, and those that Tushare does not have."""
    if request.everything:
        return sorted(lives), []
    symbols = sorted({parse_symbol(one) for one in (coverage if request.symbols is None else request.symbols)})
    unknown = [one for one in symbols if lives and one not in lives and not is_index(one)]
    if symbols and len(unknown) == len(symbols):
        raise NotListed(unknown[0], f"Tushare lists {len(lives):,} shares, and none of them is called so")
    return [one for one in symbols if one not in set(unknown)], unknown


def _newest(table: pd.DataFrame) -> dict[str, tuple[date, float]]:
    return {
        symbol: (session, float(factor))
        for symbol, session, factor in zip(table["symbol"], table["session"].dt.date, table["adj_factor"], strict=True)
    }


def _listed_on(told: pd.DataFrame, day: date) -> int:
    """How many shares traded on a day, at most."""
    moment = pd.Timestamp(day)
    return int(((told["listed"] <= moment) & ~(told["delisted"] < moment)).sum())


def _text(run: Run, wanted: Wanted, days: Days) -> str:
    spans = wanted.spans
    if not spans:
        return "nothing is missing"
    first, last = min(one.first for one in spans), max(one.last for one in spans)
    symbols = len({one.symbol for one in spans})
    by_day = sum(piece.market for piece in run.pieces)
    ways = [f"{by_day:,} x the whole market's session"] if by_day else []
    if by_day < len(run.pieces):
        ways.append(f"{len(run.pieces) - by_day:,} x some symbols' history")
    return f"{symbols:,} symbols, {days[first]} to {days[last]}: {' and '.join(ways)}, {run.plan.calls:,} calls"
