"""All kinds of work in turns, each killed some times before it is let be."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from benchmarks.killing.aims import Aim
from benchmarks.killing.command import Ended, Reach, run
from benchmarks.killing.fetching import Fetch, acknowledged, fetching
from benchmarks.killing.known import Known
from benchmarks.killing.nursery import Nursery
from benchmarks.killing.place import Place
from benchmarks.killing.promises import broken
from benchmarks.killing.promoting import Promote
from benchmarks.killing.publishing import Pass, Publish
from benchmarks.killing.registering import Register
from benchmarks.killing.training import Train
from benchmarks.killing.work import Kind, Work

KINDS: Final[Mapping[str, tuple[Kind, ...]]] = {
    "fetch": (Fetch,),
    "train": (Train,),
    "register": (Register,),
    "promote": (Promote,),
    "publish": (Publish, Pass, Publish),
}

# Of so many kills, how many each kind has.
SHARES: Final[Mapping[str, int]] = {"fetch": 60, "train": 15, "register": 45, "promote": 45, "publish": 35}

# A command is killed at most so often before it is let be; those that take long more often.
_MOST: Final[Mapping[str, int]] = {"fetch": 7, "train": 7, "register": 6, "promote": 6, "publish": 7}

# Of the commands that could be forked this part is started from nothing all the same.
_STARTED: Final = 0.1

# A command that nothing disturbs has so many tries: one should do.
_TRIES: Final = 3


@dataclass(slots=True)
class Tally:
    """What became of one kind of work.

    Attributes:
        kills: how many.
        works: pieces of work that were brought to an end.
        spared: commands that ended before the moment at which they were to be killed.
        over: works that were killed when all was done, so that nothing was left to do.
        spots, reached: the kills by spot, and by who was killed.
        seconds: that commands had run when they were killed, and that the last ones of each work took.
    """

    kills: int = 0
    works: int = 0
    spared: int = 0
    over: int = 0
    spots: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    seconds: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))


@dataclass(slots=True)
class Trials:
    """Kills in one home.

    Attributes:
        place, known: where, and what was acknowledged there.
        nursery: where commands are forked.
        chance: of all that is drawn.
        advance: called after each kill.
        tallies: by kind.
        violations: each promise that did not hold, once, with the work at which that was seen first.
    """

    place: Place
    known: Known
    nursery: Nursery
    chance: random.Random
    advance: Callable[[str], None]
    tallies: dict[str, Tally] = field(default_factory=dict)
    violations: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Prices, a version that serves, and one that could."""
        place, known = self.place, self.known
        known.asked = place.at
        for command in (fetching(place), place.command("train", "--spec", "spec.toml", "--json")):
            ended = run(command, place.environment(), place.home, None)
            if ended.code:
                raise SystemExit(f"{' '.join(command)} failed:\n{ended.err}")
            if command[3] == "fetch":
                acknowledged(place, known, ended)
        known.versions["1"] = next(iter((place.home / "registry" / "models").iterdir())).name
        known.champions = ["1"]
        another = Register(place, known, self.chance)
        self._note("the beginning", another.done(run(another.command(), place.environment(), place.home, None)))
        self._note("the beginning", broken(place, known, settled=True))

    def go(self, shares: Mapping[str, int]) -> None:
        """So many kills of each kind."""
        left = {kind: count for kind, count in shares.items() if count}
        self.tallies = {kind: Tally() for kind in left}
        while left:
            (kind,) = self.chance.choices(list(left), [left[one] for one in left])
            tally = self.tallies[kind]
            begins = KINDS[kind][tally.works % len(KINDS[kind])]
            left[kind] -= self._worked(kind, begins(self.place, self.known, self.chance), left[kind])
            if left[kind] <= 0:
                del left[kind]

    def _worked(self, kind: str, work: Work, most: int) -> int:
        """One piece of work, to its end; how many kills it took."""
        tally, killed, ended = self.tallies[kind], 0, None
        label = f"{type(work).__name__.lower()} {tally.works + 1}"
        for _ in range(min(self.chance.randint(1, _MOST[kind]), most)):
            aim, reach = work.aim(self.chance), self.chance.choice(work.reaches)
            ended = self._run(work, aim, reach)
            if not ended.killed:
                tally.spared += 1
                break
            killed += 1
            tally.kills += 1
            tally.spots[aim.spot] += 1
            tally.reached[reach] += 1
            tally.seconds[0].append(ended.seconds)
            self.advance(f"{kind}: {aim.spot}")
            where = f"{label}, killed at {aim.spot}"
            self._note(where, [f"{kind}: {one} outlived its command" for one in ended.outlived])
            self._note(where, broken(self.place, self.known, settled=False))
            if ended.code == 0:
                break
            if work.is_done():
                tally.over += 1
                tally.works += 1
                self._note(label, work.done(None))
                return killed
            ended = None
        for _ in range(_TRIES):
            if ended is None:
                ended = self._run(work, None)
            if ended.code == 0:
                break
            said = (ended.err + ended.out)[-600:]
            self._note(label, [f"{kind}: with nothing to disturb it, it ended with code {ended.code}: {said}"])
            ended = None
        if ended is None:
            raise SystemExit(f"{label} does not come to an end: {self.violations}")
        tally.works += 1
        tally.seconds[1].append(ended.seconds)
        self._note(label, work.done(ended))
        self._note(label, broken(self.place, self.known, settled=True))
        return killed

    def _run(self, work: Work, aim: Aim | None, reach: Reach = Reach.GROUP) -> Ended:
        nursery = self.nursery if work.forked and self.chance.random() >= _STARTED else None
        return run(work.command(), self.place.environment(), self.place.home, aim, reach, nursery)

    def _note(self, where: str, found: list[str]) -> None:
        for one in found:
            self.violations.setdefault(one, where)
