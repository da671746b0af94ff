"""One scheduler at a time, however many are started on one home or one store.

The locks are the kernel's, on open files: they end with the process that holds them, however that ends. They hold
within one machine, and between machines where their folders lie on a file system that locks for all of them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from filelock import lock_descriptor


class Owner:
    """The right to run the passes of one model."""

    def __init__(self, home: Path, store_uri: str, name: str) -> None:
        """Takes nothing yet.

        Args:
            home: everything under it has one owner.
            store_uri: the price table, a folder or an object-store URI; so has everything that shares it.
            name: the model.
        """
        shared = Path(store_uri)
        if "://" in store_uri:
            shared = (
                Path(tempfile.gettempdir()) / f"stock-forecaster-{hashlib.sha256(store_uri.encode()).hexdigest()[:16]}"
            )
        self._files = (home / "schedule" / f"{name}.lock", shared / f".schedule.{name}.lock")
        self._pass_file = shared / f".schedule.{name}.pass.lock"
        self._held: list[int] = []
        self._pass: int | None = None

    def take(self) -> bool:
        """Whether this process is the owner, from now on or since before.

        Raises:
            OSError: a lock's file cannot be made.
        """
        if self._held:
            return True
        for file in self._files:
            opened = _locked(file)
            if opened is None:
                self._free()
                return False
            self._held.append(opened)
        return True

    def pass_lock(self) -> int | None:
        """The lock of the pass that runs, as an open file that its process inherits.

        None while a pass that another scheduler began still runs: it may outlive its scheduler.
        """
        if self._pass is None:
            self._pass = _locked(self._pass_file)
        return self._pass

    def free_pass(self) -> None:
        """Let go of the pass' lock, which its processes hold as long as they are there."""
        if self._pass is not None:
            os.close(self._pass)
            self._pass = None

    def release(self) -> None:
        """Let others own it."""
        self.free_pass()
        self._free()

    def _free(self) -> None:
        for opened in self._held:
            os.close(opened)
        self._held.clear()


def _locked(file: Path) -> int | None:
    """The open file, locked; None where another process has it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if lock_descriptor(opened, blocking=False):
            return opened
    except OSError:
        os.close(opened)
        raise
    os.close(opened)
    return None
