"""What has to hold of one year, judged from the disk and from what whoever stood outside saw."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import pandas as pd

from benchmarks.unattended.disk import Disk, step
from benchmarks.unattended.house import NAME
from benchmarks.unattended.market import opening
from benchmarks.unattended.notes import Notes
from benchmarks.unattended.plan import STEPS, Plan
from benchmarks.unattended.shown import Shown
from tests.tushare_server.market import Market

# A change of inputs shows over so many sessions.
_TO_SEE: Final = 60

_KEY: Final = ["name", "symbol", "target_session", "step"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One year as it is judged.

    Attributes:
        days: its sessions, and those after it.
        plan: what befell it, where it was faulty.
        faulty: whether it was.
        market: the vendor's prices.
        disk, notes: what is to be looked at.
    """

    days: list[date]
    plan: Plan
    faulty: bool
    market: Market
    disk: Disk
    notes: Notes

    @property
    def passes(self) -> list[int]:
        """The sessions whose forecasts have to be there: not that of the night for which the vendor was away."""
        away = {self.plan.sessions} if self.faulty and self.plan.away else set()
        return [number for number in range(self.plan.sessions + 2) if number not in away]


def judged(year: Judged) -> Iterator[Shown]:
    """Every promise of one year."""
    yield _published(year)
    yield _in_time(year)
    yield _once(year)
    yield _promoted(year)
    yield _bundles(year)
    yield _complete(year)
    if year.faulty:
        if year.plan.away:
            yield _away(year)
        yield _killed(year)
        yield _one_owner(year)
        if year.plan.nonsense < year.plan.sessions:
            yield _refused(year)
    if year.plan.wilder + _TO_SEE <= year.plan.sessions:
        yield _drifted(year)


def _published(year: Judged) -> Shown:
    """Every share that traded has one forecast of the next session, made from the vendor's close."""
    daily = year.market.daily
    closes = {day: own.set_index("ts_code")["close"].to_dict() for day, own in daily.groupby("trade_date")}
    ledger, broken, count = year.disk.ledger, [], 0
    for number in year.passes:
        as_of, target = year.days[number], year.days[number + 1]
        wanted = closes[f"{as_of:%Y%m%d}"]
        own = ledger[ledger["target_session"] == target]
        count += len(own)
        told = Counter(own["symbol"])
        broken += [
            f"{target} {one}: {told[one]} forecasts"
            for one in sorted(wanted.keys() | told)
            if told[one] != (one in wanted)
        ]
        broken += [
            f"{target} {one.symbol}: from {one.as_of} at {one.last_close}"
            for one in own.itertuples()
            if one.as_of != as_of or not math.isclose(one.last_close, wanted.get(one.symbol, math.nan), rel_tol=1e-9)
        ]
    known = {year.days[number + 1] for number in year.passes}
    broken += [f"{one}: forecast, and no session of this year" for one in set(ledger["target_session"]) - known]
    return Shown(
        "every session has exactly one published forecast of every share that traded",
        f"{len(year.passes)} sessions, {count:,} forecasts",
        tuple(broken),
    )


def _in_time(year: Judged) -> Shown:
    """By its own word, by the true time at which it was seen, and by the exchange's calendar."""
    ledger = year.disk.ledger
    opens = pd.to_datetime(ledger["target_session"].map({one: opening(one) for one in year.days}), utc=True)
    late = (ledger["published_at"] >= opens) | (ledger["seen"] >= opens) | (ledger["opens_at"] != opens)
    broken = [
        f"{one.target_session} {one.symbol}: at {one.published_at}, seen {one.seen}"
        for one in ledger[late].itertuples()
    ]
    least = (opens - ledger["seen"]).min()
    return Shown("and before it opens", f"{least / pd.Timedelta(hours=1):.1f} h before at the latest", tuple(broken))


def _once(year: Judged) -> Shown:
    """No step has had its effect twice."""
    disk = year.disk
    tags = Counter(one.tag for one in disk.versions.values())
    by = Counter((one["version"], one["by"]) for one in disk.decisions)
    passes = Counter(one["by"] for one in disk.decisions)
    broken = [f"{count} versions of the pass {tag!r}" for tag, count in tags.items() if count > 1 or not tag]
    broken += [f"{count} decisions by {one}" for one, count in (*by.items(), *passes.items()) if count > 1]
    broken += [f"version {one} is of no pass" for one in disk.versions if not disk.versions[one].tag]
    for name, table, key in (("ledger", disk.ledger, _KEY), ("prices", disk.bars, ["symbol", "session"])):
        twice = table[table.duplicated(key)]
        broken += [f"{name}: {' '.join(map(str, row))} is there twice" for row in twice[key].itertuples(index=False)]
    return Shown(
        "no step took effect twice",
        f"{len(disk.versions)} versions, {len(disk.decisions)} decisions, {len(disk.bars):,} bars, each once",
        tuple(broken),
    )


def _promoted(year: Judged) -> Shown:
    """Whatever has spoken, or is the champion, was found good before, by every check."""
    disk, broken = year.disk, []
    good = {
        one["version"]: datetime.fromisoformat(one["at"])
        for one in disk.decisions
        if one["promote"]
        and one["checks"]
        and all(check["passed"] for check in one["checks"])
        and one["evidence"]["span"]
    }
    spoke = disk.ledger.groupby("version")["published_at"].min()
    broken += [f"version {one} published and nothing spoke for it" for one in spoke.index if one not in good]
    broken += [
        f"version {one} published at {at}, before it was found good at {good[one]}"
        for one, at in spoke.items()
        if one in good and at < pd.Timestamp(good[one])
    ]
    promoted = {
        step(record, "promote")["evidence"]["version"]
        for record in disk.passes.values()
        if step(record, "promote")["evidence"].get("promoted")
    }
    broken += [f"version {one} was promoted and nothing spoke for it" for one in promoted - good.keys()]
    if disk.aliases.get("champion") not in good:
        broken.append(f"the champion is version {disk.aliases.get('champion')}, for which nothing spoke")
    refused = len(disk.decisions) - len(good)
    return Shown(
        "no promotion without evidence",
        f"{len(good)} versions promoted, {refused} refused, champion {disk.aliases.get('champion')}",
        tuple(broken),
    )


def _bundles(year: Judged) -> Shown:
    broken = [
        f"version {one.version}: {', '.join(one.damaged())}" for one in year.disk.versions.values() if one.damaged()
    ]
    return Shown(
        "every version's files are those that were written", f"{len(year.disk.versions)} bundles", tuple(broken)
    )


def _complete(year: Judged) -> Shown:
    """Records are complete, nothing waits, nothing was missed but what had to be."""
    disk, broken = year.disk, []
    for number in year.passes:
        record = disk.passes.get(year.days[number])
        if record is None or record["state"] != "done":
            broken.append(f"the pass of {year.days[number]} is {record and record['state']}")
    missed = [one["session"] for one in disk.schedule["missed"]]
    had_to = [f"{year.days[year.plan.sessions]}"] if year.faulty and year.plan.away else []
    if missed != had_to:
        broken.append(f"missed: {missed}")
    broken += [f"the training {one} was left behind" for one in disk.trainings]
    attempts = sum(one["attempts"] for record in disk.passes.values() for one in record["steps"])
    return Shown(
        "every pass came to its end", f"{len(disk.passes)} passes, {attempts:,} attempts at steps", tuple(broken)
    )


def _away(year: Judged) -> Shown:
    """A night without a vendor is said to be missed; the prices of it come with the next pass."""
    day, broken = year.days[year.plan.sessions], []
    listed = [one for one in year.disk.schedule["missed"] if one["session"] == f"{day}"]
    reason = listed[0]["reason"] if listed else ""
    if not reason:
        broken.append(f"{day} is not listed as missed")
    record = year.disk.passes[day]
    if record["state"] != "failed" or step(record, "fetch")["state"] != "failed":
        broken.append(f"its record does not say that fetching failed: {record['state']}")
    return Shown("a night without a vendor is listed as missed", f"{day}: {reason}", tuple(broken))


def _killed(year: Judged) -> Shown:
    hits = Counter(one["hit"] for one in year.notes.killed)
    wanted = {step for steps in year.plan.kills.values() for step in steps}
    broken = [f"no pass was killed in {one}" for one in STEPS if one in wanted and not hits[one]]
    return Shown(
        "passes were killed in every step, and came to their end",
        ", ".join(f"{one} {hits[one]}" for one in (*STEPS, "between") if hits[one]),
        tuple(broken),
    )


def _refused(year: Judged) -> Shown:
    """The challenger that was made bad."""
    bad = [one for one in year.disk.versions.values() if one.manifest["spec"]["target"] == "level"]
    decided = {one["version"]: one for one in year.disk.decisions}
    broken = [] if bad else ["no challenger was made bad"]
    told = ""
    for one in bad:
        found = decided.get(one.version)
        if found is None or found["promote"] or found["evidence"]["versus_naive"] is None:
            broken.append(f"version {one.version} was not refused with evidence")
            continue
        told = (
            f"version {one.version}: {found['evidence']['versus_naive']['ratio']:.2f} x the loss of yesterday's close"
        )
        if one.version in set(year.disk.ledger["version"]):
            broken.append(f"version {one.version} published")
    return Shown("a bad challenger is refused with evidence", told, tuple(broken))


def _one_owner(year: Judged) -> Shown:
    """With two schedulers one stands by, and no pass succeeds twice but where its end was not seen."""
    began = Counter(one["session"] for one in year.notes.begun if one["code"] == "0")
    broken = [f"{count} passes of {one} succeeded" for one, count in began.items() if count > 1]
    if not year.notes.standing_by:
        broken.append("no scheduler stood by")
    takes = len(year.plan.rivals) + 1
    return Shown("of two schedulers one runs the passes", f"{takes} owners died, and another took over", tuple(broken))


def _drifted(year: Judged) -> Shown:
    """After the regime has changed, what had not drifted before does, and a challenger is trained for that reason."""
    told = {day: _drifting(step(record, "decide")["evidence"]) for day, record in year.disk.passes.items()}
    number = year.plan.wilder
    before = set().union(*(told.get(day, set()) for day in year.days[max(0, number - _TO_SEE) : number]))
    new = [day for day in year.days[number:] if told.get(day, set()) - before]
    tags = {one.tag for one in year.disk.versions.values()}
    trained = [day for day in new if f"{NAME}/{day}" in tags]
    broken = [] if trained else [f"no challenger was trained for it; it was seen on {new[:1]}"]
    sessions = year.days.index(new[0]) - number if new else None
    what = ", ".join(sorted(told[new[0]] - before)) if new else "nothing"
    return Shown(
        "a change of regime is seen, and a challenger trained",
        f"{what} after {sessions} sessions, {len(trained)} challengers",
        tuple(broken),
    )


def _drifting(evidence: dict[str, Any]) -> set[str]:
    """What has drifted by what a pass found, where that speaks for a training."""
    found = evidence.get("drift")
    return set(found["drifted"]) if isinstance(found, dict) and evidence.get("reasons") else set()
