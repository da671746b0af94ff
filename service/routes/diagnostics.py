"""The record of a model's forecasts of a symbol."""

from __future__ import annotations

from fastapi import APIRouter, Response

from data.errors import MalformedSymbol, UnknownExchange, UnknownSymbol
from service.dependencies import Host, Symbol
from service.errors import NO_ANSWERS, responses
from service.schemas.diagnostics import DiagnosticsAnswer

router = APIRouter(tags=["diagnostics"])


@router.get(
    "/v1/diagnostics/{symbol:any}",
    response_model=DiagnosticsAnswer,
    responses=responses(MalformedSymbol, UnknownExchange, UnknownSymbol, *NO_ANSWERS),
    summary="Show how forecasts of a symbol have done",
)
async def diagnostics(symbol: Symbol, host: Host) -> Response:
    """Errors, lag, significance and coverage, with the held-out series to recompute them from."""
    return Response(host.current().diagnostics_of(symbol), media_type="application/json")
