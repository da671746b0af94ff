"""Forecasts on disk: a table and a note a forecaster and seed, used again while what they rest on is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .forecasts import Forecaster
from .running import Run
from .trial import Trial


def fingerprint(trial: Trial, forecaster: Forecaster, levels: Sequence[float]) -> str:
    """Of the prices, the blocks, the levels and the forecaster's settings; not of its code."""
    parts = [trial.fingerprint, forecaster.name, list(levels), forecaster.settings()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def file_name(forecaster: Forecaster, seed: int) -> str:
    """Without its ending: the forecaster's name, and the seed where it has one."""
    return f"{forecaster.name}-{seed}" if forecaster.seeded else forecaster.name


def keep(folder: Path, name: str, run: Run, inputs: str) -> None:
    """Write a run: `name.parquet` with the forecasts, `name.json` with the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / f"{name}.json"
    note.unlink(missing_ok=True)  # the note vouches for the table, so it is written last
    run.table.to_parquet(folder / f"{name}.parquet", index=False)
    facts: Mapping[str, Any] = {"inputs": inputs, "seconds": round(run.seconds, 1), "notes": dict(run.notes)}
    note.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def kept(folder: Path, name: str, inputs: str) -> Run | None:
    """The run that was kept under `name`; None where there is none, or it rests on other inputs."""
    try:
        facts = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        if facts["inputs"] != inputs:
            return None
        table = pd.read_parquet(folder / f"{name}.parquet")
    except FileNotFoundError:
        return None
    return Run(table, facts["notes"], facts["seconds"])
