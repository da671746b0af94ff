"""What can be asked for."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from service.dependencies import Host
from service.errors import NO_ANSWERS, responses
from service.schemas.symbols import SymbolsAnswer

router = APIRouter(tags=["symbols"])


@router.get("/v1/symbols", response_model=SymbolsAnswer, responses=responses(*NO_ANSWERS), summary="List the symbols")
async def symbols(host: Host, request: Request) -> Response:
    """Every symbol of the store: its span, whether it can be forecast or why not, and whether it is stale."""
    return host.current().symbols.respond(request.scope)
