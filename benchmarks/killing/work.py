"""A command that is given until it is done, and what it is to come to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol

from benchmarks.killing.aims import Aim
from benchmarks.killing.command import Ended, Reach
from benchmarks.killing.known import Known
from benchmarks.killing.place import Place


class Work(Protocol):
    """One piece of work.

    Attributes:
        reaches: who may be killed.
        forked: whether most of its commands may be forked, which saves importing; none that loads tensorflow may.
    """

    reaches: Sequence[Reach]
    forked: bool

    def command(self) -> Sequence[str]:
        """What to give, now that it stands where it stands."""
        ...

    def aim(self, chance: random.Random) -> Aim:
        """When to kill it."""
        ...

    def is_done(self) -> bool:
        """Whether a killed command has done all, so that given again it would begin something new."""
        ...

    def done(self, ended: Ended | None) -> list[str]:
        """Take down what was acknowledged.

        Args:
            ended: how the command ended; None where it was killed when all was done.

        Returns:
            What is not as it should be.
        """
        ...


class Kind(Protocol):
    """Begins pieces of work of a kind."""

    def __call__(self, place: Place, known: Known, chance: random.Random) -> Work:
        """The next one."""
        ...
