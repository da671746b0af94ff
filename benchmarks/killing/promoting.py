"""Another champion, or the one before: `forecaster models promote` and `rollback`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Final

from benchmarks.killing import disk
from benchmarks.killing.aims import Aim, anywhere, appears, commits
from benchmarks.killing.command import Ended, Reach
from benchmarks.killing.known import Known
from benchmarks.killing.place import NAME, Place

_SECONDS: Final = 0.8
_NEWEST: Final = 6


class Promote:
    """One of the newest versions, or back to the champion before."""

    reaches: Sequence[Reach] = (Reach.GROUP,)
    forked = True

    def __init__(self, place: Place, known: Known, chance: random.Random) -> None:
        """Moves nothing yet."""
        self._place, self._known = place, known
        champions = known.champions
        others = [one for one in sorted(disk.registered(place.database).runs, key=int) if one != champions[-1]]
        self._back = len(champions) > 1 and (chance.random() < 0.5 or not others)
        if self._back:
            self._to, self._then = champions[-2], champions[:-1]
        else:
            self._to = chance.choice(others[-_NEWEST:])
            self._then = [*(one for one in champions if one != self._to), self._to]
        self._from = champions[-1]
        known.moving = {self._to}

    def command(self) -> list[str]:
        """See `Work`."""
        if self._back:
            return self._place.command("models", "rollback", "--json")
        why = ("--force", "--why", "trial of kills")
        return self._place.command("models", "promote", self._to, *why, "--json")

    def aim(self, chance: random.Random) -> Aim:
        """See `Work`: between two writes to the registry, at the note, or anywhere."""
        soon, registry = chance.uniform(0, 0.02), self._place.home / "registry"
        return chance.choice(
            [
                lambda: anywhere(chance.uniform(0, _SECONDS)),
                *[lambda: commits(self._place.database, chance.randint(1, 3), soon)] * 4,
                lambda: appears("the note's draft", registry, f"{NAME}.serves.json.*", 0),
            ]
        )()

    def is_done(self) -> bool:
        """See `Work`: of a rollback, since one more goes back once more."""
        held = disk.registered(self._place.database)
        gone = "rolled_back" in held.tags[self._from]
        return self._back and gone and held.aliases["champion"] == self._to and list(held.champions) == self._then

    def done(self, ended: Ended | None) -> list[str]:
        """See `Work`."""
        self._known.champions, self._known.moving = self._then, set()
        held = disk.registered(self._place.database)
        found = []
        if ended is None:
            # What was moved shows in the list of versions; whoever asks for the champion next notes it.
            return []
        if json.loads(ended.out)["champion"] != self._to:
            found.append(f"promote: it told {ended.out}, and version {self._to} was to serve")
        note = disk.noted(self._place.home)
        if note is None or (note["version"], note["run_id"]) != (self._to, held.runs[self._to]):
            found.append(f"promote: version {self._to} serves, and the note says {note}")
        if self._back and "rolled_back" not in held.tags[self._from]:
            found.append(f"rollback: version {self._from} is not marked as gone back from")
        if "rolled_back" in held.tags[self._to] and not self._back:
            found.append(f"promote: version {self._to} serves and is marked as gone back from")
        return found
