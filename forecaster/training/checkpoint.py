"""Where a training stands, on disk, so that one that was killed goes on as if nothing had been.

One folder for each training, named for what is trained on what::

    state      a line with the form, a line with the sha256 of the rest, and a NumPy archive without pickle
    draft-...  what is being written
    .lock      held by the process that trains

`state` is replaced as a whole, and nothing of it is parsed before its hash is checked.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np
from filelock import FileLock, Timeout

from forecaster.errors import CorruptCheckpoint, TrainingBusy

_FORM: Final = b"forecaster checkpoint 1\n"
_FACTS: Final = "facts"

DRAFT: Final = "draft-"
"""How the names of files and folders begin that nobody needs once the process that writes them is no more."""

Arrays = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class State:
    """What a checkpoint holds.

    Attributes:
        facts: JSON-ready values.
        arrays: under their names.
    """

    facts: Mapping[str, Any]
    arrays: Arrays = field(default_factory=dict)


class Checkpoint:
    """The checkpoint of one training. Within `with`, no other process has it."""

    def __init__(self, folder: Path, key: str, *, every: float = 60.0) -> None:
        """Touches nothing yet.

        Args:
            folder: of all checkpoints.
            key: what is trained on what, as `training_key` names it.
            every: seconds between checkpoints within an epoch; there is one after each epoch anyway.
        """
        self.path = folder / key[:16]
        self.notes: dict[str, Any] = {}
        self._key, self._every = key, every
        self._lock = FileLock(self.path / ".lock", thread_local=False, fallback_to_soft=False)
        self._written = time.monotonic()

    def __enter__(self) -> Checkpoint:
        """Take it.

        Raises:
            TrainingBusy: another process trains the same at this moment.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise TrainingBusy(self.path) from None
        for left in self.path.glob(f"{DRAFT}*"):  # by a process that was killed
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave what it holds for whoever goes on."""
        if not self._file.exists():
            self.remove()
        self._lock.release()

    @property
    def due(self) -> bool:
        """Whether the last one is old enough for the next."""
        return time.monotonic() - self._written >= self._every

    def read(self) -> State | None:
        """What was saved last, `notes` included; None before the first time.

        Raises:
            CorruptCheckpoint: it is damaged, or is that of another training.
        """
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CorruptCheckpoint(self._file, f"cannot be read ({error.strerror})") from error
        if not content.startswith(_FORM):
            raise CorruptCheckpoint(self._file, "is no checkpoint of this version")
        seal, _, packed = content[len(_FORM) :].partition(b"\n")
        if hashlib.sha256(packed).hexdigest().encode() != seal:
            raise CorruptCheckpoint(self._file, "does not match its own sha256")
        try:
            with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            facts = json.loads(arrays.pop(_FACTS).tobytes())
            key, notes = facts.pop("key"), facts.pop("notes")
        except (ValueError, KeyError, BadZipFile) as error:  # sealed, and yet not written here
            raise CorruptCheckpoint(self._file, "is no checkpoint of this version") from error
        if key != self._key:
            raise CorruptCheckpoint(self._file, "is that of another training")
        self.notes = notes
        return State(facts, arrays)

    def write(self, state: State) -> None:
        """Replace what was saved, as a whole or not at all, by a state and the `notes`."""
        facts = json.dumps({"key": self._key, "notes": self.notes, **state.facts}).encode()
        packed = io.BytesIO()
        np.savez(packed, allow_pickle=False, **{_FACTS: np.frombuffer(facts, dtype=np.uint8)}, **state.arrays)
        seal = hashlib.sha256(packed.getbuffer()).hexdigest().encode()
        draft = self.path / f"{DRAFT}{uuid4().hex}"
        try:
            with draft.open("wb") as file:
                file.write(_FORM + seal + b"\n")
                file.write(packed.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._file)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        self._written = time.monotonic()

    def clear(self) -> None:
        """Forget what was saved."""
        self.notes = {}
        self._file.unlink(missing_ok=True)

    def remove(self) -> None:
        """The training is done: nothing is left of it here."""
        with suppress(OSError):
            shutil.rmtree(self.path)

    @property
    def _file(self) -> Path:
        return self.path / "state"
