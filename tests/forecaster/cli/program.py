"""The program as a user runs it: a process of its own, with its own environment and working directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OURS = ("FORECASTER_", "MLFLOW_", "TUSHARE_")


@dataclass(frozen=True)
class Done:
    """What a call left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


def forecaster(home: Path, *arguments: str | Path, **environment: str) -> Done:
    """Run `forecaster ARGUMENTS` with everything under `home`, which is the working directory, too."""
    home.mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    done = subprocess.run(
        [sys.executable, "-m", "forecaster.cli.main", *map(str, arguments)],
        cwd=home,
        env={**inherited, "FORECASTER_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def at_once(calls: Mapping[str, tuple[Path, Sequence[str | Path]]]) -> dict[str, Done]:
    """Several calls that only read, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        running = {name: pool.submit(forecaster, home, *arguments) for name, (home, arguments) in calls.items()}
        return {name: one.result() for name, one in running.items()}
