"""What has to hold at any moment, whoever was killed at whatever, and when a command is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.killing import disk
from benchmarks.killing.disk import Registered
from benchmarks.killing.known import Known
from benchmarks.killing.place import Place

_KEY = ["name", "symbol", "target_session", "step"]


def broken(place: Place, known: Known, *, settled: bool) -> list[str]:
    """The promises that do not hold.

    Args:
        place: where.
        known: what was acknowledged.
        settled: whether no command is unfinished.
    """
    known.checks += 1
    held = disk.registered(place.database)
    return [
        *_prices(place, known),
        *_versions(place, known, held, settled=settled),
        *_champion(place, known, held, settled=settled),
        *_ledger(place, known),
        *_decisions(place),
    ]


def _prices(place: Place, known: Known) -> Iterator[str]:
    stored = disk.table(place.home / "prices" / "bars")
    if stored is None:
        if known.through >= 0:
            yield "prices: the table has gone"
        return
    stored["session"] = pd.to_datetime(stored["session"]).astype("datetime64[s]")
    keys = ["symbol", "session"]
    if twice := int(stored.duplicated(keys).sum()):
        yield f"prices: {twice} bars are there twice"
    days = np.array(place.sessions, dtype="datetime64[s]")
    truth = place.truth[place.truth["session"] <= days[known.asked]]
    both = truth.merge(stored, on=keys, how="outer", suffixes=("", "_stored"), indicator=True)
    if strange := int((both["_merge"] == "right_only").sum()):
        yield f"prices: {strange} bars are stored that the vendor never sent"
    promised = (both["_merge"] == "left_only") & (both["session"] <= days[max(known.through, 0)])
    if known.through >= 0 and (lost := int(promised.sum())):
        yield f"prices: {lost} bars were acknowledged and are not there"
    there = both[both["_merge"] == "both"]
    for name in truth.columns.drop(keys):
        if other := int((there[name] != there[f"{name}_stored"]).sum()):
            yield f"prices: {other} values of {name} are not the vendor's"


def _versions(place: Place, known: Known, held: Registered, *, settled: bool) -> Iterator[str]:
    for version, run in known.versions.items():
        if held.runs.get(version) != run:
            yield f"registry: version {version} was told to be of run {run}, and is of {held.runs.get(version)}"
    for run, count in Counter(held.runs.values()).items():
        if count > 1:
            yield f"registry: run {run} has {count} versions"
    for tag in ("pass", "order"):
        for value, count in Counter(tags[tag] for tags in held.tags.values() if tag in tags).items():
            if count > 1:
                yield f"registry: {tag} {value} has {count} versions"
    newest = sorted(held.runs, key=int)[-3:]
    for version in held.runs if settled else newest:
        for fault in disk.faults(disk.bundle(place.home, held.runs[version])):
            yield f"registry: version {version}: {fault}"


def _champion(place: Place, known: Known, held: Registered, *, settled: bool) -> Iterator[str]:
    champion = held.aliases.get("champion")
    if not known.champions:
        return
    if champion not in {known.champions[-1], *known.moving, *held.with_tag("pass", known.passing)}:
        yield f"champion: version {champion} serves, expected {known.champions[-1]}"
        return
    if champion not in held.runs:
        yield f"champion: there is no version {champion}"
        return
    for fault in disk.faults(disk.bundle(place.home, held.runs[champion])):
        yield f"champion: version {champion}: {fault}"
    note = disk.noted(place.home)
    state = place.database.stat()
    current = note is not None and note["state"] == [state.st_mtime_ns, state.st_size]
    if note is not None and current and (note["version"], note["run_id"]) != (champion, held.runs[champion]):
        yield f"note: it says version {note['version']} and to be up to date, but {champion} serves"
    if not settled:
        return
    if list(held.champions) != known.champions:
        yield f"champion: the history is {list(held.champions)}, expected {known.champions}"
    if held.aliases.get("challenger") == champion:
        yield f"champion: version {champion} is the challenger, too"


def _ledger(place: Place, known: Known) -> Iterator[str]:
    rows = disk.table(place.home / "ledger")
    if rows is None:
        if known.said:
            yield "ledger: the table has gone"
        return
    if twice := int(rows.duplicated(_KEY).sum()):
        yield f"ledger: {twice} forecasts are there twice"
    if late := int((rows["published_at"] >= rows["opens_at"]).sum()):
        yield f"ledger: {late} forecasts were published after their session had opened"
    now = {
        (one.name, one.symbol, one.target_session, one.step): (one.version, one.published_at, tuple(one.quantiles))
        for one in rows.itertuples()
    }
    if other := sum(now.get(key) != value for key, value in known.said.items()):
        yield f"ledger: {other} forecasts that were published are not what they were"
    known.said.update(now)


def _decisions(place: Place) -> Iterator[str]:
    found = Counter((one["version"], one["by"]) for one in disk.decisions(place.home) if one["by"].startswith("pass "))
    for (version, by), count in found.items():
        if count > 1:
            yield f"decisions: {by} decided {count} times about version {version}"
