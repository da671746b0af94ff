"""What a year has shown of one promise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """One promise.

    Attributes:
        promise: in words.
        figures: what was counted.
        broken: every case in which it does not hold.
    """

    promise: str
    figures: str
    broken: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether it holds in every case."""
        return not self.broken
