"""What the registry says of a version. Of its own, since who only passes it on need not wait for MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

# The aliases: of the version that serves, and of the one that wants to.
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"

# The tag of a version that somebody went back from, with the time.
ROLLED_BACK: Final = "rolled_back"

# The tag of a version that was made of one with a bundle of an earlier schema: its number.
MIGRATED_FROM: Final = "migrated_from"


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version.

    Attributes:
        name: the model's name.
        version: its number, as text.
        aliases: which aliases it carries.
        created: when it was registered, in UTC.
        tags: facts in short, such as the hash of its spec.
        run_id: the MLflow run that made it.
    """

    name: str
    version: str
    aliases: tuple[str, ...]
    created: datetime
    tags: Mapping[str, str]
    run_id: str

    @property
    def rolled_back(self) -> bool:
        """Whether somebody went back from it, and nobody has promoted it since."""
        return ROLLED_BACK in self.tags
