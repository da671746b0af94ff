"""The same table whoever does the work. Each engine is asked as a user asks it: by the command, in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

TINY = """
[model]
units = [4]
lookback = 5
features = ["open", "close", "volume"]

[train]
epochs = 1
"""
PROGRAM = "from forecaster.cli.backtest import backtest; backtest()"


@dataclass(frozen=True)
class Done:
    """What the command left behind."""

    code: int
    out: str
    err: str
    table: pd.DataFrame


def backtest(home: Path, out: Path, *arguments: str) -> Done:
    spec = home / "tiny.toml"
    spec.write_text(TINY)
    span = ("--spec", str(spec), "--folds", "2", "--every", "32", "--out", str(out))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *span, "--json", *arguments],
        # As many threads as the machine likes: the engine sees to it that tasks take one.
        env={
            **{name: value for name, value in os.environ.items() if "_NUM_THREADS" not in name},
            "FORECASTER_HOME": str(home),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    table = pd.read_parquet(out / "forecasts.parquet") if done.returncode == 0 else pd.DataFrame()
    return Done(done.returncode, done.stdout, done.stderr, table)


@pytest.fixture(scope="module")
def local(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    return backtest(home, tmp_path_factory.mktemp("local"), "--jobs", "2")


def test_all_baselines_and_the_spec_forecast_the_same_sessions(local: Done) -> None:
    assert local.code == 0, local.err
    assert local.err == ""
    counts = local.table.groupby("model", sort=False).size().to_dict()
    assert counts == dict.fromkeys(("naive", "drift", "ewma", "garch", "ets", "tiny"), 2 * 32 * 6)
    found = json.loads(local.out)
    assert found["complete"] is True
    assert found["absent"] == {}
    assert {one["model"] for one in found["summary"]["models"]} == set(counts)
    assert [one["seed"] for one in found["contestants"]] == [None] * 5 + [7]


@pytest.mark.parametrize("engine", ["one process", "dask", "ray"])
def test_every_engine_gives_the_same_table(engine: str, local: Done, home: Path, tmp_path: Path) -> None:
    package = {"dask": "distributed"}.get(engine, engine)
    if engine != "one process" and find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    how = ("--jobs", "1") if engine == "one process" else ("--engine", engine, "--jobs", "2")
    other = backtest(home, tmp_path / "out", *how)
    assert other.code == 0, other.err
    pd.testing.assert_frame_equal(other.table, local.table, check_exact=True)
    assert json.loads(other.out)["origins"] == json.loads(local.out)["origins"]
