"""The process that makes answers, seen from the one that serves them. What is made there: `service.building`.

Nothing here takes long to import, so that the other process can be started before anything else.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Generator
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, Final

# Not -m: classes would pass as those of a module called __main__.
_COMMAND: Final = (sys.executable, "-c", "from service.building import main; main()")

# Bytes that it can say while nobody listens; what a system allows to anybody.
_PIPE: Final = 1 << 20

_END: Final = object()


class BuilderEnded(Exception):
    """The process that makes the answers ended before it had made them."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(
            f"the process that makes the answers ended with code {code}; -9 often means that memory ran out"
        )


class Builder:
    """One process at a time, which ends with what it was asked for.

    Attributes:
        asked: set once the first order has gone out.
        begun: whether an order was given whose answer was not taken yet.
    """

    def __init__(self, niceness: int = 0) -> None:
        """Starts nothing yet.

        Args:
            niceness: how far it lets others go first.
        """
        self._niceness = niceness
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: Thread | None = None
        self._coming: SimpleQueue[Any] = SimpleQueue()
        self.begun = False
        self.asked = Event()

    def prepare(self) -> None:
        """Start the process, which takes a while to be ready for an order."""
        if self._process is None:
            self._process = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pipesize=_PIPE)
            if self._niceness:
                os.setpriority(os.PRIO_PROCESS, self._process.pid, self._niceness)

    def begin(self, order: object) -> None:
        """Give the process an order, whose answer is taken later.

        Raises:
            BuilderEnded: it has ended already.
        """
        self.prepare()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            with process.stdin as asked:
                pickle.dump(order, asked)
        except OSError:
            raise BuilderEnded(self._end(process)) from None
        # What comes is taken out of the pipe at once, or the process would wait for whoever asked.
        self._coming = SimpleQueue()
        self._reader = Thread(target=_take, args=(process, self._coming), name="builder", daemon=True)
        self._reader.start()
        self.begun = True
        self.asked.set()

    def parts(self) -> Generator[Any, None, None]:
        """What the process answers to the order that it was given, part after part. Blocks.

        Raises:
            BuilderEnded: it did not end well; parts may have come before.
        """
        process = self._process
        assert process is not None
        self.begun = False
        try:
            while (part := self._coming.get()) is not _END:
                yield part
            process.wait()
        finally:
            code = self._end(process)
        if code:
            raise BuilderEnded(code)

    def stop(self) -> None:
        """End the process, whatever it is at."""
        if self._process is not None:
            self._end(self._process)

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        """End a process that may have ended, and say with what code it did."""
        process.kill()
        code = process.wait()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.join()
        with process:  # which closes its pipes
            pass
        self._process, self.begun = None, False
        return code


def _take(process: subprocess.Popen[bytes], coming: SimpleQueue[Any]) -> None:
    """Hand on what a process says until it says no more."""
    assert process.stdout is not None
    with process.stdout as said:
        try:
            while True:
                coming.put(pickle.load(said))
        except (EOFError, OSError, pickle.UnpicklingError):
            pass
    coming.put(_END)
