"""The learning rate of a step."""

from __future__ import annotations

import math

from forecaster.spec import TrainSpec


def learning_rate(training: TrainSpec, step: int, steps: int, plateaus: int) -> float:
    """Adam's rate for a step.

    The cosine is that of Loshchilov & Hutter 2017 without restarts, from the end of the warm-up to the last step.

    Args:
        training: the schedule.
        step: which one it is, from 0, over all epochs.
        steps: of one epoch.
        plateaus: how often the validation loss has stood still until now.
    """
    rate = training.learning_rate
    rising = training.warmup * steps
    if step < rising:
        return rate * (step + 1) / (rising + 1)
    if training.schedule == "plateau":
        return float(rate * 0.5**plateaus)
    if training.schedule == "cosine":
        left = max(training.epochs * steps - rising, 1)
        return rate * (1 + math.cos(math.pi * min((step - rising) / left, 1))) / 2
    return rate
