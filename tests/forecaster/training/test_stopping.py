from __future__ import annotations

import math

import pytest

from forecaster.training.stopping import Stopping


def fed(patience: int, losses: list[float]) -> tuple[Stopping, list[bool]]:
    stopping = Stopping(patience)
    return stopping, [stopping.after(number, loss) for number, loss in enumerate(losses, 1)]


def test_the_best_epoch_is_the_first_of_the_lowest_loss() -> None:
    stopping, better = fed(9, [3.0, 2.0, 2.5, 1.0, 1.0, 1.5])
    assert better == [True, True, False, True, False, False]
    assert (stopping.best, stopping.best_epoch, stopping.waited) == (1.0, 4, 2)


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_it_is_enough_after_as_many_epochs_without_a_better_loss(patience: int) -> None:
    losses = [2.0, 1.0, *([1.0] * patience)]
    assert not fed(patience, losses[:-1])[0].enough
    assert fed(patience, losses)[0].enough


def test_a_plateau_is_half_of_the_patience() -> None:
    found = [fed(5, [2.0, 3.0, 3.0, 3.0, 3.0, 1.0, 4.0, 4.0][:count])[0].plateaus for count in range(1, 9)]
    # Two epochs each: the third and the fifth, and two after the better one.
    assert found == [0, 0, 1, 1, 2, 2, 2, 3]


def test_what_is_no_number_is_never_better() -> None:
    stopping, better = fed(3, [math.nan, 1.0, math.nan])
    assert better == [False, True, False]
    assert stopping.best == 1.0


def test_without_patience_the_last_epoch_is_the_best() -> None:
    stopping, better = fed(0, [2.0, 1.0, 3.0, 4.0])
    assert better == [True] * 4
    assert (stopping.best, stopping.best_epoch, stopping.enough) == (4.0, 4, False)
