"""One more version, trained: `forecaster train`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Final

from benchmarks.killing import disk
from benchmarks.killing.aims import Aim, anywhere, appears, commits
from benchmarks.killing.command import Ended, Reach
from benchmarks.killing.known import Known
from benchmarks.killing.place import Place

_SECONDS: Final = 12.0


class Train:
    """A version of a seed of its own."""

    reaches: Sequence[Reach] = (Reach.GROUP,)
    forked = False

    def __init__(self, place: Place, known: Known, chance: random.Random) -> None:
        """Begins nothing yet."""
        self._place, self._known = place, known
        self._seed = chance.randrange(1 << 30)
        self._before = set(disk.registered(place.database).runs)

    def command(self) -> list[str]:
        """See `Work`."""
        return self._place.command("train", "--spec", "spec.toml", "--seed", f"{self._seed}", "--json")

    def aim(self, chance: random.Random) -> Aim:
        """See `Work`: anywhere, between two writes to the registry, at a checkpoint, or over the bundle."""
        home, soon = self._place.home, chance.uniform(0, 0.05)
        return chance.choice(
            [
                lambda: anywhere(chance.uniform(1, _SECONDS)),
                lambda: commits(self._place.database, chance.randint(1, 16), soon),
                lambda: appears("a checkpoint", home, "training/*/state", chance.uniform(0, 3)),
                lambda: appears("the bundle's draft", home, "training/*/draft-*/*", chance.uniform(0, 0.3)),
                lambda: appears("the copy of the bundle", home, "registry/models/*/artifacts/bundle", soon),
                lambda: appears("the last file", home, "registry/models/*/artifacts/bundle/model.onnx", 2 * soon),
            ]
        )()

    def is_done(self) -> bool:
        """See `Work`: the version is there, its run has ended, and its checkpoint has gone."""
        made = self._made()
        held = disk.registered(self._place.database)
        ended = all(held.states[held.runs[one]] == "FINISHED" for one in made)
        return bool(made) and ended and not list((self._place.home / "training").glob("*/state"))

    def done(self, ended: Ended | None) -> list[str]:
        """See `Work`."""
        made = self._made()
        held = disk.registered(self._place.database)
        if len(made) != 1:
            return [f"train: seed {self._seed} came to the versions {sorted(made)}"]
        (version,) = made
        if ended is None:
            return []
        told = json.loads(ended.out)
        self._known.versions[version] = held.runs[version]
        found = []
        if told["version"] != version:
            found.append(f"train: it told version {told['version']}, and {version} is there")
        if held.aliases.get(told["alias"]) != version:
            found.append(f"train: version {version} is not the {told['alias']} that it was told to be")
        if held.states[held.runs[version]] != "FINISHED":
            found.append(f"train: the run of version {version} is {held.states[held.runs[version]]}")
        return found + [
            f"train: {one} is left" for one in disk.left(self._place.home, self._place.temp) if "training/" in one
        ]

    def _made(self) -> set[str]:
        return set(disk.registered(self._place.database).runs) - self._before
