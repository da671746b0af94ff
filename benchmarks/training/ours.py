"""What `forecaster train` does for each batch, some windows at a time."""

from __future__ import annotations

import sys

from prices import random_panel
from turns import take_turns

from forecaster.experiment import windows_and_split
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.training.batches import Batches
from forecaster.training.device import find_device
from forecaster.training.learner import Learner
from forecaster.training.order import shuffled

SPEC = ModelSpec(units=(64, 64), lookback=60, features=("open", "high", "low", "close", "volume"), dropout=0.0)
TRAINING = TrainSpec(batch=256)


def main() -> None:
    windows, split = windows_and_split(random_panel(20, 1500, SPEC.features), SPEC, TRAINING)
    batches = Batches(windows, split.train[: int(sys.argv[1])], TRAINING.batch)
    learner = Learner(SPEC, TRAINING, find_device())
    epoch = 0

    def work() -> None:
        nonlocal epoch
        for place, batch in enumerate(batches.ahead(shuffled(len(batches.index), TRAINING.seed, epoch))):
            learner.learn(*batch, step=epoch * len(batches) + place, rate=TRAINING.learning_rate)
        epoch += 1

    take_turns(work)


if __name__ == "__main__":
    main()
