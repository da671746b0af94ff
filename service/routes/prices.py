"""A symbol's bars, for plotting."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from data.adjust import adjusted
from data.bars import Bars
from data.errors import MalformedSymbol, StoreUnavailable, UnknownExchange, UnknownSymbol
from service.dependencies import Bench, Host, Symbol
from service.errors import NO_ANSWERS, responses
from service.refusals import TookTooLong, TooMuchWork
from service.schemas.prices import PricesAnswer

router = APIRouter(tags=["prices"])

# Ten years of trading.
_MOST: Final = 2500

_Sessions = Annotated[
    int,
    Query(
        ge=1,
        le=_MOST,
        description="How many, counted from the newest back; a symbol that has fewer is shown with what it has.",
        openapi_examples={"a year": {"value": 250}, "ten years": {"value": _MOST}},
    ),
]


@router.get(
    "/v1/prices/{symbol:any}",
    response_model=PricesAnswer,
    responses=responses(
        MalformedSymbol, UnknownExchange, UnknownSymbol, StoreUnavailable, TooMuchWork, TookTooLong, *NO_ANSWERS
    ),
    summary="Show a symbol's prices",
)
async def prices(symbol: Symbol, host: Host, bench: Bench, sessions: _Sessions = 250) -> Response:
    """Daily bars on the scale of the last session, from the version of the prices that forecasts are made from."""
    held = host.current()
    held.require(symbol)  # unknown symbols are told without a look into the store

    def work() -> bytes:
        bars = host.store.read([symbol], version=held.data_version)
        return prices_answer(bars, sessions, held.data_version).model_dump_json().encode()

    return Response(await bench.run(work), media_type="application/json")


def prices_answer(bars: Bars, sessions: int, data_version: int) -> PricesAnswer:
    """The newest bars as an answer.

    Args:
        bars: of one symbol, its newest session included.
        sessions: how many are shown at most.
        data_version: the table's version that they are from.
    """
    (symbol,) = bars.symbols
    table = adjusted(bars, "forward").tail(sessions)
    columns = {name: table[name].tolist() for name in ("open", "high", "low", "close", "volume")}
    return PricesAnswer(
        symbol=symbol,
        adjusted="forward",
        session=[day.date() for day in table["session"]],
        **columns,
        data_version=data_version,
    )
