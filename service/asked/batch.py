"""Many symbols' forecasts: the ready answers, put together piece by piece, so that none of them is kept twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from data.errors import UnknownExchange, UnknownSymbol
from data.symbols import exchange_of
from service.errors import document_of
from service.snapshot import Snapshot

# So many answers go out at a time: some 200 kB.
_PIECE: Final = 64


@dataclass(frozen=True, slots=True)
class Batch:
    """A whole answer, in pieces.

    Attributes:
        head, tail: what stands before the forecasts and after them.
        forecasts: each symbol's JSON.
    """

    head: bytes
    forecasts: Sequence[bytes]
    tail: bytes

    def __len__(self) -> int:
        """How many bytes."""
        commas = max(len(self.forecasts) - 1, 0)
        return len(self.head) + sum(map(len, self.forecasts)) + commas + len(self.tail)

    def pieces(self) -> Iterator[bytes]:
        """All of it, in order."""
        yield self.head
        for start in range(0, len(self.forecasts), _PIECE):
            some = b",".join(self.forecasts[start : start + _PIECE])
            yield some if not start else b"," + some
        yield self.tail


def batch(snapshot: Snapshot, symbols: Sequence[str]) -> Batch:
    """The forecasts of symbols, in their order, and for those that have none the problem document why.

    Args:
        snapshot: the one that all of them come from.
        symbols: well-formed, each once.
    """
    found = [(symbol, snapshot.forecasts.get(symbol)) for symbol in symbols]
    available = tuple(sorted(snapshot.listed)) if any(one is None for _, one in found) else ()
    refused = {
        symbol: document_of(_why(snapshot, symbol, available), f"/v1/forecasts/{symbol}")
        for symbol, one in found
        if one is None
    }
    tail = (
        f'],"refused":{json.dumps(refused, ensure_ascii=False, separators=(",", ":"))},'
        f'"model":{snapshot.model.model_dump_json()},"data_version":{snapshot.data_version}}}'
    )
    return Batch(b'{"forecasts":[', [one.body for _, one in found if one is not None], tail.encode())


def _why(snapshot: Snapshot, symbol: str, available: tuple[str, ...]) -> Exception:
    if symbol in snapshot.refusals:
        return snapshot.refusals[symbol]
    try:
        exchange_of(symbol)  # a suffix that no exchange has explains more than "unknown symbol"
    except UnknownExchange as error:
        return error
    return UnknownSymbol(symbol, available)
