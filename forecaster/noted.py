"""Which version serves, noted beside the bundles of a local registry whenever that changes.

Only a guess, for whoever would begin to work before the registry can be asked, which takes a second the first time. The
registry has the last word.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Final

from forecaster.version import Version

_RUN: Final = re.compile(r"[0-9a-f]{32}")


def note(artifacts: Path, version: Version) -> None:
    """Write it down; where that fails, nobody has a guess.

    Args:
        artifacts: where the bundles of the registry are.
        version: what serves from now on.
    """
    facts = {
        "name": version.name,
        "version": version.version,
        "created": version.created.isoformat(),
        "tags": dict(version.tags),
        "run_id": version.run_id,
    }
    target = _file(artifacts, version.name)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(facts), encoding="utf-8")
        draft.replace(target)
    except OSError:
        draft.unlink(missing_ok=True)


def noted(artifacts: Path, name: str) -> tuple[Version, Path] | None:
    """What was noted of a model, and where its bundle is; None where nothing was, or the bundle has gone.

    Args:
        artifacts: where the bundles of the registry are.
        name: the model's.
    """
    try:
        facts = json.loads(_file(artifacts, name).read_text(encoding="utf-8"))
        found = Version(
            name=name,
            version=str(facts["version"]),
            aliases=(),
            created=datetime.fromisoformat(facts["created"]),
            tags=dict(facts["tags"]),
            run_id=str(facts["run_id"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    path = artifacts / found.run_id / "artifacts" / "bundle"
    return (found, path) if _RUN.fullmatch(found.run_id) and path.is_dir() else None


def _file(artifacts: Path, name: str) -> Path:
    return artifacts.parent / f"{name}.serves.json"
