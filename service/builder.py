"""The process that makes answers, seen from the one that serves them. What is made there: `service.building`.

Nothing here takes long to import, so that the other process can be started before anything else.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from threading import Event
from typing import Any, Final

# Not -m: classes would pass as those of a module called __main__.
_COMMAND: Final = (sys.executable, "-c", "from service.building import main; main()")


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
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._at_work = False
        self.asked = Event()

    def prepare(self) -> None:
        """Start the process, which takes a while to be ready for an order."""
        if self._process is None:
            self._process = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, order: object) -> Any:
        """What the process answers to an order. Blocks.

        Raises:
            BuilderEnded: it did not end well.
        """
        self.prepare()
        assert self._process is not None
        self._at_work = True
        with self._process as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                with process.stdin as asked:
                    pickle.dump(order, asked)
                self.asked.set()
                # As it comes: all of it at once would be another copy.
                return pickle.load(process.stdout)
            except (EOFError, OSError, pickle.UnpicklingError):
                process.kill()
                raise BuilderEnded(process.wait()) from None
            finally:
                self._process, self._at_work = None, False

    def stop(self) -> None:
        """End the process, whatever it is at."""
        process = self._process
        if process is not None:
            process.kill()
            if not self._at_work:
                with process:  # which closes its pipes and waits for its end
                    pass
