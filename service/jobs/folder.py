"""The folder of the jobs: one JSON file each, and the lock of the one that runs."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import lock_descriptor
from pydantic import ValidationError

from service.jobs.errors import UnknownJob
from service.jobs.record import Job, is_id

KEPT: Final = 50

_log = logging.getLogger(__name__)

# Whoever looks whether the lock is held has it for a moment.
_A_LOOK_SECONDS: Final = 0.25
_POLL_SECONDS: Final = 0.01


class JobFolder:
    """Jobs as files. Nothing is kept in memory, so that any process may ask at any time."""

    def __init__(self, path: Path) -> None:
        """Makes nothing yet."""
        self.path = path

    def all(self) -> list[Job]:
        """All jobs, newest first."""
        names = sorted((one.stem for one in self.path.glob("*.json") if is_id(one.stem)), reverse=True)
        return [self._as_it_is(job) for job in map(self._read, names) if job is not None]

    def get(self, name: str) -> Job:
        """One job.

        Raises:
            UnknownJob: there is none of that name.
        """
        job = self._read(name) if is_id(name) else None
        if job is None:
            raise UnknownJob(name)
        return self._as_it_is(job)

    def write(self, job: Job) -> None:
        """Keep what is known of a job; a reader sees all of it or what was known before."""
        target = self._file(job.id)
        draft = target.with_suffix(".draft")
        draft.write_text(job.model_dump_json(indent=1), encoding="utf-8")
        draft.replace(target)

    def log(self, name: str) -> Path:
        """Where the processes of a job print to."""
        return self.path / f"{name}.log"

    @contextmanager
    def held(self) -> Iterator[int | None]:
        """The lock, as a file descriptor that processes may inherit; None where another job's processes have it.

        It is free again when everyone who inherited it has ended.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._opened() as file:
            until = time.monotonic() + _A_LOOK_SECONDS
            while not (locked := lock_descriptor(file, blocking=False)) and time.monotonic() < until:
                time.sleep(_POLL_SECONDS)
            yield file if locked else None

    def settle(self) -> None:
        """Write down which jobs are lost, and forget all but the newest. For whoever holds the lock."""
        names = sorted((one.stem for one in self.path.glob("*.json") if is_id(one.stem)), reverse=True)
        for name in names[: KEPT - 1]:
            job = self._read(name)
            if job is not None and not job.over:
                self.write(job.lost())
        for name in names[KEPT - 1 :]:
            self._file(name).unlink(missing_ok=True)
            self.log(name).unlink(missing_ok=True)

    def _as_it_is(self, job: Job) -> Job:
        """A job that says it runs while nobody does is lost, unless it has ended meanwhile."""
        if job.over or self._running():
            return job
        again = self._read(job.id) or job
        return again if again.over else again.lost()

    def _running(self) -> bool:
        try:
            with self._opened() as file:
                return not lock_descriptor(file, blocking=False)
        except OSError:
            return True  # nobody who may not look can say that it is lost

    @contextmanager
    def _opened(self) -> Iterator[int]:
        file = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            yield file
        finally:
            os.close(file)

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.json"

    def _read(self, name: str) -> Job | None:
        with suppress(FileNotFoundError):
            try:
                return Job.model_validate_json(self._file(name).read_bytes())
            except (ValidationError, OSError) as error:
                if isinstance(error, FileNotFoundError):
                    raise
                _log.warning("the file of job %s cannot be read: %s", name, type(error).__name__)
        return None
