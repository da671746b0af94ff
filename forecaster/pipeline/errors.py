"""What can go wrong with a pass.

::

    ForecasterError
    └── PassError
        ├── PassBusy        another process is at a pass of the same model
        ├── PassOutOfOrder  a later session's pass has run already
        ├── CorruptRecord   the record of a pass cannot be read
        ├── NoSessions      which exchange's sessions count is not known
        └── StepFailed      a step did not do what it is there for
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from forecaster.errors import ForecasterError


class PassError(ForecasterError):
    """Base of errors of a pass."""


class PassBusy(PassError):
    """Another process is at a pass of the same model."""

    def __init__(self, name: str, holder: str) -> None:
        self.name = name
        self.holder = holder
        by = f" ({holder})" if holder else ""
        super().__init__(f"another process{by} is at a pass of {name}: wait for it, or give --wait SECONDS")


class PassOutOfOrder(PassError):
    """A later session's pass has run already."""

    def __init__(self, name: str, session: date, newest: date) -> None:
        self.name = name
        self.session = session
        self.newest = newest
        super().__init__(
            f"by the clock the pass of {session} is due for {name}, but that of {newest} has run already: "
            "set the clock right; what was missed cannot be forecast any more"
        )


class CorruptRecord(PassError):
    """The record of a pass cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"the record {path} is not one that a pass wrote ({reason}): move it away, and the pass begins anew; "
            "what it published and registered before stays and is not done twice"
        )


class NoSessions(PassError):
    """Which exchange's sessions count is not known."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        super().__init__(
            f"there are no prices in {uri} and no provider that says what they will be of: fetch some first "
            "(forecaster fetch), or set provider in [retrain]"
        )


class StepFailed(PassError):
    """A step did not do what it is there for; what it found stays known."""

    def __init__(self, detail: str, evidence: Mapping[str, Any]) -> None:
        self.detail = detail
        self.evidence = dict(evidence)
        super().__init__(detail)
