"""What every source of prices must do, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol, runtime_checkable

import pandas as pd

from data.facts import SourceFacts


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of what a provider has: a table with the columns of `data.bars`, not yet validated.

    Attributes:
        source: what the rows came from (a symbol, a file), for messages and the quarantine.
        table: the rows.
        notes: what a user should know about them, such as a factor that had to be assumed.
        covered: symbol, first, through: spans of which the source has now told all that it has.
        gaps: symbol, session, why: sessions without a bar, as in `data.facts`.
        calls: how many calls to a server it took.
    """

    source: str
    table: pd.DataFrame
    notes: tuple[str, ...] = ()
    covered: pd.DataFrame | None = None
    gaps: pd.DataFrame | None = None
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Missing:
    """What was asked for and did not come: symbols, the span in which something is missing, and why."""

    symbols: tuple[str, ...]
    first: date
    last: date
    why: str

    def __str__(self) -> str:
        """One line for people."""
        few = ", ".join(self.symbols[:5]) + (f", … ({len(self.symbols)} symbols)" if len(self.symbols) > 5 else "")
        span = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        return f"{few}: {span}: {self.why}"


class Provider(Protocol):
    """A source of daily prices.

    A provider never returns an empty batch for an outage: it raises a `data.errors.ProviderError`.
    """

    name: str

    def batches(self, symbols: Sequence[str] | None, start: date | None, end: date | None) -> Iterator[Batch]:
        """Bars of `symbols` (None: all it has) from `start` to `end`, both included, piece by piece.

        Raises:
            ProviderError: a piece cannot be had.
            UnknownSymbol: a symbol that the provider does not have.
        """
        ...

    def size(self, symbols: Sequence[str] | None) -> int | None:
        """How many batches there will be, None where that is not known beforehand."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted from a provider that can add to what is held.

    Attributes:
        now: the present, with a time zone.
        symbols: which; None for those that it delivered before.
        everything: all symbols that it lists, whatever `symbols` says.
        start, end: first and last session, both included; None for all there are.
        recheck: ask again for what is held, too.
        facts: what it said before.
        newest: symbol, session, adj_factor: each symbol's newest bar in the store.
        held: symbol -> how many bars the store has.
    """

    now: datetime
    facts: SourceFacts
    newest: pd.DataFrame
    held: dict[str, int]
    symbols: Sequence[str] | None = None
    everything: bool = False
    start: date | None = None
    end: date | None = None
    recheck: bool = False


@dataclass(slots=True)
class Plan:
    """How a provider will answer a request.

    Attributes:
        text: what it will ask for and what that costs, for people; said before it starts.
        calls: how many calls are planned.
        seconds: how long they take at least.
        missing: what did not come; complete when the batches have ended.
        failure: why the batches ended early, None where they did not.
    """

    text: str
    calls: int
    seconds: float
    missing: list[Missing] = field(default_factory=list)
    failure: Exception | None = None


@runtime_checkable
class Incremental(Protocol):
    """A provider that is asked only for what the store lacks."""

    name: str

    def plan(self, request: Request) -> tuple[Plan, Iterator[Batch]]:
        """What will be asked, and the batches, which begin to be asked for when the first is taken.

        What the source says beside prices is kept in `request.facts` at once. A batch that cannot be had does not
        raise: it is named in the plan's `missing`, and what failed for good in its `failure`.

        Raises:
            RequestError: nothing could be asked at all.
            NothingChosen: no symbols are named and none are known.
        """
        ...
