from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

import forecaster.experiment
from data.store import PriceStore
from forecaster.bundle import read_bundle
from forecaster.errors import NotRegistered, ParityError, RegistryUnavailable, TrainingDiverged, TrainingStopped
from forecaster.experiment import Experiment, run_experiment
from forecaster.registry import Registry
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.step import Step
from forecaster.training import Checkpoint
from tests.forecaster.markets import make_bars, walk

SPEC = ModelSpec(units=(3,), lookback=4, features=("close",), quantiles=(0.1, 0.5, 0.9), unit="range")
TRAINING = TrainSpec(epochs=3, batch=32, validation=20, test=30, seed=5)


class Place:
    """Prices of one share, a registry, and a folder for checkpoints."""

    def __init__(self, folder: Path) -> None:
        self.store = PriceStore(folder / "prices")
        self.store.upsert(make_bars({"AAA": walk(1, 140)}))
        self.registry = Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "models", "next-close")
        self.checkpoints = folder / "training"

    def run(self, progress: Callable[[Step], None] = lambda step: None, **options: Any) -> Experiment:
        chosen = {"checkpoints": self.checkpoints, **options}
        return run_experiment(self.store, self.registry, SPEC, TRAINING, progress=progress, **chosen)

    def runs(self) -> list[tuple[str, str]]:
        """Every run's id and status, oldest first."""
        client = MlflowClient(self.registry.uri)
        everywhere = [one.experiment_id for one in client.search_experiments()]
        found = client.search_runs(everywhere, order_by=["attributes.start_time asc"])
        return [(run.info.run_id, run.info.status) for run in found]

    def steps(self, run_id: str) -> list[int]:
        history = MlflowClient(self.registry.uri).get_metric_history(run_id, "validation_loss")
        return sorted(point.step for point in history)

    def network(self, made: Experiment) -> str:
        bundle = read_bundle(self.registry.bundle_path(made.version))
        return hashlib.sha256((bundle.path / "model.onnx").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("attempts"))


@pytest.fixture(scope="module")
def whole(place: Place) -> Experiment:
    """A training that nothing happened to."""
    return place.run(checkpoints=None)


def at(text: str, error: BaseException) -> Callable[[Step], None]:
    """Something happens when the step of that text is told."""

    def progress(step: Step) -> None:
        if step.text.startswith(text) and not step.passing:
            raise error

    return progress


def test_a_training_that_was_stopped_goes_on_in_its_run(place: Place, whole: Experiment) -> None:
    with pytest.raises(TrainingStopped, match="stopped after 2 epochs; the same command goes on from there") as stopped:
        place.run(at("training: epoch 2", KeyboardInterrupt()))
    assert stopped.value.resumable
    run_id, status = place.runs()[-1]
    assert (status, place.steps(run_id)) == ("KILLED", [1])
    told: list[Step] = []
    made = place.run(told.append)
    assert "going on where training was stopped, after 2 epochs and 0 steps; --fresh starts anew" in [
        step.text for step in told
    ]
    assert made.version.run_id == run_id
    assert place.runs()[-1] == (run_id, "FINISHED")
    assert place.steps(run_id) == [1, 2, 3]
    assert place.network(made) == place.network(whole)
    assert list(place.checkpoints.iterdir()) == []


def test_a_fresh_start_is_a_run_of_its_own(place: Place, whole: Experiment) -> None:
    with pytest.raises(TrainingStopped):
        place.run(at("training: epoch 1", KeyboardInterrupt()))
    told: list[Step] = []
    made = place.run(told.append, fresh=True)
    assert not [step for step in told if "going on" in step.text]
    assert [status for _, status in place.runs()[-2:]] == ["KILLED", "FINISHED"]
    assert place.network(made) == place.network(whole)
    assert list(place.checkpoints.iterdir()) == []


def test_a_damaged_checkpoint_is_not_gone_on_from(place: Place, whole: Experiment) -> None:
    with pytest.raises(TrainingStopped):
        place.run(at("training: epoch 2", KeyboardInterrupt()))
    (file,) = place.checkpoints.glob("*/state")
    file.write_bytes(file.read_bytes()[:-9])
    told: list[Step] = []
    made = place.run(told.append)
    texts = [step.text for step in told]
    expected = (
        f"the checkpoint {file} does not match its own sha256; nothing of it was loaded, and training starts anew"
    )
    assert expected in texts
    assert place.network(made) == place.network(whole)


class Killed(BaseException):
    """Nothing that is caught."""


@pytest.mark.parametrize("where", [(MlflowClient, "set_terminated"), (Checkpoint, "remove")], ids=["run", "checkpoint"])
def test_what_was_killed_after_it_had_registered_its_version_has_one(
    place: Place, where: tuple[type, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {one.version for one in place.registry.versions()}
    with monkeypatch.context() as patch:

        def killed(*_: object) -> None:
            raise Killed

        patch.setattr(*where, killed)
        with pytest.raises(Killed):
            place.run()
    (version,) = {one.version for one in place.registry.versions()} - before
    told: list[str] = []
    made = place.run(lambda step: told.append(step.text))
    assert f"version {version} was registered before the training was stopped" in told
    assert not any(text.startswith("training") for text in told)
    assert made.version.version == version
    assert made.epochs == TRAINING.epochs
    assert place.runs()[-1] == (made.version.run_id, "FINISHED")
    assert {one.version for one in place.registry.versions()} == before | {version}
    assert list(place.checkpoints.iterdir()) == []


def test_without_checkpoints_a_stop_is_final(place: Place) -> None:
    with pytest.raises(TrainingStopped) as stopped:
        place.run(at("training: epoch 1", KeyboardInterrupt()), checkpoints=None)
    assert str(stopped.value) == "training was stopped after 1 epochs"


def test_what_would_fail_again_leaves_a_failed_run_and_no_checkpoint(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(forecaster.experiment, "PARITY", -1.0)
        with pytest.raises(ParityError):
            place.run()
    with pytest.raises(TrainingDiverged):
        place.run(at("training: epoch 2", TrainingDiverged(2, math.nan)))
    assert [status for _, status in place.runs()[-2:]] == ["FAILED", "FAILED"]
    assert list(place.checkpoints.iterdir()) == []


def test_an_accident_leaves_a_failed_run_that_can_go_on(place: Place) -> None:
    with pytest.raises(OSError, match="no space"):
        place.run(at("calibrating", OSError("no space")))
    run_id, status = place.runs()[-1]
    assert status == "FAILED"
    assert place.run().version.run_id == run_id


def test_a_network_is_not_lost_to_a_registry_that_is_away(
    place: Place, whole: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable = Registry._answers
    gone = False

    @contextmanager
    def answers(self: Registry) -> Iterator[Any]:
        if gone:
            raise RegistryUnavailable(self.uri, "no route to host")
        with reachable(self) as client:
            yield client

    def leave(step: Step) -> None:
        nonlocal gone
        told.append(step.text)
        gone = gone or step.text.startswith("training: epoch 1")

    told: list[str] = []
    monkeypatch.setattr(Registry, "_answers", answers)
    with pytest.raises(NotRegistered, match="the same command registers it when the registry answers again") as lost:
        place.run(leave)
    assert lost.value.kept.parent == place.checkpoints
    assert any(text.endswith("no route to host; training goes on") for text in told)
    gone, told = False, []
    made = place.run(lambda step: told.append(step.text))
    assert any(text.startswith("going on where training was stopped, after 3 epochs") for text in told)
    assert place.steps(made.version.run_id) == [1, 2, 3]
    assert place.network(made) == place.network(whole)
