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
        begun: whether an order was given whose answer was not taken yet.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._taking = False
        self.begun = False
        self.asked = Event()

    def prepare(self) -> None:
        """Start the process, which takes a while to be ready for an order."""
        if self._process is None:
            self._process = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def begin(self, order: object) -> None:
        """Give the process an order, whose answer is taken later.

        Raises:
            BuilderEnded: it has ended already.
        """
        self.prepare()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            with self._process.stdin as asked:
                pickle.dump(order, asked)
        except OSError:
            raise self._ended(self._process) from None
        self.begun = True
        self.asked.set()

    def answer(self) -> Any:
        """What the process answers to the order that it was given. Blocks.

        Raises:
            BuilderEnded: it did not end well.
        """
        assert self._process is not None
        self._taking = True
        with self._process as process:
            assert process.stdout is not None
            try:
                # As it comes: all of it at once would be another copy.
                return pickle.load(process.stdout)
            except (EOFError, OSError, pickle.UnpicklingError):
                raise self._ended(process) from None
            finally:
                self._process, self._taking, self.begun = None, False, False

    def ask(self, order: object) -> Any:
        """Both. Raises as they do."""
        self.begin(order)
        return self.answer()

    def stop(self) -> None:
        """End the process, whatever it is at."""
        process = self._process
        if process is not None:
            process.kill()
            if not self._taking:
                with process:  # which closes its pipes and waits for its end
                    pass

    def _ended(self, process: subprocess.Popen[bytes]) -> BuilderEnded:
        process.kill()
        code = process.wait()
        self._process, self.begun = None, False
        return BuilderEnded(code)
