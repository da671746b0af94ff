"""What is on disk, read by other means than the product's: sqlite3, hashlib, JSON, and deltalake with pandas."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
from deltalake import DeltaTable

from benchmarks.killing.place import NAME

_OWN_HASH: Final = re.compile(rb'^\{\n "sha256": "([0-9a-f]{64})"')

# Names of what is only there while somebody writes.
_DRAFTS: Final = ("**/*.draft", "**/.making-*", "training/*/draft-*", "**/*#[0-9]*", "**/_commit_*.json.tmp")


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry's database says.

    Attributes:
        runs: by version the run that made it.
        tags: by version its tags.
        aliases: by alias the version.
        champions: the history of champions, as the model's tag has it.
        states: by run how it ended, or that it has not.
    """

    runs: Mapping[str, str]
    tags: Mapping[str, Mapping[str, str]]
    aliases: Mapping[str, str]
    champions: tuple[str, ...]
    states: Mapping[str, str]

    def with_tag(self, key: str, value: str) -> list[str]:
        """The versions that bear a tag."""
        return [version for version, tags in self.tags.items() if tags.get(key) == value]


def registered(database: Path) -> Registered:
    """The model's versions; nothing where there is no database yet."""
    if not database.exists():
        return Registered({}, {}, {}, (), {})
    with closing(sqlite3.connect(database, timeout=30)) as held:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return held.execute(sql).fetchall()

        runs = {
            str(version): run
            for version, run in rows(f"select version, run_id from model_versions where name = '{NAME}'")
        }
        tags: dict[str, dict[str, str]] = {version: {} for version in runs}
        for version, key, value in rows(f"select version, key, value from model_version_tags where name = '{NAME}'"):
            tags[str(version)][key] = value
        aliases = rows(f"select alias, version from registered_model_aliases where name = '{NAME}'")
        told = rows(f"select value from registered_model_tags where name = '{NAME}' and key = 'champions'")
        states = dict(rows("select run_uuid, status from runs"))
    champions = tuple(json.loads(told[0][0])) if told else ()
    return Registered(runs, tags, {alias: str(version) for alias, version in aliases}, champions, states)


def bundle(home: Path, run: str) -> Path:
    """Where the bundle is that a run has made."""
    return home / "registry" / "models" / run / "artifacts" / "bundle"


def faults(folder: Path) -> Iterator[str]:
    """What is wrong with a bundle, by sha256 of every file."""
    try:
        raw = (folder / "bundle.json").read_bytes()
        said = _OWN_HASH.match(raw)
        blank = raw if said is None else raw[: said.start(1)] + b"0" * 64 + raw[said.end(1) :]
        if said is None or hashlib.sha256(blank).hexdigest().encode() != said.group(1):
            yield "bundle.json is not what was written"
        files = json.loads(raw)["files"]
    except (OSError, ValueError, KeyError) as error:
        yield f"bundle.json cannot be read: {error!r}"
        return
    for name, digest in files.items():
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            yield f"{name} is not what was written"


def noted(home: Path) -> dict[str, Any] | None:
    """Which version serves, as it was noted; None where nothing was."""
    file = home / "registry" / f"{NAME}.serves.json"
    return json.loads(file.read_bytes()) if file.exists() else None


def table(folder: Path) -> pd.DataFrame | None:
    """All rows of a Delta table, None where there is none."""
    return DeltaTable(folder).to_pandas() if DeltaTable.is_deltatable(str(folder)) else None


def record(home: Path, key: str) -> dict[str, Any] | None:
    """The record of a pass, None where there is none."""
    file = home / "passes" / NAME / f"{key}.json"
    return json.loads(file.read_bytes()) if file.exists() else None


def decisions(home: Path) -> list[dict[str, Any]]:
    """Every decision that was kept."""
    return [json.loads(file.read_bytes()) for file in sorted((home / "decisions" / NAME).glob("*.json"))]


def left(home: Path, temp: Path) -> list[str]:
    """What nobody needs: drafts, files of tables that no commit knows, trainings, bundles of no version."""
    found = [file for pattern in _DRAFTS for file in home.glob(pattern)] + list(temp.glob("[a-z]*"))
    found += list((home / "training").glob("*"))
    for log in [*home.glob("prices/*/_delta_log"), *home.glob("ledger/_delta_log")]:
        known = {one["add"]["path"] for file in log.glob("*.json") for one in _actions(file) if "add" in one}
        tables = log.parent
        found += [file for file in tables.rglob("part-*") if file.relative_to(tables).as_posix() not in known]
    versions = set(registered(home / "registry" / "mlflow.db").runs.values())
    found += [one for one in (home / "registry" / "models").glob("*") if one.name not in versions]
    return sorted({one.relative_to(home.parent).as_posix() for one in found})


def _actions(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
