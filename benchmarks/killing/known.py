"""What was acknowledged: what a command printed before it ended well."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Known:
    """What has to stay.

    Attributes:
        through: the newest session whose bars were said to be stored, by its number.
        asked: the newest session whose bars were asked for.
        versions: by version the run that made it, as far as versions were told.
        champions: the history of champions, the one that serves last.
        moving: versions that may be the champion while a command is at it.
        passing: the tag of versions that a pass may make the champion, while it is at it.
        said: by key every forecast that was seen in the ledger, none of which may change.
        checks: how often the promises were looked at.
    """

    through: int = -1
    asked: int = -1
    versions: dict[str, str] = field(default_factory=dict)
    champions: list[str] = field(default_factory=list)
    moving: set[str] = field(default_factory=set)
    passing: str = ""
    said: dict[Hashable, Hashable] = field(default_factory=dict)
    checks: int = 0
