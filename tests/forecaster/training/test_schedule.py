from __future__ import annotations

from dataclasses import replace

import pytest

from forecaster.spec import TrainSpec
from forecaster.training.schedule import learning_rate

TRAINING = TrainSpec(learning_rate=0.1, epochs=10)


def test_a_constant_rate() -> None:
    assert {learning_rate(TRAINING, step, 8, 3) for step in (0, 1, 79, 200)} == {0.1}


def test_the_rate_rises_through_the_warm_up() -> None:
    # Half an epoch of 8 steps: after four steps, the fifth has the whole rate.
    found = [learning_rate(replace(TRAINING, warmup=0.5), step, 8, 0) for step in range(6)]
    assert found == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.1])


def test_the_cosine_falls_from_the_whole_rate_to_nothing() -> None:
    cosine = replace(TRAINING, schedule="cosine")
    found = [learning_rate(cosine, step, 8, 0) for step in (0, 20, 40, 60, 80, 90)]
    # (1 + cos of 0, 45, 90, 135 and 180 degrees) / 2, and no further.
    assert found == pytest.approx([0.1, 0.0853553, 0.05, 0.0146447, 0.0, 0.0], abs=1e-7)


def test_the_cosine_begins_after_the_warm_up() -> None:
    cosine = replace(TRAINING, schedule="cosine", warmup=2)
    found = [learning_rate(cosine, step, 8, 0) for step in (15, 16, 48, 80)]
    assert found == pytest.approx([0.1 * 16 / 17, 0.1, 0.05, 0.0], abs=1e-7)


def test_a_plateau_halves_the_rate() -> None:
    plateau = replace(TRAINING, schedule="plateau")
    assert [learning_rate(plateau, 30, 8, count) for count in range(4)] == pytest.approx([0.1, 0.05, 0.025, 0.0125])
