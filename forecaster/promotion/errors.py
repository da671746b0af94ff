"""Why a version may not serve.

::

    PromotionError
    ├── NotWeighed       nobody has compared it with what serves
    ├── GateRefuses      it was compared, and did not pass
    └── CorruptDecision  what was decided cannot be read
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from forecaster.errors import ForecasterError


class PromotionError(ForecasterError):
    """Base of errors about promotions."""


class NotWeighed(PromotionError):
    """Nobody has compared a version with the one that serves, which is None where none does."""

    def __init__(self, name: str, version: str, champion: str | None) -> None:
        self.name = name
        self.version = version
        self.champion = champion
        beside = "while no version serves" if champion is None else f"beside version {champion}, which serves"
        super().__init__(
            f"version {version} of {name} was not weighed {beside}: `forecaster models weigh {version}` does, "
            "and so does every pass; or promote it by force, and say why"
        )


class GateRefuses(PromotionError):
    """A version was weighed, and did not pass."""

    def __init__(self, name: str, version: str, reasons: Sequence[str]) -> None:
        self.name = name
        self.version = version
        self.reasons = tuple(reasons)
        super().__init__(
            f"the gate refuses version {version} of {name}: {'; '.join(reasons)}. What serves stays; "
            "to promote it all the same, do so by force, and say why"
        )


class CorruptDecision(PromotionError):
    """A file is not a decision that this program wrote."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: expected a decision as this program writes it: {reason}; restore it or move it away")
