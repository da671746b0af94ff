"""The record of a model's forecasts of a symbol."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from data.errors import MalformedSymbol, UnknownExchange, UnknownSymbol
from service.dependencies import Bench, Host, Symbol
from service.errors import NO_ANSWERS, responses
from service.refusals import TookTooLong, TooMuchWork
from service.schemas.diagnostics import DiagnosticsAnswer

router = APIRouter(tags=["diagnostics"])


@router.get(
    "/v1/diagnostics/{symbol:any}",
    response_model=DiagnosticsAnswer,
    responses=responses(MalformedSymbol, UnknownExchange, UnknownSymbol, TooMuchWork, TookTooLong, *NO_ANSWERS),
    summary="Show how forecasts of a symbol have done",
)
async def diagnostics(symbol: Symbol, host: Host, bench: Bench, request: Request) -> Response:
    """Errors, lag, significance and coverage, with the held-out series to recompute them from.

    Verdicts are in the language that `Accept-Language` prefers, English or Chinese.
    """
    made = await bench.run(host.diagnoses.of, symbol, host.current())
    return made.respond(request.scope)
