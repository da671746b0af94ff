"""Forecasts: a symbol's, many symbols' at once, from the caller's own bars, and as of an earlier day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from data.errors import (
    CalendarBounds,
    MalformedSymbol,
    StoreUnavailable,
    UnknownExchange,
    UnknownSymbol,
    UnscaledSymbol,
)
from forecaster.errors import NotEnoughHistory, NotFinite
from service.asked.as_of import forecast_as_of
from service.asked.batch import Batch, batch
from service.asked.errors import BadBar, BadBody, DayUnknown, ExtremeBars, NeedsOthers
from service.asked.own_bars import forecast_own
from service.asked.reading import Sent, read
from service.dependencies import Symbol
from service.errors import NO_ANSWERS, responses
from service.lookup import LookUp
from service.metrics import Metrics
from service.model_host import ModelHost
from service.ready import CHINESE, ENGLISH, Ready, in_chinese, preferred
from service.refusals import BodyTooLarge, TookTooLong, TooMuchWork
from service.schemas.batch import ForecastsAnswer
from service.schemas.forecasts import ForecastAnswer
from service.schemas.requests import AsOf
from service.snapshot import version_of
from service.working import Workbench

router = APIRouter(tags=["forecasts"])
# Its routes become the app's own, the first of all: whatever is tried before them takes time.
ready = APIRouter(tags=["forecasts"], route_class=LookUp, generate_unique_id_function=lambda route: route.name)

# Bytes of a body that is worked on at once: some 400 bars as rows.
_SMALL: Final = 1 << 16
_FEW: Final = 200


@ready.get(
    "/v1/forecasts/{symbol:any}",
    response_model=ForecastAnswer,
    responses=responses(
        MalformedSymbol,
        UnknownExchange,
        UnknownSymbol,
        NotEnoughHistory,
        NotFinite,
        UnscaledSymbol,
        NeedsOthers,
        DayUnknown,
        CalendarBounds,
        StoreUnavailable,
        TooMuchWork,
        TookTooLong,
        *NO_ANSWERS,
    ),
    summary="Forecast the next session's close",
)
async def forecast(symbol: Symbol, request: Request, as_of: AsOf = None) -> Response:
    """The next session's close with its uncertainty, the trivial forecast beside it, and the model's record.

    The record comes from held-out sessions: how wrong and how late such forecasts were, and whether they beat
    repeating yesterday's close. Verdicts are in the language that `Accept-Language` prefers, English or Chinese.

    With `as_of` it is what the model that serves now would have said on that day: no later bar counts and no later
    outcome. Its weights are as old as `model.trained_through` tells, and the record is that of its held-out span.
    """
    host: ModelHost = request.app.state.host
    held = host.current()
    if as_of is None:
        return held.forecast_of(symbol).respond(request.scope)
    metrics: Metrics = request.app.state.metrics
    bench: Workbench = request.app.state.workbench
    with metrics.inference("as_of"):
        body = await bench.run(forecast_as_of, held, host.store, symbol, as_of, host.clock())
    return Ready(body, version_of(held.loaded, held.data_version)).respond(request.scope)


@router.post(
    "/v1/forecasts",
    response_model=ForecastAnswer | ForecastsAnswer,
    responses=responses(
        BadBody,
        BadBar,
        ExtremeBars,
        DayUnknown,
        NotEnoughHistory,
        UnscaledSymbol,
        NeedsOthers,
        BodyTooLarge,
        TooMuchWork,
        TookTooLong,
        *NO_ANSWERS,
    ),
    summary="Forecast many symbols, or from your own bars",
)
async def forecasts(request: Request) -> Response:
    """Either `symbols`: the forecasts of many, in the order asked, and for each that has none the reason.

    Or `symbol` and `bars`: a forecast from bars that come with the request and are not kept, for a share that the store
    does not know, or with a bar that it does not have yet. Bars are checked as stored ones are, and a bad one is
    refused by its position and the rule that it breaks. Intervals are as wide as those of the model's own forecasts at
    this moment. Verdicts are in the language that `Accept-Language` prefers.
    """
    host: ModelHost = request.app.state.host
    body = await request.body()
    bench: Workbench = request.app.state.workbench
    # A thread would take longer to be handed a small request than the request takes.
    small = len(body) <= _SMALL
    asked = read(body, host.settings.max_batch) if small else await bench.run(read, body, host.settings.max_batch)
    held = host.current()
    language = preferred(request.headers.get("accept-language", "").encode("latin-1"))
    if not isinstance(asked, Sent):
        # Ready answers are quick to put together, unlike other languages and the reasons why there is none.
        ready_made = language == ENGLISH and held.forecasts.keys() >= set(asked)
        at_once = ready_made or len(asked) <= _FEW
        return _whole(
            batch(held, asked, language) if at_once else await bench.run(batch, held, asked, language), language
        )
    metrics: Metrics = request.app.state.metrics
    with metrics.inference("own_bars"):
        if small:
            made = forecast_own(held, asked, host.clock())
        else:
            made = await bench.run(forecast_own, held, asked, host.clock())
    return Response(
        in_chinese(made) if language == CHINESE else made,
        media_type="application/json",
        headers={"Content-Language": language, "Cache-Control": "no-store"},
    )


def _whole(made: Batch, language: str) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for one in made.pieces():
            yield one

    headers = {"Content-Length": str(len(made)), "Content-Language": language, "Cache-Control": "no-cache"}
    return StreamingResponse(pieces(), media_type="application/json", headers=headers)
