"""What the scheduler has done, in a file, so that the next one does none of it again."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from forecaster.heartbeat import LastPass, MissedSession, Outcome

_KEPT: Final = 20

_log = logging.getLogger(__name__)


class Done(BaseModel):
    """What was done.

    Attributes:
        handled: by exchange the newest session whose pass was done or missed.
        missed: the newest sessions that were missed, newest last.
        last: the pass that ended last.
        failures: passes that failed in a row.
    """

    model_config = ConfigDict(frozen=True)

    handled: Mapping[str, date] = {}
    missed: tuple[MissedSession, ...] = ()
    last: LastPass | None = None
    failures: int = 0

    def after(self, passed: LastPass) -> Done:
        """This and a pass that has ended."""
        if passed.outcome is Outcome.FAILED:
            return Done(handled=self.handled, missed=self.missed, last=passed, failures=self.failures + 1)
        done = set(passed.sessions.items())
        missed = tuple(one for one in self.missed if (one.exchange, one.session) not in done)
        newest = {where: max(session, self.handled.get(where, session)) for where, session in passed.sessions.items()}
        return Done(handled={**self.handled, **newest}, missed=missed, last=passed)

    def without(self, past: Mapping[str, date], missed: tuple[MissedSession, ...]) -> Done:
        """This, when nothing can be done any more about some sessions."""
        known = {(one.exchange, one.session) for one in self.missed}
        new = tuple(one for one in missed if (one.exchange, one.session) not in known)
        kept = (*self.missed, *new)[-_KEPT:]
        return Done(handled={**self.handled, **past}, missed=kept, last=self.last, failures=self.failures)


class Memory:
    """The file of one model's schedule."""

    def __init__(self, home: Path, name: str) -> None:
        """Reads nothing yet."""
        self._file = home / "schedule" / f"{name}.done.json"

    def read(self) -> Done:
        """What was done; nothing where no file says so, or none that can be read, since a pass may be run again."""
        try:
            return Done.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return Done()
        except (OSError, ValidationError) as error:
            facts = {"file": str(self._file), "error": type(error).__name__}
            _log.warning("what was done before cannot be read", extra={"facts": facts})
            return Done()

    def write(self, done: Done) -> None:
        """Keep it, as a whole and on the disk: what is lost here is done again.

        Raises:
            OSError: it cannot be written; what was kept before stays.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(f".{os.getpid()}.draft")
        with draft.open("w", encoding="utf-8") as file:
            file.write(done.model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)
