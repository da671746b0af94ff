"""Epochs: learn from every training window, look at the validation windows, stop when they get no better."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from data.splits import Split
from data.windows import Windows
from forecaster.errors import CorruptCheckpoint, TrainingDiverged
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.training.batches import Batches
from forecaster.training.checkpoint import Checkpoint, State
from forecaster.training.device import find_device
from forecaster.training.learner import Arrays, Learner
from forecaster.training.order import shuffled
from forecaster.training.schedule import learning_rate
from forecaster.training.stopping import Stopping

PREDICT_BATCH: Final = 1024
_LOOKS_A_SECOND: Final = 5


@dataclass(frozen=True, slots=True)
class Epoch:
    """How training stands after an epoch."""

    number: int
    of: int
    loss: float
    validation_loss: float
    windows_per_second: float
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Within:
    """How training stands within an epoch.

    Attributes:
        epoch, of: which one, and how many there are at most.
        done: part of all epochs, from 0 to 1.
        loss: the mean so far in this epoch.
        windows_per_second: so far in this epoch.
    """

    epoch: int
    of: int
    done: float
    loss: float
    windows_per_second: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network: a `keras.Model` with its best weights, the curve that led there, and what computed it."""

    network: Any
    history: tuple[Epoch, ...]
    best_epoch: int
    seconds: float
    device: str


@dataclass(slots=True)
class _Place:
    """How far a training has come: what a checkpoint keeps beside weights.

    Attributes:
        epoch: how many are done.
        batch: of the next epoch, how many are done.
        loss: the sum over the windows of those.
        seconds: for those.
        before: seconds for the epochs.
        stopping: of early stopping.
        history: of the epochs.
    """

    stopping: Stopping
    epoch: int = 0
    batch: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    before: float = 0.0
    history: list[Epoch] = field(default_factory=list)


def train(
    windows: Windows,
    split: Split,
    spec: ModelSpec,
    training: TrainSpec,
    progress: Callable[[Epoch], None] = lambda epoch: None,
    *,
    within: Callable[[Within], None] = lambda within: None,
    start: Sequence[np.ndarray[Any, Any]] | None = None,
    checkpoint: Checkpoint | None = None,
    cores: int | None = None,
) -> Trained:
    """Fit a network on the training windows, stopping early on the validation windows.

    The same seed on the same machine gives the same weights, in one go or in pieces.

    Args:
        windows: all windows; those of the split have known targets.
        split: which are for training and for validation. The test windows are not looked at.
        spec: the network.
        training: how to fit it.
        progress: called after each epoch, and for those that a checkpoint has behind it.
        within: called a few times a second.
        start: weights to start from, as `get_weights` gives them; None draws them from the seed.
        checkpoint: kept after each epoch and now and then within; training goes on from what it holds.
        cores: over how many a batch is split, which is among what decides the weights; None takes all there are.

    Raises:
        TrainingDiverged: the loss is no longer a number.
        CorruptCheckpoint: what the checkpoint holds cannot be this training's.
    """
    device = find_device(cores)
    learner = Learner(spec, training, device)
    if start is not None:
        learner.begin_with(start)
    place, best = _resumed(checkpoint, learner, Stopping(training.patience))
    for epoch in place.history:
        progress(epoch)
    learning = Batches(windows, split.train, training.batch)
    judging = Batches(windows, split.validation, PREDICT_BATCH)
    while place.epoch < training.epochs and not place.stopping.enough:
        rate = _learn(learner, learning, training, place, best, within, checkpoint)
        with learner.averaged() as averages:
            judged = sum(learner.judge(*batch) for batch in judging.ahead()) / len(split.validation)
        epoch = Epoch(
            number=place.epoch + 1,
            of=training.epochs,
            loss=place.loss / len(split.train),
            validation_loss=judged,
            windows_per_second=len(split.train) / place.seconds,
            learning_rate=rate,
        )
        if not math.isfinite(epoch.loss) or not math.isfinite(judged):
            raise TrainingDiverged(epoch.number, judged if math.isfinite(epoch.loss) else epoch.loss)
        if place.stopping.after(epoch.number, judged):
            best = averages
        place.history.append(epoch)
        place.before += place.seconds
        place.epoch, place.batch, place.loss, place.seconds = place.epoch + 1, 0, 0.0, 0.0
        if checkpoint is not None:
            checkpoint.write(_state(place, best, learner))
        progress(epoch)
    return Trained(learner.network(best), tuple(place.history), place.stopping.best_epoch, place.before, device.name)


def _learn(
    learner: Learner,
    batches: Batches,
    training: TrainSpec,
    place: _Place,
    best: Arrays,
    within: Callable[[Within], None],
    checkpoint: Checkpoint | None,
) -> float:
    """The rest of an epoch; returns its last learning rate."""
    order = shuffled(len(batches.index), training.seed, place.epoch)
    began, spent, told, rate = time.perf_counter(), place.seconds, 0.0, 0.0
    for inputs, targets in batches.ahead(order, place.batch):
        step = place.epoch * len(batches) + place.batch
        rate = learning_rate(training, step, len(batches), place.stopping.plateaus)
        place.loss += learner.learn(inputs, targets, step=step, rate=rate)
        place.batch += 1
        place.seconds = spent + time.perf_counter() - began
        if place.seconds - told > 1 / _LOOKS_A_SECOND:
            told = place.seconds
            seen = min(place.batch * batches.size, len(batches.index))
            done = (place.epoch + place.batch / len(batches)) / training.epochs
            within(Within(place.epoch + 1, training.epochs, done, place.loss / seen, seen / told))
        if checkpoint is not None and checkpoint.due and place.batch < len(batches):
            checkpoint.write(_state(place, best, learner))
    return rate


def _state(place: _Place, best: Arrays, learner: Learner) -> State:
    groups = {"weights": learner.weights(), "memory": learner.memory(), "best": best}
    arrays = {f"{name}{number}": array for name, group in groups.items() for number, array in enumerate(group)}
    return State(asdict(place), arrays)


def _resumed(checkpoint: Checkpoint | None, learner: Learner, stopping: Stopping) -> tuple[_Place, Arrays]:
    """Where to begin, and the best weights until there; the learner takes over what the checkpoint holds."""
    saved = checkpoint.read() if checkpoint is not None else None
    if checkpoint is None or saved is None or not saved.arrays:
        return _Place(stopping), learner.weights()

    def group(name: str, like: Arrays) -> Arrays:
        found = [saved.arrays.get(f"{name}{number}", np.empty(0)) for number in range(len(like))]
        if [(one.shape, one.dtype) for one in found] != [(one.shape, one.dtype) for one in like]:
            raise CorruptCheckpoint(checkpoint.path, f"has no {name} of this network")
        return found

    weights, memory = group("weights", learner.weights()), group("memory", learner.memory())
    best = group("best", learner.weights())
    facts = dict(saved.facts)
    history = [Epoch(**one) for one in facts.pop("history")]
    place = _Place(**{**facts, "stopping": Stopping(**facts["stopping"]), "history": history})
    learner.set_weights(weights)
    learner.set_memory(memory)
    return place, best
