"""What whoever stands outside saw: when things happened by the true time, whatever the clock showed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(slots=True)
class Notes:
    """Of one year.

    Attributes:
        begun: each pass that began: session, true moment, what the clock showed, how, and how it ended.
        killed: each SIGKILL: session, what was to be killed, what was: a step, or "between" two.
        ledger: for each version of the ledger the true moment at which it was seen first.
        happened: every other fault, with its true moment.
        standing_by: looks at which a second scheduler said that it stands by.
        seconds: what the year took.
    """

    begun: list[dict[str, str]] = field(default_factory=list)
    killed: list[dict[str, str]] = field(default_factory=list)
    ledger: dict[str, str] = field(default_factory=dict)
    happened: list[tuple[str, str]] = field(default_factory=list)
    standing_by: int = 0
    seconds: float = 0.0

    def look(self, ledger: Path, now: datetime) -> None:
        """Note new versions of the ledger, which may be of any time since the look before."""
        for log in ledger.glob("_delta_log/*.json"):
            self.ledger.setdefault(log.stem, now.isoformat())

    def say(self, now: datetime, what: str) -> None:
        """Note what happened."""
        self.happened.append((now.isoformat(), what))

    def write(self, file: Path) -> None:
        """Keep them."""
        file.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def read(file: Path) -> Notes:
    """Those that were kept."""
    return Notes(**json.loads(file.read_text(encoding="utf-8")))
