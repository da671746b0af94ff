"""Every decision that was made about a version, with its evidence: one file each, never rewritten."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from forecaster.promotion import evidence as seen
from forecaster.promotion import gate
from forecaster.promotion.errors import CorruptDecision
from forecaster.promotion.evidence import Evidence
from forecaster.promotion.gate import Decision
from forecaster.promotion.thresholds import Thresholds
from forecaster.version import Version

SCHEMA: Final = 1

_STAMP: Final = "%Y%m%dT%H%M%S%fZ"
_FILE: Final = re.compile(r"(?P<version>[0-9]+)-[0-9]{8}T[0-9]{12}Z\.json")


@dataclass(frozen=True, slots=True)
class Forced:
    """Somebody promoted a version whatever its evidence shows: who, and why."""

    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision.

    Attributes:
        name, version: the model, and the version that it is about.
        run: the run that made that version: a registry that is made anew counts from 1 again. Empty where it is not
            known.
        at: when it was made, with a time zone.
        by: what asked for it: a pass, or a command.
        evidence: what was known.
        thresholds: what was asked for.
        decision: what came of it.
        forced: who promoted the version all the same; None where nobody did.
    """

    name: str
    version: str
    at: datetime
    by: str
    evidence: Evidence
    thresholds: Thresholds
    decision: Decision
    forced: Forced | None = None
    run: str = ""


class Decisions:
    """The decisions under a folder."""

    def __init__(self, folder: Path) -> None:
        """Makes nothing yet."""
        self.folder = folder

    def write(self, decided: Decided) -> Path:
        """Keep a decision; it is there as a whole or not at all."""
        target = self._of(decided.name) / f"{decided.version}-{decided.at.astimezone(UTC).strftime(_STAMP)}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(f".{os.getpid()}.draft")
        draft.write_text(json.dumps(to_dict(decided), indent=1, allow_nan=False), encoding="utf-8")
        draft.replace(target)
        return target

    def about(self, version: Version) -> list[Decided]:
        """All about one version, oldest first. Raises as `all`."""
        known = (one for one in self.all(version.name) if one.version == version.version)
        return [one for one in known if one.run in ("", version.run_id)]

    def all(self, name: str) -> list[Decided]:
        """All about one model, oldest first.

        Raises:
            CorruptDecision: a file is not one that `write` made.
        """
        files = (file for file in self._of(name).glob("*.json") if _FILE.fullmatch(file.name))
        return sorted(map(_read, files), key=lambda one: one.at)

    def _of(self, name: str) -> Path:
        return self.folder / name


def _read(file: Path) -> Decided:
    try:
        return from_dict(json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise CorruptDecision(file, str(error)) from error


def to_dict(decided: Decided) -> dict[str, Any]:
    """JSON-ready values; `from_dict` reads them back."""
    return {
        "schema": SCHEMA,
        "name": decided.name,
        "version": decided.version,
        "run": decided.run,
        "at": decided.at.astimezone(UTC).isoformat(),
        "by": decided.by,
        "evidence": seen.to_dict(decided.evidence),
        "thresholds": decided.thresholds.model_dump(),
        **gate.to_dict(decided.decision),
        "forced": None if decided.forced is None else {"who": decided.forced.who, "why": decided.forced.why},
    }


def from_dict(values: Mapping[str, Any]) -> Decided:
    """The decision that `to_dict` wrote.

    Raises:
        ValueError: it is no such decision, or of another schema.
    """
    if values.get("schema") != SCHEMA:
        raise ValueError(f"a decision of schema {values.get('schema')!r}, and this version reads {SCHEMA}")
    try:
        return Decided(
            name=values["name"],
            version=values["version"],
            run=values.get("run", ""),
            at=datetime.fromisoformat(values["at"]),
            by=values["by"],
            evidence=seen.from_dict(values["evidence"]),
            thresholds=Thresholds.model_validate(values["thresholds"]),
            decision=gate.from_dict(values),
            forced=values["forced"] and Forced(**values["forced"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a decision: {error!r}") from error
