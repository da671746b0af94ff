"""Trainings that run beside the service."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from service.dependencies import Host
from service.errors import responses
from service.jobs.errors import CannotTrain, InvalidRetraining, JobRunning, JobsUnavailable, UnknownJob
from service.jobs.jobs import Jobs
from service.jobs.log import Log
from service.jobs.record import Job
from service.schemas.jobs import JobAnswer, JobEntry, JobProgress, JobsAnswer, Retraining

router = APIRouter(tags=["jobs"])


async def known_jobs(host: Host) -> Jobs:
    """The jobs of the service's home."""
    return Jobs(host.settings, host.clock)


Known = Annotated[Jobs, Depends(known_jobs)]

_ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"headers": {"Location": {"description": "Where the job is.", "schema": {"type": "string"}}}}
}


# All of them read files: plain functions run in a thread.
@router.get("/v1/jobs", response_model=JobsAnswer, responses=responses(), summary="List the jobs")
def jobs(known: Known) -> JobsAnswer:
    """The newest jobs, the newest first, whichever process started them."""
    return JobsAnswer(jobs=[JobEntry(**_entry(known, one)) for one in known.folder.all()])


@router.post(
    "/v1/jobs/retrain",
    response_model=JobAnswer,
    status_code=202,
    responses={**_ACCEPTED, **responses(InvalidRetraining, JobRunning, CannotTrain, JobsUnavailable)},
    summary="Train a new version",
)
def retrain(request: Request, response: Response, known: Known, asked: Retraining | None = None) -> JobAnswer:
    """Train on the stored prices, judge on held-out sessions, and register the result.

    The first version of a model becomes its champion, which serves; a later one is the challenger until it is promoted,
    and is weighed beside the champion, so that it can be.
    One job runs at a time. It goes on where the service ends; a training that was stopped or killed goes on from its
    checkpoint when the same is asked for again.
    """
    wanted = asked or Retraining()
    job = known.retrain(wanted.symbols, wanted.settings)
    response.headers["Location"] = f"{request.scope.get('root_path', '')}/v1/jobs/{job.id}"
    return _answer(known, job)


@router.get("/v1/jobs/{id}", response_model=JobAnswer, responses=responses(UnknownJob), summary="Show a job")
def job(id: str, known: Known) -> JobAnswer:
    """Where a job is, what was asked for, and the last lines that it printed."""
    return _answer(known, known.folder.get(id))


def _answer(known: Jobs, job: Job) -> JobAnswer:
    log = Log(known.folder.log(job.id)).tail
    return JobAnswer(
        **_entry(known, job),
        symbols=None if job.symbols is None else list(job.symbols),
        settings=job.settings,
        log=log,
    )


def _entry(known: Jobs, job: Job) -> dict[str, Any]:
    """A job's facts; of one that is under way what its log tells."""
    detail, progress = job.detail, job.progress
    if not job.over:
        log = Log(known.folder.log(job.id))
        detail, progress = log.last or detail, log.progress
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state.value,
        "created": job.created,
        "started": job.started,
        "finished": job.finished,
        "detail": detail,
        "progress": None if progress is None else JobProgress(epoch=progress.epoch, of=progress.of),
        "version": job.version,
    }
