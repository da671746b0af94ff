"""What can go wrong with a ledger.

::

    ForecasterError
    └── LedgerError
        ├── LedgerUnavailable   the table cannot be read or written
        ├── UnsupportedLedger   it holds rows of a newer version of this program
        └── NotPublished        nothing was published of a symbol
"""

from __future__ import annotations

from collections.abc import Collection

from data.errors import first_of
from forecaster.errors import ForecasterError


class LedgerError(ForecasterError):
    """Base of errors of the ledger."""


class LedgerUnavailable(LedgerError):
    """The table cannot be read or written."""

    def __init__(self, uri: str, reason: str) -> None:
        self.uri = uri
        self.reason = reason
        super().__init__(f"the ledger of published forecasts in {uri} cannot be read or written: {reason}")


class UnsupportedLedger(LedgerError):
    """The table holds rows that this version does not understand."""

    def __init__(self, uri: str, found: int, supported: int) -> None:
        self.uri = uri
        self.found = found
        self.supported = supported
        super().__init__(
            f"the ledger in {uri} has rows of schema {found}, and this version reads up to {supported}; "
            "install the version of this program that wrote them, or a newer one"
        )


class NotPublished(LedgerError):
    """Nothing was published of a symbol."""

    def __init__(self, symbol: str, name: str, known: Collection[str]) -> None:
        self.symbol = symbol
        self.name = name
        self.known = tuple(known)
        there = first_of(self.known)
        super().__init__(
            f"nothing was published of {symbol} under {name}, but of {len(self.known)} symbols"
            f"{f' ({there})' if there else ''}; publish it first: forecaster publish {symbol}"
        )
