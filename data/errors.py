"""What can go wrong with data. Each error keeps its facts as fields and builds its message from them.

::

    DataError
    ├── SymbolError
    │   ├── MalformedSymbol      not of the pattern; never used for anything
    │   ├── UnknownExchange      well-formed, but its suffix names no exchange known here
    │   ├── UnknownSymbol        well-formed, but without prices in the store
    │   └── NotListed            well-formed, but the provider has nothing of that name
    ├── MissingColumns           a table lacks columns that bars need
    ├── ProviderError
    │   ├── UnreadableSource     a file or folder is absent, empty or not what its name says
    │   ├── MissingPackage       a provider's package is not installed
    │   ├── NothingChosen        the provider has thousands of symbols, and none was asked for
    │   └── RequestError         a call to a provider's server failed
    │       ├── NoToken          there is none to send
    │       ├── TokenRefused     the server does not accept it
    │       ├── NotEntitled      the account may not use that interface
    │       ├── Throttled        too many calls in a minute or an hour
    │       ├── DayQuotaSpent    no more calls today
    │       ├── RequestRejected  refused with a code that has no class of its own
    │       ├── ServerFault      an HTTP status that is no success
    │       ├── Unreachable      no connection, or no whole answer in time
    │       ├── MalformedAnswer  an answer that is not what the protocol promises
    │       └── PageFull         an answer at the row limit that cannot be asked for in smaller pieces
    ├── StoreError
    │   ├── EmptyStore           nothing has been fetched yet
    │   ├── UnknownVersion       the table never had that version
    │   ├── StoreBusy            another process is writing
    │   ├── StoreFull            no room is left where the table lies
    │   ├── UnsupportedStore     the table was written by a newer version of this program
    │   └── StoreUnavailable     the table cannot be read or written
    ├── UnknownUniverse          no list of symbols of that name
    ├── CalendarBounds           a date lies outside what the exchange's calendar knows
    ├── UnknownFeature           no feature of that name
    ├── UnscaledSymbol           per-series scaling was not fitted for that symbol
    ├── TooFewBars               not enough sessions for one window
    └── TooFewSessions           not enough sessions for the spans of a split
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import ClassVar


def shown(value: object, limit: int = 40) -> str:
    """`value` quoted for a message, printable and cut to `limit` characters, so that no input floods a log."""
    text = ascii(str(value)[: limit + 1])
    return f"{text[: limit - 1]}…" if len(text) > limit else text


def first_of(names: Sequence[str], limit: int = 8) -> str:
    """The first names of a list that may be long."""
    return ", ".join(names[:limit]) + (", …" if len(names) > limit else "")


def told(text: str, limit: int = 160) -> str:
    """What a server said, in its own language, without control characters and cut to `limit` characters."""
    plain = "".join(char if char.isprintable() else " " for char in text[: limit + 1])
    return f"{plain[: limit - 1]}…" if len(plain) > limit else plain


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
        few = first_of(self.available)
        super().__init__(
            symbol,
            f"unknown symbol {symbol}: the store holds {len(self.available)} symbols ({few}); "
            f"fetch it first: forecaster fetch {symbol}",
        )


class NotListed(SymbolError):
    """The provider has nothing of that name."""

    def __init__(self, symbol: str, reason: str) -> None:
        self.reason = reason
        super().__init__(symbol, f"{symbol} cannot be fetched: {reason}")


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


class NothingChosen(ProviderError):
    """The provider has more symbols than anyone fetches by accident, and none was asked for."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        super().__init__(
            f"say which symbols {provider} shall fetch: SYMBOL ..., --universe FILE, an index such as "
            "--universe 000300.SH, or --universe all; without any, those are updated that it has fetched before"
        )


class RequestError(ProviderError):
    """Base of errors of one call to a provider's server.

    Attributes:
        api: the interface that was called, such as daily.
    """

    def __init__(self, api: str, message: str) -> None:
        self.api = api
        super().__init__(message)

    @property
    def helps(self) -> bool:
        """Whether the same call may succeed when it is made again."""
        return False


class NoToken(RequestError):
    """There is no token to send."""

    def __init__(self, api: str) -> None:
        super().__init__(api, "no Tushare token: set TUSHARE_TOKEN, or TUSHARE_TOKEN_FILE to the file that holds it")


class TokenRefused(RequestError):
    """The server does not accept the token."""

    def __init__(self, api: str, code: int, said: str) -> None:
        self.code = code
        self.said = said
        super().__init__(
            api,
            f"{api}: the server refuses the token (code {code}: {told(said)}); "
            "compare TUSHARE_TOKEN with the one on your account's page",
        )


class NotEntitled(RequestError):
    """The account has too few points for the interface."""

    def __init__(self, api: str, code: int, said: str) -> None:
        self.code = code
        self.said = said
        super().__init__(
            api,
            f"{api}: this account may not use the interface (code {code}: {told(said)}); "
            "it needs more points, as the interface's own page says",
        )


class Throttled(RequestError):
    """More calls than the server allows in a minute or an hour.

    Attributes:
        limit: how many it allows, None where it did not tell.
        period: `minute` or `hour`.
        wait: seconds after which the server asked to come back, None where it did not tell.
    """

    def __init__(self, api: str, limit: int | None, period: str, wait: float | None, said: str) -> None:
        self.limit = limit
        self.period = period
        self.wait = wait
        self.said = said
        allowed = "fewer calls" if limit is None else f"{limit} calls"
        super().__init__(
            api,
            f"{api}: the server allows {allowed} {'an' if period == 'hour' else 'a'} {period} ({told(said)}); "
            "lower FORECASTER_TUSHARE_CALLS_PER_MINUTE to what your account allows",
        )

    @property
    def helps(self) -> bool:
        """After a while the server allows more."""
        return True


class DayQuotaSpent(RequestError):
    """No more calls today."""

    def __init__(self, api: str, limit: int | None, said: str) -> None:
        self.limit = limit
        self.said = said
        allowed = "" if limit is None else f" of {limit} calls"
        super().__init__(
            api,
            f"{api}: the day's quota{allowed} is spent ({told(said)}); run the same command again tomorrow, it "
            "goes on where it stopped. FORECASTER_TUSHARE_CALLS_PER_DAY keeps below the quota",
        )


class RequestRejected(RequestError):
    """The server refused the call with a code that has no class of its own."""

    def __init__(self, api: str, code: int, said: str) -> None:
        self.code = code
        self.said = said
        super().__init__(api, f"{api}: the server rejects the call with code {code}: {told(said)}")


class ServerFault(RequestError):
    """An HTTP status that is no success."""

    def __init__(self, api: str, status: int) -> None:
        self.status = status
        super().__init__(
            api,
            f"{api}: the server answered with HTTP status {status}, expected 200; "
            + ("it is at fault, try again later" if self.helps else "is FORECASTER_TUSHARE_URL the right address?"),
        )

    @property
    def helps(self) -> bool:
        """Only where the fault is the server's own."""
        return self.status >= 500 or self.status in (408, 425)


class Unreachable(RequestError):
    """No connection, or no whole answer in time.

    Attributes:
        address: where the call went, without what logs in.
        reason: why there is no answer.
        lasting: whether another try would meet the same, such as an address that is none.
    """

    def __init__(self, api: str, address: str, reason: str, lasting: bool = False) -> None:
        self.address = address
        self.reason = reason
        self.lasting = lasting
        super().__init__(
            api,
            f"{api}: no whole answer from {address}: {told(reason)}"
            + ("; is FORECASTER_TUSHARE_URL the right address?" if lasting else ""),
        )

    @property
    def helps(self) -> bool:
        """Unless the reason lasts."""
        return not self.lasting


class MalformedAnswer(RequestError):
    """An answer that is not what the protocol promises."""

    def __init__(self, api: str, expected: str, got: str) -> None:
        self.expected = expected
        self.got = got
        super().__init__(api, f"{api}: malformed answer: expected {expected}, got {shown(got, 80)}")

    @property
    def helps(self) -> bool:
        """What was cut off on its way may come whole the next time."""
        return True


class PageFull(RequestError):
    """An answer at the row limit that cannot be asked for in smaller pieces: whether rows are missing is unknown."""

    def __init__(self, api: str, rows: int, asked: str) -> None:
        self.rows = rows
        self.asked = asked
        super().__init__(
            api,
            f"{api}: the answer for {asked} has {rows} rows, as many as fit into one, and cannot be asked for in "
            "smaller pieces; nothing of it was taken",
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


class StoreBusy(StoreError):
    """Another process is writing."""

    def __init__(self, uri: str, holder: str) -> None:
        self.uri = uri
        self.holder = holder
        super().__init__(
            f"{uri} is being written by {holder or 'another process'}; wait until it is done, or say --wait SECONDS"
        )


class StoreFull(StoreError):
    """No room is left where the table lies."""

    def __init__(self, uri: str, reason: str) -> None:
        self.uri = uri
        self.reason = reason
        super().__init__(
            f"no room to write to {uri} ({shown(reason, 120)}): what was stored before is whole and readable; "
            "free some space and run the same command again"
        )


class UnsupportedStore(StoreError):
    """The table was written by a newer version of this program."""

    def __init__(self, uri: str, found: int, supported: int) -> None:
        self.uri = uri
        self.found = found
        self.supported = supported
        super().__init__(
            f"the prices in {uri} have schema {found}, and this version reads up to {supported}; "
            "install the version of this program that wrote them, or a newer one"
        )


class StoreUnavailable(StoreError):
    """The table cannot be read or written."""

    def __init__(self, uri: str, reason: str) -> None:
        self.uri = uri
        self.reason = reason
        super().__init__(f"the prices in {uri} cannot be read or written: {reason}")


class UnknownUniverse(DataError):
    """No list of symbols has this name."""

    def __init__(self, name: str, reason: str, known: Iterable[str]) -> None:
        self.name = name
        self.reason = reason
        self.known = tuple(known)
        names = f", or a name from forecaster.toml ({', '.join(self.known)})" if self.known else ""
        super().__init__(
            f"unknown universe {shown(name, 80)}: {reason}; expected a file with a symbol a line, an index such as "
            f"000300.SH, 'all'{names}"
        )


class CalendarBounds(DataError):
    """A date lies outside the span for which the exchange's trading days are known."""

    remedy: ClassVar[str] = (
        "install a newer exchange_calendars, or fetch from a provider with a trade calendar "
        "(forecaster fetch --provider tushare)"
    )

    def __init__(self, exchange: str, asked: date, first: date, last: date) -> None:
        self.exchange = exchange
        self.asked = asked
        self.first = first
        self.last = last
        super().__init__(
            f"the trading days of {exchange} are known from {first} to {last}, and {asked} needs one outside; "
            f"{self.remedy}"
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
