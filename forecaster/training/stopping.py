"""When training has had enough, judged by the validation loss."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Stopping:
    """Where early stopping stands.

    Attributes:
        patience: epochs without a better loss that it waits; 0 never stops, and takes each epoch for the best so far.
        best: the loss of the best epoch.
        best_epoch: which that is, from 1; 0 before the first.
        waited: epochs since.
        plateaus: how often half of the patience passed without a better loss.
    """

    patience: int
    best: float = math.inf
    best_epoch: int = 0
    waited: int = 0
    plateaus: int = 0

    @property
    def enough(self) -> bool:
        """Whether to stop."""
        return 0 < self.patience <= self.waited

    def after(self, epoch: int, loss: float) -> bool:
        """Take an epoch's loss into account; returns whether it is the best so far."""
        better = loss < self.best
        if better or not self.patience:
            self.best, self.best_epoch = loss, epoch
        if better:
            self.waited = 0
            return True
        self.waited += 1
        if self.waited % max(1, self.patience // 2) == 0:
            self.plateaus += 1
        return not self.patience
