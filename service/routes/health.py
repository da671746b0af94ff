"""Probes."""

from __future__ import annotations

from fastapi import APIRouter

from service.dependencies import Host
from service.errors import NO_ANSWERS, detail_of, responses
from service.schemas.health import Live, Ready

router = APIRouter(tags=["health"])


@router.get("/health/live", response_model=Live, responses=responses(), summary="Is the process alive?")
async def live() -> Live:
    """200 as long as the process answers. Restart it when this fails, not when it is not ready."""
    return Live(status="live")


@router.get("/health/ready", response_model=Ready, responses=responses(*NO_ANSWERS), summary="Can it answer?")
async def ready(host: Host) -> Ready:
    """200 with what the answers come from, 503 with the reason why there are none.

    After a failed refresh the service stays ready: it answers from what it has, and `last_error` says why.
    """
    held = host.current()
    return Ready(
        status="ready",
        model=held.model,
        data_version=held.data_version,
        symbols=len(held.listed),
        stale=held.stale,
        built_at=held.built_at,
        last_error=None if host.last_error is None else detail_of(host.last_error),
    )
