"""What can go wrong with data. Each error keeps its facts as fields and builds its message from them.

::

    DataError
    ├── SymbolError
    │   ├── MalformedSymbol      not of the pattern; never used for anything
    │   ├── UnknownExchange      well-formed, but its suffix names no exchange known here
    │   └── UnknownSymbol        well-formed, but without prices in the store
    ├── MissingColumns           a table lacks columns that bars need
    ├── ProviderError
    │   ├── UnreadableSource     a file or folder is absent, empty or not what its name says
    │   └── MissingPackage       a provider's package is not installed
    ├── StoreError
    │   ├── EmptyStore           nothing has been fetched yet
    │   ├── UnknownVersion       the table never had that version
    │   └── StoreUnavailable     the table cannot be read or written
    ├── CalendarBounds           a date lies outside what the exchange's calendar knows
    ├── UnknownFeature           no feature of that name
    ├── UnscaledSymbol           per-series scaling was not fitted for that symbol
    ├── TooFewBars               not enough sessions for one window
    └── TooFewSessions           not enough sessions for the spans of a split
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date


def shown(value: object, limit: int = 40) -> str:
    """`value` quoted for a message, printable and cut to `limit` characters, so that no input floods a log."""
    text = ascii(str(value)[: limit + 1])
    return f"{text[: limit - 1]}…" if len(text) > limit else text


class DataError(Exception):
    """Base of all errors of the data layer."""


class SymbolError(DataError):
    """Base of errors about one symbol."""

    def __init__(self, symbol: str, message: str) -> None:
        self.symbol = symbol
        super().__init__(message)


class MalformedSymbol(SymbolError):
    """The text cannot be a symbol."""

    def __init__(self, symbol: str) -> None:
        super().__init__(
            symbol,
            f"malformed symbol {shown(symbol)}: expected 1 to 12 of A-Z, 0-9 and '-', "
            "and optionally a dot with the exchange's suffix, such as AAPL or 600519.SH",
        )


class UnknownExchange(SymbolError):
    """The symbol's suffix names no exchange that is known here."""

    def __init__(self, symbol: str, suffix: str, known: Iterable[str]) -> None:
        self.suffix = suffix
        self.known = tuple(known)
        super().__init__(
            symbol,
            f"{symbol}: unknown exchange suffix '.{suffix}'; known are "
            + ", ".join(f".{one}" for one in self.known)
            + ", and no suffix for New York",
        )


class UnknownSymbol(SymbolError):
    """The store holds no prices of this symbol."""

    def __init__(self, symbol: str, available: Sequence[str]) -> None:
        self.available = tuple(available)
        few = ", ".join(self.available[:8]) + (", …" if len(self.available) > 8 else "")
        super().__init__(
            symbol,
            f"unknown symbol {symbol}: the store holds {len(self.available)} symbols ({few}); "
            f"fetch it first: forecaster fetch {symbol}",
        )


class MissingColumns(DataError):
    """A table lacks columns that bars cannot do without."""

    def __init__(self, source: str, missing: Sequence[str], found: Sequence[str]) -> None:
        self.source = source
        self.missing = tuple(missing)
        self.found = tuple(found)
        super().__init__(
            f"{source}: no column for {', '.join(self.missing)}; found {', '.join(map(shown, self.found[:20]))}. "
            f"Name it with a mapping such as --map {self.missing[0]}=COLUMN"
        )


class ProviderError(DataError):
    """Base of errors of a source of prices."""


class UnreadableSource(ProviderError):
    """A file or folder cannot be read as prices."""

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        super().__init__(f"cannot read prices from {source}: {reason}")


class MissingPackage(ProviderError):
    """The provider's own package is not installed."""

    def __init__(self, provider: str, package: str, extra: str) -> None:
        self.provider = provider
        self.package = package
        self.extra = extra
        super().__init__(
            f"the provider '{provider}' needs the package {package}: pip install 'stock-forecaster[{extra}]'"
        )


class StoreError(DataError):
    """Base of errors of the price store."""


class EmptyStore(StoreError):
    """No prices have been stored yet."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        super().__init__(f"no prices in {uri}: fetch some first, for example: forecaster fetch --provider sample")


class UnknownVersion(StoreError):
    """The table never had the version that was asked for."""

    def __init__(self, uri: str, version: int, newest: int) -> None:
        self.uri = uri
        self.version = version
        self.newest = newest
        super().__init__(f"{uri} has no version {version}: expected 0 to {newest}")


class StoreUnavailable(StoreError):
    """The table cannot be read or written."""

    def __init__(self, uri: str, reason: str) -> None:
        self.uri = uri
        self.reason = reason
        super().__init__(f"the prices in {uri} cannot be read or written: {reason}")


class CalendarBounds(DataError):
    """A date lies outside the span for which the exchange's trading days are known."""

    def __init__(self, exchange: str, asked: date, first: date, last: date) -> None:
        self.exchange = exchange
        self.asked = asked
        self.first = first
        self.last = last
        super().__init__(
            f"the trading days of {exchange} are known from {first} to {last}, and {asked} needs one outside; "
            "install a newer exchange_calendars"
        )


class UnknownFeature(DataError):
    """No feature has this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"unknown feature {shown(name)}: expected one of {', '.join(self.known)}")


class UnscaledSymbol(DataError):
    """Per-series scaling has no fitted range for a symbol."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        super().__init__(
            f"{symbol} was not among the training rows, so per-series scaling has no range for it; "
            "train with it, or use scaling = 'window'"
        )


class TooFewBars(DataError):
    """Not enough sessions for a single window."""

    def __init__(self, symbol: str, needed: int, found: int) -> None:
        self.symbol = symbol
        self.needed = needed
        self.found = found
        super().__init__(f"{symbol}: {found} usable sessions, and one window needs {needed}; fetch a longer history")


class TooFewSessions(DataError):
    """The windows do not span enough sessions for the split that was asked for."""

    def __init__(self, needed: int, found: int) -> None:
        self.needed = needed
        self.found = found
        super().__init__(
            f"the split needs more than {needed} sessions with known outcomes and found {found}; "
            "fetch a longer history, or ask for shorter validation and test spans"
        )
