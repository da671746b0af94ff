"""Forecasts of the next session: `forecaster publish` alone, and by a whole pass: `forecaster retrain`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.killing import disk
from benchmarks.killing.aims import Aim, anywhere, appears, commits, step_runs
from benchmarks.killing.command import Ended, Reach, run
from benchmarks.killing.fetching import acknowledged, fetching
from benchmarks.killing.known import Known
from benchmarks.killing.place import NAME, Place

_SECONDS: Final = 1.5
_WHOLE_SECONDS: Final = 12.0
_TRAINED: Final = 0.25

# About how long a step takes [s].
_STEPS: Final = {
    "fetch": 1.0,
    "check": 0.4,
    "score": 0.4,
    "decide": 0.5,
    "publish": 0.8,
    "clean": 0.8,
}
_OF_A_TRAINING: Final = {"train": 14.0, "gate": 3.0, "promote": 0.4}


class Publish:
    """The forecasts of one session more, of which the prices are there."""

    reaches: Sequence[Reach] = (Reach.GROUP,)
    forked = True

    def __init__(self, place: Place, known: Known, chance: random.Random) -> None:
        """Has the prices fetched."""
        self._place, self._known = place, known
        place.show(place.at + 1)
        known.asked = place.at
        ended = run(fetching(place), place.environment(), place.home, None)
        self._failed = [f"fetch: {ended.err[-500:]}"] if ended.code else acknowledged(place, known, ended)

    def command(self) -> list[str]:
        """See `Work`."""
        return self._place.command("publish", "--wait", "30", "--json")

    def aim(self, chance: random.Random) -> Aim:
        """See `Work`: while the ledger is written, or anywhere."""
        home = self._place.home
        return chance.choice(
            [
                lambda: anywhere(chance.uniform(0, _SECONDS)),
                lambda: appears("a file of the ledger", home, "ledger/part-*", chance.uniform(0, 0.01)),
                lambda: appears("the ledger's commit", home, "ledger/_delta_log/*.json", chance.uniform(0, 0.05)),
            ]
        )()

    def is_done(self) -> bool:
        """See `Work`: it can always be given again."""
        return False

    def done(self, ended: Ended | None) -> list[str]:
        """See `Work`."""
        assert ended is not None
        return self._failed + published(self._place, json.loads(ended.out))


class Pass:
    """A session's pass; of some, one that trains a challenger."""

    reaches: Sequence[Reach] = (Reach.GROUP, Reach.ALL, Reach.WORKER)
    forked = False

    def __init__(self, place: Place, known: Known, chance: random.Random) -> None:
        """Begins nothing yet."""
        self._place, self._known = place, known
        place.show(place.at + 1)
        known.asked = place.at
        self._key = f"{place.sessions[place.at]}"
        self._trains = chance.random() < _TRAINED
        known.passing = f"{NAME}/{self._key}"

    def command(self) -> list[str]:
        """See `Work`: a training is asked for until the record knows of it."""
        told = self._record()
        force = ["--force-train"] if self._trains and (told is None or not (told["forced"] or _trained(told))) else []
        return self._place.command("retrain", *force, "--wait", "60", "--json")

    def aim(self, chance: random.Random) -> Aim:
        """See `Work`: in a step, between what it writes and its record, or anywhere."""
        home = self._place.home
        file = home / "passes" / NAME / f"{self._key}.json"
        steps = {**_STEPS, **(_OF_A_TRAINING if self._trains else {})}
        step = chance.choice(list(steps))
        soon = chance.uniform(0, 0.05)
        near = [
            lambda: appears("the ledger's commit", home, "ledger/_delta_log/*.json", soon),
            lambda: appears("a commit of bars", home, "prices/bars/_delta_log/*.json", soon),
        ]
        if self._trains:
            near += [
                lambda: appears("a decision", home, f"decisions/{NAME}/*.json", soon),
                lambda: appears("the last file", home, "registry/models/*/artifacts/bundle/model.onnx", 2 * soon),
                lambda: commits(self._place.database, chance.randint(1, 16), soon),
            ]
        within = [lambda: step_runs(file, step, chance.uniform(0, steps[step]))] * 5
        return chance.choice([*within, *near, lambda: anywhere(chance.uniform(1, _WHOLE_SECONDS))])()

    def is_done(self) -> bool:
        """See `Work`: it can always be given again."""
        return False

    def done(self, ended: Ended | None) -> list[str]:
        """See `Work`."""
        assert ended is not None
        told, known = json.loads(ended.out), self._known
        known.through = self._place.at
        steps = {one["name"]: one for one in told["steps"]}
        found = published(self._place, steps["publish"]["evidence"])
        if told["state"] != "done" or self._record() != told:
            found.append(f"pass {self._key}: it told {told['state']}, and its record is another")
        held = disk.registered(self._place.database)
        made = held.with_tag("pass", f"{NAME}/{self._key}")
        if len(made) != self._trains:
            found.append(f"pass {self._key}: it trained the versions {made}")
        for version in made:
            known.versions[version] = held.runs[version]
            if held.states[held.runs[version]] != "FINISHED":
                found.append(f"pass {self._key}: the run of version {version} is {held.states[held.runs[version]]}")
        if self._trains and steps["promote"]["evidence"]["promoted"]:
            version = steps["promote"]["evidence"]["version"]
            known.champions = [*(one for one in known.champions if one != version), version]
        known.passing = ""
        return found

    def _record(self) -> dict[str, Any] | None:
        return disk.record(self._place.home, self._key)


def published(place: Place, told: dict[str, Any]) -> list[str]:
    """Whether what was told of a publication is so."""
    rows = disk.table(place.home / "ledger")
    assert rows is not None
    session = place.sessions[place.at + 1]
    there = int((rows["target_session"] == session).sum())
    count = len(place.market.symbols)
    if (told["published"] + told["already"], there) != (count, count):
        return [
            f"publish: {told['published']} published and {told['already']} there before were told, "
            f"and {there} of {count} are there for {session}"
        ]
    return []


def _trained(told: dict[str, Any]) -> bool:
    return bool(next(one for one in told["steps"] if one["name"] == "train")["state"] == "done")
