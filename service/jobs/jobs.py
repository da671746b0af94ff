"""Start jobs, and list them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from service.jobs.errors import JobRunning, JobsUnavailable
from service.jobs.folder import JobFolder
from service.jobs.record import Job, State, new_id
from service.jobs.request import checked_settings, checked_symbols, require_training
from service.settings import ServiceSettings

TRAIN: Final = (sys.executable, "-m", "forecaster.cli.main", "train", "--weigh")

# A training asks nobody for prices and lets nobody in.
_NOT_FOR_TRAINING: Final = ("FORECASTER_API_KEYS", "FORECASTER_API_KEYS_FILE", "TUSHARE_TOKEN", "TUSHARE_TOKEN_FILE")


class Jobs:
    """The jobs of a home. Holds nothing itself: what is, is in the folder."""

    def __init__(
        self, settings: ServiceSettings, clock: Callable[[], datetime], program: Sequence[str] = TRAIN
    ) -> None:
        """Reads nothing yet.

        Args:
            settings: where things are.
            clock: the present, with a time zone.
            program: what trains, before its arguments.
        """
        self.folder = JobFolder(settings.home.absolute() / "jobs")
        self._settings = settings
        self._clock = clock
        self._program = tuple(program)

    def retrain(self, symbols: Sequence[str] | None, settings: Mapping[str, Any] | None) -> Job:
        """Begin to train a new version. Blocks for the moments until its process is there.

        Args:
            symbols: whose prices; None takes all.
            settings: of the spec, where they should not be the defaults.

        Raises:
            InvalidRetraining: that cannot be trained.
            CannotTrain: nothing can be trained here.
            JobRunning: a job runs already.
            JobsUnavailable: the folder cannot be written, or no process be started.
        """
        chosen = checked_symbols(symbols, self._settings.max_batch)
        values = checked_settings(settings)
        require_training()
        now = self._clock()
        job = Job(
            id=new_id(now),
            kind="retrain",
            model=self._settings.model,
            symbols=chosen,
            settings=values,
            state=State.QUEUED,
            created=now,
            detail="waiting for its process",
        )
        try:
            with self.folder.held() as lock:
                if lock is None:
                    raise JobRunning(next((one.id for one in self.folder.all() if not one.over), None))
                self.folder.settle()
                self.folder.write(job)
                self._begin(job, lock)
        except OSError as error:
            raise JobsUnavailable(error.strerror or type(error).__name__) from error
        return job

    def _begin(self, job: Job, lock: int) -> None:
        """Start the job's process, in a session of its own, so that what ends the service does not end it."""
        runner = (sys.executable, "-m", "service.jobs.runner", str(self.folder.path), job.id, str(lock))
        with self.folder.log(job.id).open("wb") as log:
            process = subprocess.Popen(
                [*runner, *self._program],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                pass_fds=(lock,),
                start_new_session=True,
            )
        # Nobody waits for the outcome here, but a process that nobody waits for stays in the system's table.
        threading.Thread(target=process.wait, name="job", daemon=True).start()

    def _environment(self) -> dict[str, str]:
        """That of the service, with all that its settings say of where things are."""
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_TRAINING}
        where = self._settings
        return kept | {
            "FORECASTER_HOME": str(where.home.absolute()),
            "FORECASTER_STORE": where.store_uri,
            "FORECASTER_LEDGER": where.ledger_uri,
            "FORECASTER_MODEL": where.model,
            "MLFLOW_TRACKING_URI": where.registry_uri,
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "utf-8",
        }
