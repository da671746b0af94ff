"""Homes of earlier and of later versions of the program."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from click.testing import CliRunner, Result
from deltalake import DeltaTable, write_deltalake
from mlflow import MlflowClient
from pandas.testing import assert_frame_equal

from forecaster.bundle import read_bundle
from forecaster.cli.doctor import doctor
from forecaster.cli.migrate import migrate
from forecaster.version import MIGRATED_FROM
from tests.forecaster.cli.conftest import Sample, registry_of
from tests.forecaster.test_bundle import seal

ROOT = Path(__file__).parents[3]

# Ends the process when the successor is registered and nothing points at it yet.
KILLED = """
import os, signal
from forecaster.registry import Registry
Registry.succeed = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from forecaster.cli.migrate import migrate
migrate()
"""
SINCE = ("bidirectional", "attention", "recurrent_dropout", "initialiser", "unit")


def bundle_of(home: Path, version: str) -> Path:
    return registry_of(home).bundle_path(registry_of(home).get(version))


def run(home: Path, command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--json"], env={"FORECASTER_HOME": str(home)})


def migrated(home: Path, *arguments: str, code: int = 0) -> dict[str, tuple[str, int]]:
    """By which: its state and schema."""
    done = run(home, migrate, *arguments)
    assert done.exit_code == code, done.output
    return {f"{one['kind']} {one['name']}": (one["state"], one["schema"]) for one in json.loads(done.stdout)}


def as_the_first_release_wrote(bundle: Path) -> None:
    """No gates, and a spec that knows neither what it is silent about nor what else there could be."""
    manifest = json.loads((bundle / "bundle.json").read_text())
    for key in ("sha256", "schema", "unjudged", "probe"):
        manifest.pop(key, None)
    for key in SINCE:
        del manifest["spec"][key]
    for key in ("averaging", "schedule", "warmup"):
        del manifest["train_spec"][key]
    del manifest["files"]["gates.onnx"]
    (bundle / "gates.onnx").unlink()
    (bundle / "bundle.json").write_bytes(seal({"schema": 1, **manifest}))


def test_a_home_of_the_first_release_is_migrated_whatever_kills_it(sample: Sample, copied_home: Path) -> None:
    home, bundle = copied_home, bundle_of(copied_home, "1")
    bars = home / "prices" / "bars"
    as_the_first_release_wrote(bundle)
    DeltaTable(str(bars)).alter.set_table_description("")
    before = shutil.copytree(bundle, home / "before")

    older = {"prices bars": ("older", 1), "bundle next-close 1": ("older", 1), "bundle next-close 2": ("current", 2)}
    assert older.items() <= migrated(home, "--dry-run").items()
    assert DeltaTable(str(bars)).version() == 1
    told = {one["text"]: one["status"] for one in json.loads(run(home, doctor).stdout) if one["what"] == "schema"}
    assert told == {
        "prices bars has schema 1, this version writes 2: forecaster migrate": "note",
        "bundle next-close 1 has schema 1, this version writes 2: forecaster migrate": "note",
    }

    environment = {**os.environ, "FORECASTER_HOME": str(home)}
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert registry_of(home).by_alias().version == "1"
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == {
        path.name: path.read_bytes() for path in before.iterdir()
    }

    done = {
        "prices bars": ("current", 2),
        "bundle next-close 1": ("migrated", 1),
        "bundle next-close 3": ("current", 2),
    }
    assert done.items() <= migrated(home).items()
    champion = registry_of(home).by_alias()
    assert (champion.version, champion.tags[MIGRATED_FROM]) == ("3", "1")
    (named,) = MlflowClient(registry_of(home).uri, registry_of(home).uri).search_registered_models()
    assert named.tags["champions"] == '["3"]'
    made = read_bundle(bundle_of(home, "3"))
    original = read_bundle(bundle_of(sample.home, "1"))
    for name in ("model.onnx", "model.keras", "gates.onnx"):
        assert (made.path / name).read_bytes() == (original.path / name).read_bytes()
    assert_frame_equal(made.evidence(), original.evidence(), check_exact=True)
    # What there was before there was a choice.
    assert [made.manifest["spec"][key] for key in SINCE] == [False, False, 0.0, "glorot", "range"]
    assert (made.train_spec.averaging, made.train_spec.schedule, made.train_spec.warmup) == (0.0, "constant", 0.0)

    assert migrated(home) == migrated(home, "--dry-run")
    assert [one.version for one in registry_of(home).versions()] == ["3", "2", "1"]


def test_what_a_newer_version_wrote_is_named_and_left(copied_home: Path) -> None:
    home, bundle = copied_home, bundle_of(copied_home, "2")
    manifest = json.loads((bundle / "bundle.json").read_text())
    del manifest["sha256"]
    (bundle / "bundle.json").write_bytes(seal({**manifest, "schema": 3}))
    write_deltalake(str(home / "ledger"), pa.table({"name": ["a"]}), description="stock-forecaster, schema 4")
    for folder, content in {"decisions": '{"schema": 2}', "passes": '{"schema": 1}'}.items():
        (home / folder / "next-close").mkdir(parents=True, exist_ok=True)
        (home / folder / "next-close" / "2026-11-20.json").write_text(content)
    (home / "passes" / "next-close" / "2026-11-21.json").write_text("{")
    expected = {
        "bundle next-close 2": ("newer", 3),
        "ledger forecasts": ("newer", 4),
        "decisions next-close/2026-11-20.json": ("newer", 2),
        "passes next-close": ("current", 1),
        "passes next-close/2026-11-21.json": ("unreadable", None),
    }
    assert expected.items() <= migrated(home, code=1).items()
    assert DeltaTable(str(home / "ledger")).version() == 0
    findings = json.loads(run(home, doctor).stdout)
    problems = [one["text"] for one in findings if (one["what"], one["status"]) == ("schema", "problem")]
    assert len(problems) == 4
    assert sum("a newer version of this program has written it" in one for one in problems) == 3
    (ledger,) = (one["text"] for one in findings if one["what"] == "ledger")
    assert "rows of schema 4" in ledger


def test_nothing_is_there_yet(tmp_path: Path) -> None:
    assert migrated(tmp_path) == {}
    assert "nothing yet" in CliRunner().invoke(migrate, env={"FORECASTER_HOME": str(tmp_path)}).output
    assert list(tmp_path.iterdir()) == []
