"""Sessions without a bar, gathered while pieces come and looked into at the end: suspended, late, lost or absent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from data.errors import NotEntitled
from data.facts import ABSENT, OPEN, SUSPENDED
from data.providers.base import Missing
from data.providers.tushare.gaps import among, holding, joined, runs, sessions_of, without
from data.providers.tushare.pages import MOST_CODES, Pages
from data.providers.tushare.plan import Span
from data.providers.tushare.suspensions import EVENTS, events, explained
from data.providers.tushare.told import Told, ask, few, missing, pieces_of
from data.providers.tushare.wanted import Wanted, is_index

# The newest sessions: a bar that is missing there may still come, so they are not counted as told without it.
_RECENT: Final = 3
# Of so many shares at least one has a bar, if the session's bars are published at all.
_ENOUGH_TO_TELL: Final = 20


@dataclass(slots=True)
class Explained:
    """What became of sessions without a bar.

    Attributes:
        told: the bars that came when they were asked for alone.
        covered: symbol, number: what counts as told now.
        gaps: symbol, number, why.
        notes: what a user should know.
        missing: what should be there and is not.
    """

    told: list[Told] = field(default_factory=list)
    covered: list[pd.DataFrame] = field(default_factory=list)
    gaps: list[pd.DataFrame] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)


class Unanswered:
    """Sessions without a bar that nothing explains yet."""

    def __init__(self, pages: Pages, wanted: Wanted, known: pd.DataFrame, latest: int) -> None:
        """Nothing is gathered yet.

        Args:
            pages: what asks.
            wanted: when the symbols were listed and delisted.
            known: symbol, number, why: what was found out before.
            latest: the newest session that should have bars.
        """
        self._pages = pages
        self._wanted = wanted
        self._known = known
        self._latest = latest
        self._recent = latest + 1 - _RECENT
        self._gathered: list[pd.DataFrame] = []
        self._asked: Counter[int] = Counter()
        self._came: Counter[int] = Counter()

    def take(self, told: Told) -> pd.DataFrame:
        """Gather the sessions that a piece left without a bar; returns those that it answered: symbol, number."""
        sessions = sessions_of(told.spans)
        gaps = without(without(sessions, told.bars), self._known)
        self._gathered.append(gaps)
        for counts, table in ((self._asked, sessions), (self._came, told.bars)):
            late = table[table["number"] >= self._recent]
            counts.update(
                number for symbol, number in zip(late["symbol"], late["number"], strict=True) if not is_index(symbol)
            )
        return without(without(sessions, gaps), told.unpriced)

    @property
    def gaps(self) -> pd.DataFrame:
        """What was gathered: symbol, number."""
        return joined(self._gathered)

    def look_into(self) -> Explained:
        """Find out why there is no bar, with as few calls as that takes.

        Raises:
            RequestError: a call failed; then nothing is known.
        """
        found = Explained()
        gaps = self._published(found, self.gaps, {number for number, n in self._asked.items() if n >= _ENOUGH_TO_TELL})
        why = self._why(found, gaps)
        suspended = why[why["why"] == SUSPENDED]
        found.covered.append(suspended)
        found.gaps.append(suspended)
        rest = why[why["why"] == OPEN]
        silent = {
            int(number) for number in rest["number"].unique() if number >= self._recent and not self._came[number]
        }
        nobody = {number for number in sorted(silent) if not self._pages.anybody("daily", number)}
        rest = self._published(found, rest, nobody)
        if len(rest):
            self._ask_again(found, joined([gaps, self._known]), rest[["symbol", "number"]])
        return found

    def _published(self, found: Explained, gaps: pd.DataFrame, tellers: set[int]) -> pd.DataFrame:
        """`gaps` without those of recent sessions of which nobody has a bar, as far as `tellers` can tell."""
        nothing = {number for number in tellers if number >= self._recent and not self._came[number]}
        held_back = gaps["number"].isin(nothing)
        found.missing += missing(runs(gaps[held_back]), self._pages, "not published yet")
        return gaps[~held_back]

    def _why(self, found: Explained, gaps: pd.DataFrame) -> pd.DataFrame:
        """`gaps` with why: suspended or open."""
        # An index is never suspended, and before an unknown day of listing nothing is.
        never = [run for run in runs(gaps) if is_index(run.symbol) or self._before_listing(run)]
        shares = without(gaps, sessions_of(never))
        told = pd.DataFrame(columns=list(EVENTS))
        try:
            told = events(self._pages, shares)
        except NotEntitled as error:
            found.notes.append(f"{error}; sessions without a bar cannot be told from suspensions")
        return explained(gaps, told, self._known[self._known["why"] == SUSPENDED], self._pages.days)

    def _ask_again(self, found: Explained, gaps: pd.DataFrame, rest: pd.DataFrame) -> None:
        """Ask for the sessions `rest` of `gaps` once more, together with the sessions beside them.

        A server may leave out rows, or whole symbols, without saying so. That it has no bar is believed only where a
        bar beside comes: else it may as well have said nothing.
        """
        asked = holding(runs(gaps), rest)
        beside = [self._with_neighbours(run) for run in asked]
        pieces = pieces_of(beside, codes=self._pages.named or MOST_CODES)
        told = [ask(self._pages, piece, self._latest) for piece in pieces]
        came = joined(one.bars for one in told)
        witnessed = set(holding(beside, without(came, gaps)))
        believed = [run for run, wider in zip(asked, beside, strict=True) if wider in witnessed]

        late = [one.only(rest) for one in told]
        absent = without(rest, came)
        sure = absent[among(absent, sessions_of(believed))]
        outside = sessions_of([run for run in runs(sure) if self._before_listing(run) or self._after_last_bar(run)])
        gone = without(sure, outside)
        old, recent = gone[gone["number"] < self._recent], gone[gone["number"] >= self._recent]
        found.told += late
        found.covered += [outside, old, *(one.priced for one in late)]
        found.gaps.append(old.assign(why=ABSENT))
        found.missing += missing(runs(recent), self._pages, "no bar and no suspension")
        found.missing += missing(runs(without(absent, sure)), self._pages, "no bar came, nor any beside it")
        count = sum(len(one.bars) for one in late)
        if count:
            found.notes.append(f"{count:,} bars were missing in the first answers and came when asked for alone")
        found.notes += few(missing(runs(old), self._pages, "no bar"), "gaps without a suspension at the source")

    def _with_neighbours(self, run: Span) -> Span:
        """A run of gaps with the sessions beside it; where all that is wanted is a gap, from the listing on."""
        whole = self._wanted.whole[run.symbol]
        nothing = run.first <= whole.first and run.last >= whole.last
        first = self._wanted.born[run.symbol] if nothing else run.first - 1
        return Span(run.symbol, max(0, min(first, run.first)), min(run.last + 1, self._latest))

    def _before_listing(self, run: Span) -> bool:
        """Whether a run of gaps may lie before a day of listing that is not known."""
        return run.symbol in self._wanted.unlisted and run.first <= self._wanted.whole[run.symbol].first

    def _after_last_bar(self, run: Span) -> bool:
        """Whether a run of gaps is the time between a share's last bar and its delisting, when nothing is traded."""
        return run.symbol in self._wanted.ended and run.last >= self._wanted.whole[run.symbol].last
