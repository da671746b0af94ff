"""The scheduler, as its heartbeat shows it."""

from __future__ import annotations

from fastapi import APIRouter

from forecaster.heartbeat import Heartbeat, HeartbeatFolder
from service.dependencies import Host
from service.errors import responses
from service.jobs.log import without_paths
from service.schemas.schedule import Missed, Said, ScheduleAnswer, ScheduledPass

router = APIRouter(tags=["jobs"])


# It reads a file: a plain function runs in a thread.
@router.get("/v1/schedule", response_model=ScheduleAnswer, responses=responses(), summary="Is the scheduler alive?")
def schedule(host: Host) -> ScheduleAnswer:
    """Whether the scheduler is alive, what it does, and when it runs next.

    Where none was ever started, the answer says so.
    """
    seen = HeartbeatFolder(host.settings.home).look(host.settings.model, host.clock())
    return ScheduleAnswer(
        model=host.settings.model,
        liveness=seen.liveness,
        text=without_paths(seen.text),
        heartbeat_age=seen.age,
        standbys=seen.standbys,
        heartbeat=None if seen.heartbeat is None else _said(seen.heartbeat),
    )


def _said(beat: Heartbeat) -> Said:
    """What everyone who reads forecasts may know: not the machine, and not where its files are."""
    return Said(
        state=beat.state,
        started=beat.started,
        sessions=dict(beat.sessions),
        next_due=beat.next_due,
        retry_at=beat.retry_at,
        last=_last(beat),
        failures=beat.failures,
        missed=[Missed(exchange=one.exchange, session=one.session, reason=one.reason) for one in beat.missed],
        problem=None if beat.problem is None else without_paths(beat.problem),
    )


def _last(beat: Heartbeat) -> ScheduledPass | None:
    if beat.last is None:
        return None
    return ScheduledPass(
        sessions=dict(beat.last.sessions),
        outcome=beat.last.outcome,
        started=beat.last.started,
        finished=beat.last.finished,
        detail=without_paths(beat.last.detail),
    )
