"""An account at Tushare: who calls, where to, and how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """What calls are made with.

    Attributes:
        token: the account's; never shown.
        url: the server's address, None for the package's own.
        per_minute, per_day: how many calls the account may make.
        timeout: seconds for one call.
        memory: the file that keeps the count of calls over restarts.
    """

    token: str = field(repr=False)
    url: str | None = None
    per_minute: int = 200
    per_day: int | None = None
    timeout: float = 30.0
    memory: Path | None = None
