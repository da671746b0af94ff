"""One more version, of a bundle that is there."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.killing import disk
from benchmarks.killing.aims import Aim, anywhere, appears, commits
from benchmarks.killing.command import Ended, Reach
from benchmarks.killing.known import Known
from benchmarks.killing.place import Place

_SECONDS: Final = 0.8


class Register:
    """The champion's bundle once more."""

    reaches: Sequence[Reach] = (Reach.GROUP,)
    forked = True

    def __init__(self, place: Place, known: Known, chance: random.Random) -> None:
        """Begins nothing yet."""
        self._place, self._known = place, known
        orders = place.home.parent / "orders"
        orders.mkdir(exist_ok=True)
        self._order = orders / f"{chance.getrandbits(64):016x}"
        self._bundle = self._champions()

    def command(self) -> list[str]:
        """See `Work`."""
        return [sys.executable, "-m", "benchmarks.killing.registers", str(self._order), str(self._bundle)]

    def aim(self, chance: random.Random) -> Aim:
        """See `Work`: between two writes to the registry, over the bundle, or anywhere."""
        home, soon = self._place.home, chance.uniform(0, 0.03)
        return chance.choice(
            [
                lambda: anywhere(chance.uniform(0, _SECONDS)),
                lambda: commits(self._place.database, chance.randint(1, 5), soon),
                lambda: commits(self._place.database, chance.randint(1, 5), soon),
                lambda: appears("the copy of the bundle", home, "registry/models/*/artifacts/bundle", soon / 5),
                lambda: appears("the last file", home, "registry/models/*/artifacts/bundle/model.onnx", 4 * soon),
            ]
        )()

    def is_done(self) -> bool:
        """See `Work`: it can always be given again."""
        return False

    def done(self, ended: Ended | None) -> list[str]:
        """See `Work`."""
        assert ended is not None
        told = json.loads(ended.out)
        held = disk.registered(self._place.database)
        version, run = told["version"], told["run"]
        self._known.versions[version] = run
        if held.with_tag("order", self._order.name) != [version]:
            return [f"register: the order has the versions {held.with_tag('order', self._order.name)}, told {version}"]
        if held.states[run] != "FINISHED":
            return [f"register: the run of version {version} is {held.states[run]}"]
        return []

    def _champions(self) -> Path:
        held = disk.registered(self._place.database)
        return disk.bundle(self._place.home, held.runs[held.aliases["champion"]])
