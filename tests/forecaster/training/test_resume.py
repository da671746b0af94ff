from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.windows import Windows
from forecaster.errors import CorruptCheckpoint
from forecaster.training import Checkpoint, Epoch, State, Trained, Within, train
from forecaster.training.learner import Learner
from tests.forecaster.training_sets import LONGER, SPEC, random_walks, split_of, weights_hash, windows_of

REPOSITORY = Path(__file__).parents[3]
KEY = "ab" * 32
SHORT = replace(LONGER, epochs=4, batch=32)


class Killed(Exception):
    """Stands for what ends a process."""


@pytest.fixture(scope="module")
def windows() -> Windows:
    return windows_of(random_walks())


def curve(trained: Trained) -> list[tuple[float, float, float]]:
    return [(epoch.loss, epoch.validation_loss, epoch.learning_rate) for epoch in trained.history]


def test_a_training_in_pieces_is_the_training_in_one_go(
    windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = split_of(windows)
    whole = train(windows, split, SPEC, SHORT)
    steps = -(-len(split.train) // SHORT.batch)
    taken, last = 0, 0
    learn = Learner.learn

    def counted(self: Learner, *args: np.ndarray, step: int, rate: float) -> float:
        nonlocal taken
        if taken == last:
            raise Killed
        taken += 1
        return learn(self, *args, step=step, rate=rate)

    monkeypatch.setattr(Learner, "learn", counted)
    # In the middle of the first epoch, at its end, just after, and in a later one.
    for limit in (5, steps, steps + 1, 2 * steps + 7):
        last = limit
        with Checkpoint(tmp_path, KEY, every=0) as checkpoint, pytest.raises(Killed):
            train(windows, split, SPEC, SHORT, checkpoint=checkpoint)
    last = SHORT.epochs * steps + 1
    seen: list[Epoch] = []
    with Checkpoint(tmp_path, KEY, every=0) as checkpoint:
        pieced = train(windows, split, SPEC, SHORT, seen.append, checkpoint=checkpoint)
    assert taken == SHORT.epochs * steps  # no step was taken twice, and none left out
    assert weights_hash(pieced.network) == weights_hash(whole.network)
    assert curve(pieced) == curve(whole)
    assert (pieced.best_epoch, tuple(seen)) == (whole.best_epoch, pieced.history)


def test_a_training_that_is_done_is_not_done_again(windows: Windows, tmp_path: Path) -> None:
    split, moments = split_of(windows), list[Within]()
    with Checkpoint(tmp_path, KEY) as checkpoint:
        first = train(windows, split, SPEC, SHORT, checkpoint=checkpoint)
        again = train(windows, split, SPEC, SHORT, checkpoint=checkpoint, within=moments.append)
    assert (weights_hash(again.network), again.history, again.seconds) == (
        weights_hash(first.network),
        first.history,
        first.seconds,
    )
    assert moments == []


def test_what_does_not_fit_the_network_is_refused_before_anything_is_taken_over(
    windows: Windows, tmp_path: Path
) -> None:
    with Checkpoint(tmp_path, KEY) as checkpoint:
        train(windows, split_of(windows), SPEC, SHORT, checkpoint=checkpoint)
        saved = checkpoint.read()
        assert saved is not None
        checkpoint.write(State(saved.facts, {**saved.arrays, "memory3": np.zeros((2, 2), dtype="f")}))
        with pytest.raises(CorruptCheckpoint, match="has no memory of this network; nothing of it was loaded"):
            train(windows, split_of(windows), SPEC, SHORT, checkpoint=checkpoint)


def test_a_training_that_is_killed_at_any_moment_ends_with_the_same_weights(windows: Windows, tmp_path: Path) -> None:
    expected = weights_hash(train(windows, split_of(windows), SPEC, LONGER).network)
    command = [sys.executable, "-m", "tests.forecaster.training_sets", str(LONGER.seed), str(tmp_path)]
    moment = random.Random(1)
    kills = 0
    while True:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if kills < 2:
            _wait_for_a_new_checkpoint(process, tmp_path)
            time.sleep(moment.uniform(0, 0.3))
            if process.poll() is None:
                process.kill()
                kills += 1
        out, err = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -9, err
    assert kills == 2
    assert out == expected


def _wait_for_a_new_checkpoint(process: subprocess.Popen[str], folder: Path) -> None:
    began = time.time()
    while process.poll() is None:
        if any(state.stat().st_mtime > began for state in folder.glob("*/state")):
            return
        time.sleep(0.01)
