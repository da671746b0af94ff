"""Many symbols' forecasts: the ready answers, put together piece by piece, so that none of them is kept twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from service.errors import document_of
from service.ready import CHINESE, ENGLISH, in_chinese
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


def batch(snapshot: Snapshot, symbols: Sequence[str], language: str = ENGLISH) -> Batch:
    """The forecasts of symbols, in their order, and for those that have none the problem document why.

    Args:
        snapshot: the one that all of them come from.
        symbols: well-formed, each once.
        language: of the verdicts.
    """
    found = [(symbol, snapshot.forecasts.get(symbol)) for symbol in symbols]
    refused = {}
    for symbol in (symbol for symbol, one in found if one is None):
        try:
            snapshot.forecast_of(symbol)
        except Exception as error:  # whatever stands in its way
            refused[symbol] = document_of(error, f"/v1/forecasts/{symbol}")
    tail = (
        f'],"refused":{json.dumps(refused, ensure_ascii=False, separators=(",", ":"))},'
        f'"model":{snapshot.model.model_dump_json()},"data_version":{snapshot.data_version}}}'
    )
    bodies = (one.body for _, one in found if one is not None)
    told = map(in_chinese, bodies) if language == CHINESE else bodies
    return Batch(b'{"forecasts":[', tuple(told), tail.encode())
