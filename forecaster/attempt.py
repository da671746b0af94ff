"""One attempt at a training: its checkpoint, its run in the registry, and how both end.

Ended by whoever started it, or by a registry that went away, it leaves a checkpoint, and the next attempt at the same
training goes on in the same run. Done, or failed in a way that would come again, it leaves none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data.splits import Split
from data.windows import Windows
from forecaster.bundle import Bundle, read_bundle
from forecaster.errors import (
    BundleError,
    CorruptCheckpoint,
    NotRegistered,
    ParityError,
    RegistryUnavailable,
    TrainingDiverged,
    TrainingStopped,
)
from forecaster.registry import Registry
from forecaster.runs import LiveCurves, Outcome, Run
from forecaster.spec import ModelSpec, TrainSpec, spec_hash, to_dict
from forecaster.start import Start
from forecaster.step import Step
from forecaster.training import Checkpoint, Epoch, State, Trained, Within, find_device, train, training_key
from forecaster.version import Version


@dataclass(frozen=True, slots=True)
class Training:
    """What is trained on what.

    Attributes:
        windows, split: all windows, and which are for training and validation.
        spec, training: the network, and how it is fitted.
        start: a version to go on from.
        data_version: of the price table.
        marks: tags beside those that tell what was trained.
        cores: over how many a batch is split, which is among what decides the weights; None takes all there are.
    """

    windows: Windows
    split: Split
    spec: ModelSpec
    training: TrainSpec
    start: Start | None
    data_version: int | None
    marks: Mapping[str, str] = field(default_factory=dict)
    cores: int | None = None

    @property
    def trained_through(self) -> str:
        """The last session whose outcome the weights, the stopping or the calibration see, as an ISO date."""
        return str(self.windows.outcome[self.split.validation].max())

    @property
    def params(self) -> dict[str, str]:
        """Of the run."""
        return {
            **{key: str(value) for key, value in to_dict(self.spec).items()},
            **{f"train.{key}": str(value) for key, value in to_dict(self.training).items()},
        }

    @property
    def tags(self) -> dict[str, str]:
        """Of the run and of the version."""
        started = {"from": f"{self.start.version.name} {self.start.version.version}"} if self.start else {}
        return {
            "spec_hash": spec_hash(self.spec),
            "data_version": str(self.data_version),
            "trained_through": self.trained_through,
            "symbols": str(len(np.unique(self.windows.panel.series[self.windows.last]))),
            **started,
            **self.marks,
        }


class Attempt:
    """A training that has begun.

    Attributes:
        epochs: how many there were so far.
        registered: its version and the bundle, where it was killed after it had registered them.
        folder: where drafts go, so that whoever goes on finds and deletes what a kill leaves; None is the system's.
    """

    def __init__(
        self,
        what: Training,
        registry: Registry,
        run: Run,
        checkpoint: Checkpoint | None,
        weights: list[np.ndarray[Any, Any]] | None,
        progress: Callable[[Step], None],
        registered: tuple[Version, Bundle] | None,
    ) -> None:
        """Made by `attempted`."""
        self.epochs = 0
        self.registered = registered
        self.folder = checkpoint.path if checkpoint else None
        self._what, self._registry, self._run = what, registry, run
        self._checkpoint, self._weights, self._progress = checkpoint, weights, progress
        self._curves = LiveCurves(run, lambda error: progress(Step(f"{error}; training goes on")))

    def train(self) -> Trained:
        """The trained network, every epoch told and logged."""
        what = self._what
        return train(
            what.windows,
            what.split,
            what.spec,
            what.training,
            self._after_epoch,
            within=self._within_epoch,
            start=self._weights,
            checkpoint=self._checkpoint,
            cores=what.cores,
        )

    def register(self, bundle: Bundle) -> Version:
        """The bundle as the next version; ends the run.

        Raises:
            NotRegistered: the registry does not answer, and the checkpoint stays.
            RegistryUnavailable: the same where no checkpoint is kept.
        """
        facts = bundle.manifest
        try:
            self._curves.flush()
            return self._registry.register(
                bundle.path,
                params={},
                metrics={**facts["metrics"], "training_seconds": facts["training"]["seconds"]},
                curves={},
                tags=self._what.tags,
                run=self._run,
            )
        except RegistryUnavailable as error:
            if self._checkpoint is None:
                raise
            raise NotRegistered(error, self._checkpoint.path) from error

    def _after_epoch(self, epoch: Epoch) -> None:
        self.epochs = epoch.number
        text = (
            f"training: epoch {epoch.number} of at most {epoch.of}, loss {epoch.loss:.4f}, "
            f"validation {epoch.validation_loss:.4f}, {epoch.windows_per_second:,.0f} windows/s"
        )
        self._progress(Step(text, epoch.number / epoch.of))
        self._curves.add(
            epoch.number,
            {"loss": epoch.loss, "validation_loss": epoch.validation_loss, "learning_rate": epoch.learning_rate},
        )

    def _within_epoch(self, now: Within) -> None:
        text = f"training: epoch {now.epoch} of at most {now.of}, loss {now.loss:.4f}, "
        self._progress(Step(f"{text}{now.windows_per_second:,.0f} windows/s", now.done, passing=True))


@contextmanager
def attempted(
    what: Training, registry: Registry, checkpoints: Path | None, progress: Callable[[Step], None], *, fresh: bool
) -> Iterator[Attempt]:
    """Begin a training, or go on with one.

    Args:
        what: what is trained.
        registry: where its run is.
        checkpoints: the folder of all checkpoints; None keeps none.
        progress: is told what goes on.
        fresh: start anew where a checkpoint is.

    Raises:
        TrainingBusy: another process trains the same at this moment.
        TrainingStopped: whoever started it ended it.
        RegistryUnavailable: the run cannot be begun.
    """
    weights = what.start.weights() if what.start else None
    with ExitStack() as held:
        checkpoint = None
        if checkpoints is not None:
            facts = {"model": registry.name, **({"cores": str(what.cores)} if what.cores else {})}
            key = training_key(what.windows, what.split, what.spec, what.training, weights, **facts)
            checkpoint = held.enter_context(Checkpoint(checkpoints, key))
            _prepare(checkpoint, progress, fresh=fresh)
        begun = checkpoint.notes.get("run", "") if checkpoint else ""
        registered = _registered(registry, begun)
        if registered is None:
            run = registry.begin(params=what.params, tags=what.tags, run_id=begun)
        else:
            progress(Step(f"version {registered[0].version} was registered before the training was stopped", 1.0))
            run = registry.run(begun)
            run.end("FINISHED")
        if checkpoint is not None and run.id != begun:
            checkpoint.notes["run"] = run.id
            checkpoint.write(checkpoint.read() or State({}))
        if registered is None:
            windows, symbols = len(what.split.train), what.tags["symbols"]
            progress(
                Step(f"training on {windows:,} windows of {symbols} symbols, on {find_device(what.cores).name}", 0.0)
            )
        attempt = Attempt(what, registry, run, checkpoint, weights, progress, registered)
        try:
            yield attempt
        except KeyboardInterrupt:
            _end(run, "KILLED")
            raise TrainingStopped(attempt.epochs, resumable=checkpoint is not None) from None
        except (TrainingDiverged, ParityError):
            _end(run, "FAILED")
            if checkpoint is not None:
                checkpoint.remove()
            raise
        except BaseException:
            _end(run, "FAILED")
            raise
        if checkpoint is not None:
            checkpoint.remove()


def _prepare(checkpoint: Checkpoint, progress: Callable[[Step], None], *, fresh: bool) -> None:
    """Have a checkpoint hold what can be gone on from, or nothing."""
    if fresh:
        checkpoint.clear()
        return
    try:
        saved = checkpoint.read()
    except CorruptCheckpoint as error:
        progress(Step(f"{error}, and training starts anew"))
        checkpoint.clear()
        return
    if saved is not None and saved.arrays:
        done = f"after {saved.facts['epoch']} epochs and {saved.facts['batch']} steps"
        progress(Step(f"going on where training was stopped, {done}; --fresh starts anew"))


def _registered(registry: Registry, run_id: str) -> tuple[Version, Bundle] | None:
    """What a run has made before it was killed; None where it has not, or what it made is damaged by now."""
    made = registry.made_by(run_id) if run_id else None
    if made is None:
        return None
    try:
        return made, read_bundle(registry.bundle_path(made))
    except BundleError:
        return None


def _end(run: Run, outcome: Outcome) -> None:
    with suppress(RegistryUnavailable):  # it says how it ended when it can be asked
        run.end(outcome)
