"""Results on disk, one file for each task: whoever finds a file with the right fingerprint needs not do the work.

A file is a Parquet table with a note in its metadata, and appears in one step: a process that is killed leaves either
the whole of it or nothing. Beside it lie marks: `NAME.started` while somebody works on it, with a line on how far it
is, and `NAME.failed` with the reason.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

_NOTE: Final = b"forecaster"


@dataclass(frozen=True, slots=True)
class Result:
    """What a task made.

    Attributes:
        table: its forecasts.
        notes: what it counted.
        seconds: how long it took.
    """

    table: pd.DataFrame
    notes: Mapping[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Kept:
    """The folder of results; it is made by the first write."""

    folder: Path

    def put(self, name: str, inputs: str, result: Result) -> None:
        """Write a result; `inputs` is the fingerprint of all that it rests on."""
        note = {"inputs": inputs, "seconds": round(result.seconds, 3), "notes": dict(result.notes)}
        table = pa.Table.from_pandas(result.table, preserve_index=False)
        noted = table.replace_schema_metadata({**(table.schema.metadata or {}), _NOTE: json.dumps(note).encode()})
        self.folder.mkdir(parents=True, exist_ok=True)
        write_table(self._file(name), noted)

    def has(self, name: str, inputs: str) -> bool:
        """Whether there is a result that rests on these inputs."""
        return self._note(name, inputs) is not None

    def get(self, name: str, inputs: str) -> Result | None:
        """The result that rests on these inputs; None where there is none."""
        note = self._note(name, inputs)
        if note is None:
            return None
        table = pd.read_parquet(self._file(name))
        return Result(table.astype({"symbol": "str"}), note["notes"], note["seconds"])

    def forget(self, name: str) -> None:
        """Remove a result."""
        self._file(name).unlink(missing_ok=True)

    def begin(self, name: str, text: str = "") -> None:
        """Mark that somebody works on a result, and how far that is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._mark(name, "started").write_text(text, encoding="utf-8")

    def begun(self, name: str) -> str | None:
        """How far the work is; None where nobody works on it."""
        return _text(self._mark(name, "started"))

    def end(self, name: str, failure: str | None = None) -> None:
        """Nobody works on a result any more, and why it will not come where it failed."""
        if failure is not None:
            self._mark(name, "failed").write_text(failure, encoding="utf-8")
        self._mark(name, "started").unlink(missing_ok=True)

    def failure(self, name: str) -> str | None:
        """Why a result did not come; None where it did not fail."""
        return _text(self._mark(name, "failed"))

    def clear(self, name: str) -> None:
        """Remove the marks of an earlier run."""
        for mark in ("started", "failed"):
            self._mark(name, mark).unlink(missing_ok=True)

    def _note(self, name: str, inputs: str) -> Mapping[str, Any] | None:
        try:
            metadata = pq.read_schema(self._file(name)).metadata or {}
            note: Mapping[str, Any] = json.loads(metadata[_NOTE])
        except (FileNotFoundError, pa.ArrowInvalid, KeyError, ValueError):
            return None  # of another kind, or from a disk that lost a part of it: made anew
        return note if note.get("inputs") == inputs else None

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def _mark(self, name: str, mark: str) -> Path:
        return self.folder / f"{name}.{mark}"


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file in one step, on the disk when this returns."""
    with _replacing(path) as temporary:
        pq.write_table(table, temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step, on the disk when this returns."""
    with _replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`, which takes its place when it is written and on the disk."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
