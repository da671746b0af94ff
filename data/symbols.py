"""What a symbol may look like, and which exchange it belongs to.

A symbol is checked against its pattern before it is used for anything: a query, a path, a message.
"""

from __future__ import annotations

import re
from typing import Final

from data.errors import MalformedSymbol, UnknownExchange

SYMBOL_PATTERN: Final = r"^[A-Z0-9][A-Z0-9-]{0,11}(\.[A-Z]{1,4})?$"
_SYMBOL: Final = re.compile(SYMBOL_PATTERN.removesuffix("$") + r"\Z", re.ASCII)

# Suffix -> ISO 10383 code of the exchange whose trading days count. Shenzhen and Beijing keep
# Shanghai's sessions: the three are closed on the same days by the regulator's yearly notice.
EXCHANGE_OF_SUFFIX: Final = {"SH": "XSHG", "SZ": "XSHG", "BJ": "XSHG", "HK": "XHKG", "US": "XNYS"}
DEFAULT_EXCHANGE: Final = "XNYS"

# Of a symbol whose exchange is known, as documents describe it.
LISTED_PATTERN: Final = rf"^[A-Z0-9][A-Z0-9-]{{0,11}}(\.({'|'.join(EXCHANGE_OF_SUFFIX)}))?$"


def parse_symbol(text: str) -> str:
    """`text` if it is a well-formed symbol.

    Raises:
        MalformedSymbol: it is anything else; nothing is trimmed or upper-cased silently.
    """
    if len(text) > 20 or not _SYMBOL.match(text):
        raise MalformedSymbol(text)
    return text


def exchange_of(symbol: str) -> str:
    """The ISO 10383 code of the exchange that a well-formed `symbol` trades on.

    Raises:
        MalformedSymbol, UnknownExchange: the symbol names no exchange that is known here.
    """
    _, _, suffix = parse_symbol(symbol).partition(".")
    if not suffix:
        return DEFAULT_EXCHANGE
    try:
        return EXCHANGE_OF_SUFFIX[suffix]
    except KeyError:
        raise UnknownExchange(symbol, suffix, EXCHANGE_OF_SUFFIX) from None


def market_of(symbol: str) -> str:
    """What `symbol` is compared within: its exchange, or its suffix where no exchange is known by it."""
    try:
        return exchange_of(symbol)
    except UnknownExchange:
        return symbol.rpartition(".")[2]
