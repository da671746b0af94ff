"""What a run tells whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """What a run is doing now.

    Attributes:
        text: in words.
        done: how far training is, from 0 to 1.
        passing: a moment within an epoch: for a display that is drawn over, not for a log.
    """

    text: str
    done: float | None = None
    passing: bool = False
