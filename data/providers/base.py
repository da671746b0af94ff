"""What every source of prices must do, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import pandas as pd


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of what a provider has: a table with the columns of `data.bars`, not yet validated.

    Attributes:
        source: what the rows came from (a symbol, a file), for messages and the quarantine.
        table: the rows.
        notes: what a user should know about them, such as a factor that had to be assumed.
    """

    source: str
    table: pd.DataFrame
    notes: tuple[str, ...] = ()


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
