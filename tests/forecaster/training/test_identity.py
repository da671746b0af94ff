from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.windows import Windows
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.training import training_key
from tests.forecaster.training_sets import SPEC, TRAINING, random_walks, split_of, windows_of


def key(
    windows: Windows | None = None,
    spec: ModelSpec = SPEC,
    training: TrainSpec = TRAINING,
    start: list[np.ndarray] | None = None,
    **facts: str,
) -> str:
    windows = windows or windows_of(random_walks())
    return training_key(windows, split_of(windows), spec, training, start, **facts)


def test_the_same_training_has_the_same_name() -> None:
    assert len(key()) == 64
    assert key() == key()


def test_whatever_changes_the_weights_changes_the_name() -> None:
    changed = random_walks()
    changed["AAA"][50] *= 1.0001
    windows = windows_of(random_walks())
    keys = [
        key(),
        key(windows_of(changed)),
        key(replace(windows, y=np.nextafter(windows.y, np.float32(9)))),
        key(replace(windows, common=windows.common + np.float32(0.01))),
        key(spec=replace(SPEC, dropout=0.2)),
        key(training=replace(TRAINING, seed=8)),
        key(training=replace(TRAINING, warmup=1)),
        key(training=replace(TRAINING, validation=41)),
        key(start=[np.zeros(3, dtype="f")]),
        key(start=[np.ones(3, dtype="f")]),
        key(model="next-close"),
    ]
    assert len(set(keys)) == len(keys)
