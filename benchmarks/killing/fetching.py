"""Prices of new sessions: `forecaster fetch`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Final

from benchmarks.killing.aims import Aim, anywhere, appears
from benchmarks.killing.command import Ended, Reach
from benchmarks.killing.known import Known
from benchmarks.killing.place import Place

_MOST_SESSIONS: Final = 6
_SECONDS: Final = 1.5
_TABLES: Final = ("bars", "coverage", "calendar", "listings")


class Fetch:
    """A few sessions more."""

    reaches: Sequence[Reach] = (Reach.GROUP,)
    forked = True

    def __init__(self, place: Place, known: Known, chance: random.Random) -> None:
        """Lets the vendor have them."""
        self._place, self._known = place, known
        place.show(place.at + chance.randint(1, _MOST_SESSIONS))
        known.asked = place.at

    def command(self) -> list[str]:
        """See `Work`."""
        return fetching(self._place)

    def aim(self, chance: random.Random) -> Aim:
        """See `Work`: anywhere, or while a table is written."""
        prices, later = self._place.home / "prices", chance.uniform(0, 0.03)
        kind = chance.randrange(5)
        if kind == 0:
            return anywhere(chance.uniform(0, _SECONDS))
        if kind == 1:
            return appears("a file of bars", prices, "bars/*/part-*", chance.uniform(0, 0.01))
        table = chance.choice(_TABLES) if kind == 2 else "bars"
        if kind == 3:
            return appears("the bars' commit", prices, "bars/_delta_log/*.json", later)
        return appears(f"a commit of {table}", prices, f"{table}/_delta_log/*.json", later)

    def is_done(self) -> bool:
        """See `Work`: it can always be given again."""
        return False

    def done(self, ended: Ended | None) -> list[str]:
        """See `Work`."""
        assert ended is not None
        return acknowledged(self._place, self._known, ended)


def fetching(place: Place) -> list[str]:
    """The command for all that the vendor has."""
    first, end = f"{place.sessions[0]}", f"{place.sessions[place.at]}"
    more = ["--universe", "all", "--start", first]
    return place.command("fetch", "--provider", "tushare", *more, "--end", end, "--wait", "30", "--json")


def acknowledged(place: Place, known: Known, ended: Ended) -> list[str]:
    """Take down that the bars are stored."""
    told = json.loads(ended.out)
    if told["missing"] or told["error"]:
        return [f"fetch: it says that something is missing: {told['missing']} {told['error']}"]
    known.through = known.asked = place.at
    return []
