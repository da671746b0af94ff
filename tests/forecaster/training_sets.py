"""Small windows to train on, and a program that trains on them in a process of its own."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from data.splits import Split, chronological
from data.windows import Windows
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.training import Checkpoint, train, training_key
from tests.forecaster.markets import Floats, make_bars, make_windows, walk

SPEC = ModelSpec(units=(6,), lookback=5, features=("close", "volume"), quantiles=(0.1, 0.5, 0.9), dropout=0.1)
TRAINING = TrainSpec(epochs=2, batch=32, validation=40, test=60, seed=7)
# Long enough to be killed in, and with all that a checkpoint must keep: a best epoch before the last, and plateaus.
LONGER = replace(TRAINING, epochs=8, patience=8, batch=16, learning_rate=0.02, schedule="plateau", warmup=0.5)


def random_walks() -> dict[str, Floats]:
    """Two symbols, 260 sessions."""
    return {"AAA": walk(1, 260), "BBB": walk(2, 260, start=20.0)}


def windows_of(closes: dict[str, Floats], spec: ModelSpec = SPEC) -> Windows:
    bars = make_bars(closes)
    return make_windows(bars, lookback=spec.lookback, horizon=spec.horizon, target=spec.target, features=spec.features)


def split_of(windows: Windows, training: TrainSpec = TRAINING) -> Split:
    horizon = windows.y.shape[1]
    return chronological(
        windows.origin,
        validation=training.validation,
        test=training.test,
        gap=horizon,
        outcome=windows.outcome,
    )


def weights_hash(network: Any) -> str:
    """Of every bit of every weight."""
    found = hashlib.sha256()
    for weight in network.get_weights():
        found.update(np.ascontiguousarray(weight).tobytes())
    return found.hexdigest()


def main(seed: int, checkpoints: Path | None) -> None:
    """Train, and print the hash of the weights; with checkpoints at every step, where a folder for them is given."""
    windows = windows_of(random_walks())
    split, training = split_of(windows), replace(TRAINING, seed=seed)
    if checkpoints is None:
        trained = train(windows, split, SPEC, training)
    else:
        training = replace(LONGER, seed=seed)
        with Checkpoint(checkpoints, training_key(windows, split, SPEC, training), every=0) as checkpoint:
            trained = train(windows, split, SPEC, training, checkpoint=checkpoint)
    sys.stdout.write(weights_hash(trained.network))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
