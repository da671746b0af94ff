"""The next session's forecast of a symbol."""

from __future__ import annotations

from fastapi import APIRouter, Response

from data.errors import CalendarBounds, MalformedSymbol, UnknownExchange, UnknownSymbol, UnscaledSymbol
from forecaster.errors import NotEnoughHistory
from service.dependencies import Host, Symbol
from service.errors import NO_ANSWERS, responses
from service.schemas.forecasts import ForecastAnswer

router = APIRouter(tags=["forecasts"])


@router.get(
    "/v1/forecasts/{symbol:any}",
    response_model=ForecastAnswer,
    responses=responses(
        MalformedSymbol, UnknownExchange, UnknownSymbol, NotEnoughHistory, UnscaledSymbol, CalendarBounds, *NO_ANSWERS
    ),
    summary="Forecast the next session's close",
)
async def forecast(symbol: Symbol, host: Host) -> Response:
    """The next session's close with its uncertainty, the trivial forecast beside it, and the model's record.

    The record comes from held-out sessions: how wrong and how late such forecasts were, and whether they beat
    repeating yesterday's close.
    """
    return Response(host.current().forecast_of(symbol), media_type="application/json")
