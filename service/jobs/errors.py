"""What can go wrong with jobs.

::

    JobError
    ├── JobRunning         one runs already
    ├── UnknownJob         there is none of that name
    ├── InvalidRetraining  what was asked for cannot be trained
    ├── CannotTrain        the packages for training are not installed here
    └── JobsUnavailable    the folder of the jobs cannot be written
"""

from __future__ import annotations

from data.errors import shown


class JobError(Exception):
    """Base of errors about jobs."""


class JobRunning(JobError):
    """One runs already. `job` is its name, None where it has not been written down yet."""

    def __init__(self, job: str | None) -> None:
        self.job = job
        which = f"{job} runs" if job else "one is being started"
        super().__init__(f"one job runs at a time, and {which} at the moment; wait for it to end")


class UnknownJob(JobError):
    """There is no job of that name."""

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(f"there is no job {shown(job)}: GET /v1/jobs shows the newest")


class InvalidRetraining(JobError):
    """What was asked for cannot be trained."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class CannotTrain(JobError):
    """The packages for training are not installed."""

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(
            f"this service was installed for serving only, without {package}: train where "
            "pip install 'stock-forecaster[train]' was done, with the same registry, and this service sees the result"
        )


class JobsUnavailable(JobError):
    """The folder of the jobs cannot be written, or its processes cannot be started."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"no job can be started: {reason}; the service needs to write to jobs under FORECASTER_HOME")
