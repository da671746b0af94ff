"""What is kept as small files: decisions, and records of passes. Their first schema is the only one so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from forecaster.migration.artefact import NEWER_TEXT, Artefact, Kind, State


def records_in(kind: Kind, folder: Path, supported: int) -> Iterator[Artefact]:
    """One artefact for each model that has any.

    Args:
        kind: what they are.
        folder: holds a folder for each model.
        supported: the schema that this program writes.
    """
    for model in sorted(one for one in folder.glob("*") if one.is_dir()):
        files = sorted(file for file in model.glob("*.json") if not file.name.startswith("."))
        if not files:
            continue
        newest, newer = 0, ""
        for file in files:
            found = _schema(file)
            if found is None:
                text = "not a file that this program wrote: restore it or move it away"
                yield Artefact(kind, f"{model.name}/{file.name}", str(file), None, supported, State.UNREADABLE, text)
            elif found > newest:
                newest, newer = found, file.name
        if newest > supported:
            yield Artefact(kind, f"{model.name}/{newer}", str(model), newest, supported, State.NEWER, NEWER_TEXT)
        elif newest:
            yield Artefact(kind, model.name, str(model), newest, supported, State.CURRENT, f"{len(files):,} files")


def _schema(file: Path) -> int | None:
    try:
        found = json.loads(file.read_bytes())["schema"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, int) and found > 0 else None
