"""Something that carries a schema, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Literal

from data.errors import DataError
from forecaster.errors import ForecasterError

Kind = Literal["prices", "ledger", "bundle", "decisions", "passes"]

NEWER_TEXT: Final = "a newer version of this program has written it: install that one, or a newer one"


class State(StrEnum):
    """How something stands to this version of the program."""

    CURRENT = "current"
    OLDER = "older"
    MIGRATED = "migrated"
    NEWER = "newer"
    UNREADABLE = "unreadable"
    FAILED = "failed"


# What stays so whatever the command does.
BROKEN: Final = frozenset({State.NEWER, State.UNREADABLE, State.FAILED})


@dataclass(frozen=True, slots=True)
class Artefact:
    """One of them.

    Attributes:
        kind, name: what it is, and which.
        place: where it lies.
        schema: which it has; None where that cannot be read.
        supported: which this program writes.
        state: how it stands.
        text: what would be done, was done, or is wrong.
        migrate: does it, and says what was done; None where there is nothing to do.
    """

    kind: Kind
    name: str
    place: str
    schema: int | None
    supported: int
    state: State
    text: str = ""
    migrate: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    def done(self) -> Artefact:
        """The same when it is migrated, or why it could not be."""
        if self.migrate is None:
            return self
        try:
            return replace(self, state=State.MIGRATED, text=self.migrate(), migrate=None)
        except (DataError, ForecasterError, OSError) as error:
            return replace(self, state=State.FAILED, text=str(error), migrate=None)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "place": self.place,
            "schema": self.schema,
            "supported": self.supported,
            "state": str(self.state),
            "text": self.text,
        }
