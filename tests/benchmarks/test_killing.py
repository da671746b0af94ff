"""Whether `benchmarks/kills.py` would see what it looks for, and kills what it means to."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from deltalake import DeltaTable, write_deltalake

from benchmarks.killing import disk
from benchmarks.killing.aims import anywhere, appears, commits
from benchmarks.killing.command import Reach, run
from benchmarks.killing.known import Known
from benchmarks.killing.place import BEFORE, Place
from benchmarks.killing.promises import broken

FILES = {"model.onnx": b"a network", "evidence.parquet": b"forecasts"}
RUN = "1" * 32


def bundle(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    told = ", ".join(f'"{name}": "{hashlib.sha256(content).hexdigest()}"' for name, content in FILES.items())
    blank = f'{{\n "sha256": "{"0" * 64}",\n "files": {{{told}}}\n}}'
    (folder / "bundle.json").write_text(blank.replace("0" * 64, hashlib.sha256(blank.encode()).hexdigest()))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Known]:
    """A home by hand in which all is well, and what was acknowledged of it."""
    place = Place.made(tmp_path_factory.mktemp("kills"), seed=3)
    known = Known(through=BEFORE, asked=BEFORE, versions={"1": RUN}, champions=["1"])
    bars = place.truth[place.truth["session"] <= np.datetime64(place.sessions[BEFORE])]
    write_deltalake(place.home / "prices" / "bars", bars.assign(session=bars["session"].dt.date))
    bundle(disk.bundle(place.home, RUN))
    with sqlite3.connect(place.database) as held:
        held.executescript(
            f"""
            create table model_versions (name, version, run_id);
            create table model_version_tags (name, version, key, value);
            create table registered_model_aliases (name, alias, version);
            create table registered_model_tags (name, key, value);
            create table runs (run_uuid, status);
            insert into model_versions values ('next-close', 1, '{RUN}');
            insert into registered_model_aliases values ('next-close', 'champion', 1);
            insert into registered_model_tags values ('next-close', 'champions', '["1"]');
            insert into runs values ('{RUN}', 'FINISHED');
            """
        )
    held.close()
    moment = pd.Timestamp("2022-12-01T12:00", tz="UTC")
    said = {"name": "next-close", "symbol": place.market.symbols[0], "target_session": moment.date(), "step": 1}
    row = {**said, "version": "1", "published_at": moment, "opens_at": moment + pd.Timedelta(hours=13)}
    write_deltalake(place.home / "ledger", pd.DataFrame([{**row, "quantiles": [1.0, 2.0]}]))
    (place.home / "registry" / "next-close.serves.json").write_text(
        f'{{"version": "1", "run_id": "{RUN}", "state": [0, 0]}}'
    )
    assert broken(place, known, settled=True) == []
    return place, known


def sql(place: Place, text: str) -> None:
    with sqlite3.connect(place.database) as held:
        held.execute(text)
    held.close()


def changed(folder: Path, **values: object) -> None:
    """The first row of a table once more, with other values."""
    row = DeltaTable(folder).to_pandas().head(1).assign(**values)
    write_deltalake(folder, row, mode="append")


def without(folder: Path) -> None:
    write_deltalake(folder, DeltaTable(folder).to_pandas().iloc[1:], mode="overwrite")


@pytest.mark.parametrize(
    ("harm", "seen"),
    [
        (lambda home, place: changed(home / "prices" / "bars"), "prices: 1 bars are there twice"),
        (lambda home, place: without(home / "prices" / "bars"), "prices: 1 bars were acknowledged and are not there"),
        (
            lambda home, place: changed(home / "prices" / "bars", symbol="600000.XX"),
            "prices: 1 bars are stored that the vendor never sent",
        ),
        (lambda home, place: changed(home / "ledger"), "ledger: 1 forecasts are there twice"),
        (
            lambda home, place: (without(home / "ledger"), None),
            "ledger: 1 forecasts that were published are not what they were",
        ),
        (
            lambda home, place: (disk.bundle(home, RUN) / "model.onnx").write_bytes(b"another"),
            "champion: version 1: model.onnx is not what was written",
        ),
        (
            lambda home, place: sql(place, "update registered_model_aliases set version = 2"),
            "champion: version 2 serves, expected 1",
        ),
        (
            lambda home, place: sql(place, 'update registered_model_tags set value = \'["2", "1"]\''),
            "champion: the history is ['2', '1'], expected ['1']",
        ),
        (
            lambda home, place: sql(place, f"insert into model_versions values ('next-close', 2, '{RUN}')"),
            f"registry: run {RUN} has 2 versions",
        ),
        (
            lambda home, place: sql(place, "delete from model_versions"),
            f"registry: version 1 was told to be of run {RUN}, and is of None",
        ),
        (lambda home, place: sql(place, "delete from model_versions"), "champion: there is no version 1"),
    ],
)
def test_what_is_not_as_promised_is_seen(made: tuple[Place, Known], tmp_path: Path, harm, seen: str) -> None:
    whole, known = made
    home = Path(shutil.copytree(whole.home, tmp_path / "home"))
    place = Place(home, whole.temp, whole.market, whole.server, whole.sessions, whole.truth)
    harm(home, place)
    assert seen in broken(place, known, settled=True)


def test_what_is_left_is_found(made: tuple[Place, Known], tmp_path: Path) -> None:
    home = Path(shutil.copytree(made[0].home, tmp_path / "home"))
    assert disk.left(home, tmp_path / "temp") == []
    left = ("prices/bars/part-9.parquet", "registry/models/2/bundle.json", "training/1/state", "decisions/m/1.7.draft")
    for name in left:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    assert disk.left(home, tmp_path / "temp") == sorted(
        f"home/{name}" for name in (left[0], "registry/models/2", "training/1", left[3])
    )


PARENT = """
import subprocess, sys, time
sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
child = subprocess.Popen(sleeps, start_new_session=sys.argv[1] == "apart")
open("begun", "w").write(str(child.pid))
time.sleep(60)
"""


@pytest.mark.parametrize(("reach", "how"), [(Reach.GROUP, "beside"), (Reach.ALL, "apart")])
def test_a_killed_command_takes_what_it_started_with_it(tmp_path: Path, reach: Reach, how: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    aim = appears("it has begun", home, "begun", 0.1)
    ended = run([sys.executable, "-c", PARENT, how], os.environ, home, aim, reach)
    assert (ended.killed, ended.code, ended.outlived) == (True, -9, ())
    line = Path("/proc") / (home / "begun").read_text() / "cmdline"
    assert not line.exists() or not line.read_bytes()  # nobody may have waited for it yet


def test_a_command_that_is_let_be_ends_as_it_does(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    ended = run([sys.executable, "-c", "print('done')"], os.environ, home, anywhere(60))
    assert (ended.killed, ended.code, ended.out) == (False, 0, "done\n")


def test_writes_are_counted(tmp_path: Path) -> None:
    due = commits(tmp_path / "file", 2, 0.5).armed()
    assert not due(1.0)
    (tmp_path / "file").write_text("one")
    assert not due(2.0)
    time.sleep(0.02)
    (tmp_path / "file").write_text("three")
    assert [due(3.0), due(3.4), due(3.5)] == [False, False, True]
