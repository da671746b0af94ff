"""The records of a model's passes: one file each, and one writer at a time.

The lock is the kernel's, on an open file that the pass's worker inherits: it is free when all of them have ended,
however they did.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from filelock import lock_descriptor
from pydantic import ValidationError

from data.holder import holder, sign
from forecaster.pipeline.errors import CorruptRecord, PassBusy
from forecaster.pipeline.record import SCHEMA, Pass

_KEY: Final = re.compile(r"\d{4}-\d{2}-\d{2}(\.[A-Z]{4})?")
_POLL_SECONDS: Final = 0.05

# Whoever looks whether the lock is held has it for a moment.
_A_LOOK_SECONDS: Final = 0.25


class Passes:
    """The passes of one model."""

    def __init__(self, home: Path, name: str) -> None:
        """Makes nothing yet.

        Args:
            home: everything that the program writes.
            name: the model's.
        """
        self.name = name
        self.path = home / "passes" / name

    def all(self) -> list[Pass]:
        """Every record, newest session first.

        Raises:
            CorruptRecord: one is none.
        """
        return [self._read(self._file(key)) for key in self.keys()]

    def keys(self) -> list[str]:
        """The keys of all records, newest session first."""
        return sorted((one.stem for one in self.path.glob("*.json") if _KEY.fullmatch(one.stem)), reverse=True)

    def get(self, key: str) -> Pass | None:
        """One record, None where there is none.

        Raises:
            CorruptRecord: it is none that a pass wrote.
        """
        file = self._file(key)
        return self._read(file) if file.exists() else None

    def before(self, key: str) -> Pass | None:
        """The newest record of an earlier pass, None where there is none.

        Raises:
            CorruptRecord: it is none that a pass wrote.
        """
        earlier = [one for one in self.keys() if one < key]
        return self._read(self._file(earlier[0])) if earlier else None

    def write(self, one: Pass) -> None:
        """Keep what is known; a reader, or whoever goes on after a kill, sees this or what was known before."""
        self.path.mkdir(parents=True, exist_ok=True)
        draft = self._file(one.key).with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            file.write(one.model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file(one.key))

    def forget(self, keep: int) -> list[str]:
        """Delete all records but the newest; returns the keys of those that went."""
        gone = self.keys()[keep:]
        for key in gone:
            self._file(key).unlink(missing_ok=True)
        return gone

    @property
    def held_by_someone(self) -> bool:
        """Whether a process is at a pass now."""
        if not self._lock.exists():
            return False
        file = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            return not lock_descriptor(file, blocking=False)
        finally:
            os.close(file)

    @contextmanager
    def held(self, wait: float = 0) -> Iterator[int]:
        """Within, nobody else is at a pass of the model. Gives the lock, as an open file that a worker may inherit.

        Args:
            wait: seconds to wait for another process.

        Raises:
            PassBusy: another one is still at it after that.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        file = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            until = monotonic() + max(wait, _A_LOOK_SECONDS)
            while not lock_descriptor(file, blocking=False):
                if monotonic() >= until:
                    raise PassBusy(self.name, holder(self._signature))
                sleep(_POLL_SECONDS)
            sign(self._signature)
            yield file
        finally:
            os.close(file)

    @property
    def _lock(self) -> Path:
        return self.path / ".lock"

    @property
    def _signature(self) -> Path:
        return self.path / ".holder.json"

    def _file(self, key: str) -> Path:
        return self.path / f"{key}.json"

    def _read(self, file: Path) -> Pass:
        try:
            return Pass.model_validate_json(file.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            reason = first["msg"]
            if first["loc"] == ("schema",) and isinstance(first["input"], int) and first["input"] > SCHEMA:
                reason = f"of schema {first['input']}: a newer version of this program has written it"
            raise CorruptRecord(file, reason) from None
