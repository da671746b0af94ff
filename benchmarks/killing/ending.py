"""What nobody goes on with is listed, and what is left is cleaned away when it is old, without anything that counts."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.killing import disk
from benchmarks.killing.aims import appears, commits, step_runs
from benchmarks.killing.command import run
from benchmarks.killing.place import NAME, Place
from benchmarks.killing.promises import broken
from benchmarks.killing.publishing import Pass
from benchmarks.killing.registering import Register
from benchmarks.killing.training import Train
from benchmarks.killing.trials import Trials

# Older than what a clean with one day's patience keeps.
_OLD_SECONDS: Final = 3 * 86_400.0


def given_up(trials: Trials) -> None:
    """A training, a registration and a pass that are killed and never given again."""
    place, given = trials.place, (trials.place, trials.known, trials.chance)
    due = place.home / "passes" / NAME / f"{place.sessions[place.at + 1]}.json"
    for work, aim in (
        (Train(*given), appears("a checkpoint", place.home, "training/*/state", 0.2)),
        (Register(*given), commits(place.database, 2, 0.0)),
        (Pass(*given), step_runs(due, "fetch", 0.0)),
    ):
        run(work.command(), place.environment(), place.home, aim)


def unlisted(place: Place) -> list[str]:
    """What has not ended, and what no command tells of."""
    held = disk.registered(place.database)
    running = {run for run, state in held.states.items() if state == "RUNNING"}
    told = run(place.command("doctor", "--json"), place.environment(datetime.now(UTC)), place.home, None)
    lines = [one["text"] for one in json.loads(told.out) if one["what"] == "run"]
    found = [f"doctor: run {one} has not ended, and is not listed" for one in running if one not in " ".join(lines)]
    listed = run(place.command("models", "list", "--json"), place.environment(), place.home, None)
    shown = {one["version"]: one["run_id"] for one in json.loads(listed.out)}
    if shown != held.runs:
        found.append(f"models list: it shows {shown}, and there are {held.runs}")
    told = run(place.command("retrain", "--list", "--json"), place.environment(), place.home, None)
    passes = {one["key"]: one["interrupted"] for one in json.loads(told.out)}
    records = [json.loads(one.read_bytes()) for one in (place.home / "passes" / NAME).glob("[0-9]*.json")]
    return found + [
        f"retrain --list: the pass of {one['key']} was interrupted, and is not listed as such"
        for one in records
        if one["state"] == "running" and not passes.get(one["key"])
    ]


def uncleaned(trials: Trials) -> tuple[int, list[str]]:
    """How much was left by all kills, and what is wrong after it has grown old and was cleaned away."""
    place = trials.place
    before = disk.left(place.home, place.temp)
    old = time.time() - _OLD_SECONDS
    for file in [*place.home.rglob("*"), *place.temp.rglob("*")]:
        if file != place.database:
            os.utime(file, (old, old))
    environment = {**place.environment(datetime.now(UTC) + timedelta(days=2)), "FORECASTER_RETRAIN__KEEP_DAYS": "1"}
    ended = run([sys.executable, "-m", "benchmarks.killing.cleans"], environment, place.home, None)
    if ended.code:
        return len(before), [f"clean: it ended with code {ended.code}: {ended.err[-600:]}"]
    found = [f"clean: {one} is still there" for one in disk.left(place.home, place.temp)]
    states = disk.registered(place.database).states
    found += [f"clean: run {one} has not ended" for one, state in states.items() if state == "RUNNING"]
    # Ending runs is a write, so that the note is no longer up to date; it may not say anything wrong.
    return len(before), found + broken(place, replace(trials.known), settled=False)
