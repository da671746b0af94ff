"""What is on disk, read by other means than the product's: Delta's log and pandas, MLflow's client, JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from mlflow import MlflowClient

from benchmarks.unattended.house import NAME
from benchmarks.unattended.notes import Notes

FACTS = ("calendar", "listings", "gaps", "coverage")


@dataclass(frozen=True, slots=True)
class Registered:
    """A version: its number, the pass that trained it, its bundle's folder and manifest."""

    version: str
    tag: str
    bundle: Path
    manifest: dict[str, Any]

    def damaged(self) -> list[str]:
        """The files that are not those that were written."""
        return [
            name
            for name, told in self.manifest["files"].items()
            if hashlib.sha256((self.bundle / name).read_bytes()).hexdigest() != _digest(told)
        ]


@dataclass(frozen=True, slots=True)
class Disk:
    """A home after its year.

    Attributes:
        ledger: every row that was ever added, with `commit` and the true moment at which that was seen, `seen`.
        bars: the prices as they are now.
        facts: the tables beside them, by name.
        versions: by number.
        aliases: which version each names.
        decisions: as they were kept.
        passes: the records, by session.
        schedule: what the scheduler remembers.
        trainings: folders of trainings that were not ended.
    """

    ledger: pd.DataFrame
    bars: pd.DataFrame
    facts: dict[str, pd.DataFrame]
    versions: dict[str, Registered]
    aliases: dict[str, str]
    decisions: list[dict[str, Any]]
    passes: dict[date, dict[str, Any]]
    schedule: dict[str, Any]
    trainings: tuple[str, ...]


def read(home: Path, notes: Notes) -> Disk:
    """All of it.

    Args:
        home: of the year.
        notes: when the ledger's versions were seen first.
    """
    client = MlflowClient(tracking_uri=f"sqlite:///{home.absolute()}/registry/mlflow.db")
    found = [_registered(one) for one in client.search_model_versions(f"name='{NAME}'")]
    aliases = client.get_registered_model(NAME).aliases
    return Disk(
        ledger=_added(home / "ledger", notes),
        bars=_table(home / "prices" / "bars", ["symbol", "session"]).drop(columns="year"),
        facts={name: _table(home / "prices" / name) for name in FACTS},
        versions={one.version: one for one in found},
        aliases={name: str(version) for name, version in aliases.items()},
        decisions=[json.loads(one.read_bytes()) for one in sorted((home / "decisions" / NAME).glob("*.json"))],
        passes={
            date.fromisoformat(one.stem): json.loads(one.read_bytes())
            for one in sorted((home / "passes" / NAME).glob("[0-9]*.json"))
        },
        schedule=json.loads((home / "schedule" / f"{NAME}.done.json").read_bytes()),
        trainings=tuple(sorted(one.name for one in (home / "training").glob("*") if one.is_dir())),
    )


def step(record: dict[str, Any], name: str) -> dict[str, Any]:
    """One step of a pass."""
    found: dict[str, Any] = next(one for one in record["steps"] if one["name"] == name)
    return found


def _added(ledger: Path, notes: Notes) -> pd.DataFrame:
    """The rows of every file that a commit of the table has added; that none was taken away is looked at, too."""
    rows = []
    for log in sorted((ledger / "_delta_log").glob("*.json")):
        for line in log.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if "remove" in action:
                raise ValueError(f"{log} takes a file of the ledger away: {action['remove']['path']}")
            if "add" in action:
                seen = pd.Timestamp(notes.ledger[log.stem])
                rows.append(pd.read_parquet(ledger / action["add"]["path"]).assign(commit=log.stem, seen=seen))
    return pd.concat(rows, ignore_index=True)


def _table(folder: Path, order: list[str] | None = None) -> pd.DataFrame:
    try:
        found = DeltaTable(folder).to_pandas()
    except TableNotFoundError:
        return pd.DataFrame()
    found = found[sorted(found.columns)]
    return found.sort_values(order or list(found.columns), ignore_index=True)


def _registered(found: Any) -> Registered:
    bundle = Path(found.source.removeprefix("file://"))
    manifest = json.loads((bundle / "bundle.json").read_bytes())
    return Registered(str(found.version), found.tags.get("pass", ""), bundle, manifest)


def _digest(told: Any) -> str:
    """As the manifest says it: the digest, or an object that has it."""
    return str(told["sha256"] if isinstance(told, dict) else told)
