"""Which version serves, noted beside the bundles of a local registry whenever it is known.

For whoever starts, since it takes a second to load what asks the registry. The note says what the database's file was
like when it was asked: as long as that is so, the note says what the registry would. Otherwise it is a guess, with
which to begin to work before the registry has the last word.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from forecaster.version import CHAMPION, Version

_RUN: Final = re.compile(r"[0-9a-f]{32}")

State = tuple[int, int]
"""Of a file: when it was written to, and its size."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What was noted.

    Attributes:
        version: the champion.
        path: its bundle.
        current: whether the database is as it was then.
    """

    version: Version
    path: Path
    current: bool


def state_of(database: Path) -> State | None:
    """What tells whether a database was written to since; None where there is none."""
    try:
        found = database.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def note(artifacts: Path, version: Version, state: State) -> None:
    """Write it down; where that fails, nobody has a note.

    Args:
        artifacts: where the bundles of the registry are.
        version: the champion.
        state: the database's, before it was asked.
    """
    facts = {
        "name": version.name,
        "version": version.version,
        "created": version.created.isoformat(),
        "tags": dict(version.tags),
        "run_id": version.run_id,
        "state": state,
    }
    target = _file(artifacts, version.name)
    draft = target.with_name(f"{target.name}.{os.getpid()}.draft")
    try:
        draft.write_text(json.dumps(facts), encoding="utf-8")
        draft.replace(target)
    except OSError:
        draft.unlink(missing_ok=True)


def noted(artifacts: Path, database: Path, name: str) -> Noted | None:
    """What was noted of a model; None where nothing was, or the bundle has gone.

    Args:
        artifacts: where the bundles of the registry are.
        database: the registry's.
        name: the model's.
    """
    try:
        facts = json.loads(_file(artifacts, name).read_text(encoding="utf-8"))
        found = Version(
            name=name,
            version=str(facts["version"]),
            aliases=(CHAMPION,),
            created=datetime.fromisoformat(facts["created"]),
            tags=dict(facts["tags"]),
            run_id=str(facts["run_id"]),
        )
        state = facts["state"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    path = artifacts / found.run_id / "artifacts" / "bundle"
    if not _RUN.fullmatch(found.run_id) or not path.is_dir():
        return None
    now = state_of(database)
    return Noted(found, path, now is not None and state == list(now))


def _file(artifacts: Path, name: str) -> Path:
    return artifacts.parent / f"{name}.serves.json"
