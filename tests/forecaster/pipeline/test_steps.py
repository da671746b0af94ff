"""Single steps of a pass, each at what a kill, or somebody, may leave it with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from mlflow import MlflowClient

from data.bars import Bars
from data.clock import Clock
from data.store import PriceStore
from forecaster.errors import NoModel
from forecaster.ledger.table import Ledger
from forecaster.pipeline.folder import Passes
from forecaster.pipeline.place import Place, Train
from forecaster.pipeline.record import Pass, StepState
from forecaster.pipeline.run import run_pass
from forecaster.pipeline.steps.clean import clean
from forecaster.pipeline.steps.promote import promote
from forecaster.pipeline.steps.train import train
from forecaster.settings import Settings
from forecaster.version import CHALLENGER
from tests.forecaster.pipeline.conftest import FIRST, Begun
from tests.forecaster.pipeline.passing import Days, copies, never, registry_of, settings_of
from tests.service.tiny_model import ROOT


class Later:
    """The machine's clock, so many days ahead."""

    def __init__(self, days: float) -> None:
        self._ahead = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


def place(where: Settings, clock: Clock, train: Train = never, **evidence: Mapping[str, Any]) -> Place:
    """The first pass's, with what its steps would have found."""
    record = Passes(where.home, where.model).get(FIRST)
    assert record is not None
    for name, found in evidence.items():
        record = record.with_step(record.step(name).changed(state=StepState.DONE, evidence=dict(found)))
    return Place(where, clock, record, train, lambda line: None)


def gated(version: str, champion: str) -> dict[str, Any]:
    """What the gate finds where it lets a version succeed another."""
    return {"version": version, "promote": True, "decision": {"evidence": {"champion": champion}}}


def test_a_decision_is_not_carried_out_where_it_does_not_hold_any_more(home: Path) -> None:
    where = settings_of(home)
    registry = registry_of(where)
    for tag in ("one", "two"):
        copies(where, tag, "scratch", lambda line: None)

    # Somebody else became the champion after version 2 was compared with version 1.
    registry.promote(registry.get("3"))
    came = promote(place(where, Days(FIRST), gate=gated("2", "1")))
    assert came.evidence == {"version": "2", "before": "3", "promoted": False}
    assert "version 3 became the champion meanwhile, which it was not compared with" in came.detail
    assert (registry.by_alias().version, registry.by_alias(CHALLENGER).version) == ("3", "2")

    # Somebody went back from it.
    registry.promote(registry.get("2"))
    assert registry.rollback().version == "3"
    came = promote(place(where, Days(FIRST), gate=gated("2", "3")))
    assert came.evidence == {"version": "2", "before": "3", "promoted": False}
    assert "somebody went back from it" in came.detail
    assert (registry.by_alias().version, registry.by_alias(CHALLENGER).version) == ("3", "2")
    assert registry.get("2").rolled_back

    # Nothing of that. And once more, as after a kill before it was written down.
    for _ in range(2):
        came = promote(place(where, Days(FIRST), gate=gated("1", "3")))
        assert came.evidence["promoted"] is True
        assert registry.by_alias().version == "1"
    assert registry.rollback().version == "3"


def test_a_run_that_was_killed_after_its_version_is_ended(home: Path) -> None:
    where = settings_of(home)
    registry, client = registry_of(where), MlflowClient(where.registry_uri)
    run = registry.get("1").run_id
    client.update_run(run, status="RUNNING")
    came = train(place(where, Days(FIRST), decide={"train": True, "start": "scratch"}))
    assert came.evidence["version"] == "1"
    assert client.get_run(run).info.status == "FINISHED"


def test_a_training_without_whoever_started_it_ends_before_it_begins() -> None:
    order = json.dumps({"settings": {}, "tag": "", "start": "scratch", "parent": os.getpid() + 1})
    done = subprocess.run(
        [sys.executable, "-m", "forecaster.pipeline.training"],
        cwd=ROOT,
        input=order,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def wilder(home: Path, sessions: int) -> None:
    """Let every share's last closes go up and down by a tenth, in turns."""
    store = PriceStore(home / "prices")
    frame = store.read().frame
    newest = frame.groupby("symbol", group_keys=False).tail(sessions).reset_index(drop=True)
    newest["close"] *= [1.1 if number % 2 else 0.9 for number in range(len(newest))]
    newest["high"] = newest[["open", "high", "low", "close"]].max(axis=1)
    newest["low"] = newest[["open", "high", "low", "close"]].min(axis=1)
    store.upsert(Bars(newest))


def test_drift_is_a_reason_to_retrain(home: Path) -> None:
    wilder(home, 70)
    wanted = {"provider": "none", "pause_sessions": 1}
    done = run_pass(settings_of(home, **wanted, on_error=False), Days("2013-02-14"), inline=True, until="decide")
    assert done.step("check").state is StepState.FAILED  # nobody fetched that session
    done = again(home, done, **wanted, on_error=False)
    assert done.evidence("decide")["train"] is True
    (reason,) = done.evidence("decide")["reasons"]
    assert reason.startswith("inputs have drifted: ")
    assert set(done.evidence("decide")["drift"]["drifted"]) - {"errors"} == set(
        reason.removeprefix("inputs have drifted: ").split(", ")
    )
    # Who does not ask for that has no reason.
    assert again(home, done, **wanted, on_error=False, on_drift=False).evidence("decide")["reasons"] == []


def again(home: Path, record: Pass, **wanted: Any) -> Pass:
    """The record with its decision made anew, whatever the check found."""
    where = settings_of(home, **wanted)
    for name in ("fetch", "check"):
        record = record.with_step(record.step(name).changed(state=StepState.DONE))
    record = record.with_step(record.step("decide").changed(state=StepState.PENDING))
    Passes(home, where.model).write(record)
    return run_pass(where, Days("2013-02-14"), inline=True, until="decide")


def files(home: Path) -> set[str]:
    return {one.relative_to(home).as_posix() for one in home.rglob("*") if one.is_file()}


def plant(home: Path, name: str, days: float) -> str:
    """A file that was written so many days ago, and its folder with it."""
    file = home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"half of something")
    for one in (file, file.parent):
        os.utime(one, (time.time() - days * 86_400,) * 2)
    return name


def test_what_kills_left_is_deleted_when_it_is_old_and_nothing_else_is(begun: Begun, home: Path) -> None:
    where = settings_of(home, keep_days=30, keep_passes=2)
    whole = files(home)
    old = [
        plant(home, name, 40)
        for name in (
            "tushare-calls.json.abc.draft",
            "registry/next-close.serves.json.77.draft",
            "registry/models/tmp123.draft/bundle/model.onnx",
            "decisions/next-close/2-20130213T000000000000Z.77.draft",
            "passes/next-close/2013-02-14.draft",
            "schedule/next-close.json.77.draft",
            "jobs/one.draft",
            "training/0123456789abcdef/state",
            "training/aaaaaaaaaaaaaaaa/.lock",
            "ledger/part-00000-11111111-1111-1111-1111-111111111111-c000.snappy.parquet",
            "prices/bars/year=2013/part-00000-11111111-1111-1111-1111-111111111111-c000.snappy.parquet",
        )
    ]
    os.utime(home / "registry" / "models" / "tmp123.draft", (time.time() - 40 * 86_400,) * 2)
    for name in (
        "registry/next-close.serves.json.78.draft",
        "training/bbbbbbbbbbbbbbbb/state",
        "training/cccccccccccccccc/.lock",
        "ledger/part-00000-22222222-2222-2222-2222-222222222222-c000.snappy.parquet",
    ):
        plant(home, name, 20)
    plant(home, "training/dddddddddddddddd/state", 40)  # somebody goes on with it right now
    plant(home, "somebody-elses.draft.txt", 40)
    young = files(home) - whole - set(old)
    with ExitStack() as held:
        held.enter_context(FileLock(home / "training/dddddddddddddddd/.lock", fallback_to_soft=False))
        young.add("training/dddddddddddddddd/.lock")
        came = clean(place(where, Later(0)))
    assert came.evidence["trainings"] == ["0123456789abcdef", "aaaaaaaaaaaaaaaa"]
    assert len(came.evidence["drafts"]) == 7
    assert came.evidence["files"] == {"bars": 1, "ledger": 1}
    assert came.evidence["runs"] == []
    # What tables write down of being cleaned is theirs.
    left = {one for one in files(home) if "_delta_log" not in one and not one.endswith((".lock", ".writer.json"))}
    assert left == {one for one in whole | young if "_delta_log" not in one and not one.endswith(".lock")} - {
        one for one in whole if one.endswith(".writer.json")
    }
    assert Ledger(where.ledger_uri).read().equals(Ledger(settings_of(begun.home).ledger_uri).read())
    fingerprint = PriceStore(where.store_uri).fingerprint()
    assert fingerprint == PriceStore(settings_of(begun.home).store_uri).fingerprint()
    assert Ledger(where.ledger_uri).is_append_only()


def test_runs_that_nothing_came_of_are_ended_when_they_are_old(home: Path) -> None:
    where = settings_of(home, keep_days=30)
    registry, client = registry_of(where), MlflowClient(where.registry_uri)
    run = registry.begin(params={}, tags={})
    left = plant(home, f"registry/models/{run.id}/artifacts/bundle/bundle.json", 0)
    assert clean(place(where, Later(29))).evidence["runs"] == []
    assert (client.get_run(run.id).info.status, (home / left).exists()) == ("RUNNING", True)
    came = clean(place(where, Later(31)))
    assert came.evidence["runs"] == [run.id]
    assert "ended: 1 runs that were killed" in came.detail
    assert client.get_run(run.id).info.status == "KILLED"
    assert not (home / "registry" / "models" / run.id).exists()
    assert registry.bundle_path(registry.by_alias()).is_dir()
    with pytest.raises(NoModel):
        registry.by_alias(CHALLENGER)
