"""The connection to MLflow: a local database with its bundles beside it, or a tracking server. For `registry`."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlparse

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from forecaster.errors import RegistryUnavailable
from forecaster.version import Version

_MAKING: Final = ".making-"


class Tracking:
    """A client of MLflow, made at the first use.

    Attributes:
        uri: an MLflow tracking URI.
        artifacts: where bundles go when the registry is a local database, and where others' are kept.
        local: whether it is one.
        database: its file.
    """

    def __init__(self, uri: str, artifacts: Path) -> None:
        """Connects to nothing yet."""
        self.uri = uri
        self.artifacts = artifacts
        self.local = uri.startswith("sqlite:")
        self.database = Path(uri.removeprefix("sqlite:///"))
        self._connection: MlflowClient | None = None

    @property
    def shown_uri(self) -> str:
        """The address without the password that it may hold, for messages."""
        password = urlparse(self.uri).password
        return self.uri.replace(f":{password}@", ":…@") if password else self.uri

    @contextmanager
    def answers(self) -> Iterator[MlflowClient]:
        """The client; whatever mlflow raises inside becomes an error of ours."""
        try:
            yield self._client()
        except (MlflowException, SQLAlchemyError, OSError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0][:300]
            raise RegistryUnavailable(self.shown_uri, reason.replace(self.uri, self.shown_uri)) from error

    def _client(self) -> MlflowClient:
        if self._connection is None:
            # The first use creates the tables and says so a line a migration, on the terminal of whoever asked.
            for noisy in ("mlflow", "alembic"):
                logging.getLogger(noisy).setLevel(logging.ERROR)
            if self.local:
                _make_database(self.database)
            self._connection = MlflowClient(self.uri, self.uri)
        return self._connection

    def downloaded(self, source: str, version: Version) -> Path:
        """A remote bundle, fetched once: a version never changes, and whoever reads it verifies it."""
        kept = self.artifacts / version.run_id / "downloaded"
        if not kept.is_dir():
            self.artifacts.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.artifacts, suffix=".draft") as draft:
                fetched = Path(download_artifacts(artifact_uri=source, tracking_uri=self.uri, dst_path=draft))
                kept.parent.mkdir(exist_ok=True)
                try:
                    fetched.rename(kept)
                except OSError:
                    if not kept.is_dir():  # another process brought the same meanwhile
                        raise
        return kept

    def file(self, source: str) -> bytes:
        """One file of a remote bundle."""
        with tempfile.TemporaryDirectory() as draft:
            return Path(download_artifacts(artifact_uri=source, tracking_uri=self.uri, dst_path=draft)).read_bytes()


def _make_database(path: Path) -> None:
    """Have the tables of a new local registry made aside, and put them in their place as a whole.

    mlflow makes them one by one, and could never use those that it was killed over.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock"), fallback_to_soft=False):
        if path.exists():
            return
        for left in path.parent.glob(f"{_MAKING}*"):  # by a process that was killed: nobody else is here now
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=_MAKING) as draft:
            made = Path(draft) / path.name
            uri = f"sqlite:///{made}"
            MlflowClient(uri, uri).search_experiments(max_results=1)
            made.replace(path)
