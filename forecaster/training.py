"""Windows and a spec -> a trained network.

Training runs in a process of its own (the command line's): tensorflow hangs after a fork, and its memory goes with
the process. The same seed on the same machine gives the same weights.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

# tensorflow reads these when it is imported: only errors, and no note on rounding orders.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from data.splits import Split
from data.windows import Index, Windows
from forecaster.networks.build import build_network
from forecaster.spec import ModelSpec, TrainSpec

_PREDICT_BATCH: Final = 1024


@dataclass(frozen=True, slots=True)
class Epoch:
    """How training stands after an epoch."""

    number: int
    of: int
    loss: float
    validation_loss: float
    windows_per_second: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network: a `keras.Model` with its best weights, and the curve that led there."""

    network: Any
    history: tuple[Epoch, ...]
    best_epoch: int
    seconds: float


def train(
    windows: Windows,
    split: Split,
    spec: ModelSpec,
    training: TrainSpec,
    progress: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Fit a network on the training windows, stopping early on the validation windows.

    The change head is trained on the pinball loss over its quantiles, the level head on the squared error, as in
    the tutorials.

    Args:
        windows: all windows; those of the split have known targets.
        split: which are for training and for validation. The test windows are not looked at.
        spec: the network.
        training: how to fit it.
        progress: called after each epoch.
    """
    keras.utils.set_random_seed(training.seed)
    tf.config.experimental.enable_op_determinism()
    network = build_network(spec)
    network.compile(
        optimizer=keras.optimizers.Adam(training.learning_rate, clipnorm=training.clip_norm),
        loss="mse" if spec.target == "level" else pinball(spec.quantiles),
        jit_compile=False,  # measured: no faster on a CPU, and Keras' cuDNN kernels exclude it on a GPU
    )
    watch = _Watch(training.epochs, len(split.train), progress)
    stop = keras.callbacks.EarlyStopping(patience=training.patience, restore_best_weights=True)
    began = time.perf_counter()
    network.fit(
        _Batches(windows, split.train, training.batch, training.seed),
        validation_data=_Batches(windows, split.validation, _PREDICT_BATCH, None),
        epochs=training.epochs,
        shuffle=False,  # the batches shuffle their windows themselves, from the seed
        callbacks=[stop, watch],
        verbose=0,
    )
    return Trained(network, tuple(watch.history), stop.best_epoch + 1, time.perf_counter() - began)


def pinball(levels: tuple[float, ...]) -> Callable[[Any, Any], Any]:
    """The mean pinball loss over quantile levels (Koenker & Bassett 1978).

    Args:
        levels: `(q,)` probabilities.

    Returns:
        A loss of targets `(n, horizon)` and quantiles `(n, horizon, q)`.
    """
    tau = np.asarray(levels, dtype=np.float32)

    def loss(actual: Any, quantiles: Any) -> Any:
        error = ops.expand_dims(actual, -1) - quantiles  # (n, horizon, q)
        return ops.mean(ops.maximum(tau * error, (tau - 1) * error), axis=(-2, -1))

    return loss


def raw_outputs(network: Any, windows: Windows) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What the Keras network itself gives, `(n, horizon, outputs)`: the reference for the export's parity."""
    return np.concatenate(
        [
            np.asarray(network(windows.inputs(rows), training=False))
            for rows in np.array_split(np.arange(len(windows)), max(1, len(windows) // _PREDICT_BATCH))
        ]
    )


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Windows of an index, scaled a batch at a time; shuffled anew each epoch where a seed is given."""

    def __init__(self, windows: Windows, index: Index, batch: int, seed: int | None) -> None:
        super().__init__()
        self._windows, self._batch = windows, batch
        self._order = index.copy()
        self._random = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch)

    def __getitem__(self, position: int) -> tuple[Any, Any]:
        rows = self._order[position * self._batch : (position + 1) * self._batch]
        return self._windows.inputs(rows), self._windows.y[rows]

    def on_epoch_end(self) -> None:
        if self._random is not None:
            self._random.shuffle(self._order)


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    def __init__(self, epochs: int, windows: int, progress: Callable[[Epoch], None]) -> None:
        super().__init__()
        self.history: list[Epoch] = []
        self._epochs, self._windows, self._progress = epochs, windows, progress
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        seconds = time.perf_counter() - self._began
        values = logs or {}
        self.history.append(Epoch(epoch + 1, self._epochs, values["loss"], values["val_loss"], self._windows / seconds))
        self._progress(self.history[-1])
