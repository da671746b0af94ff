"""A few sessions of `benchmarks/year.py`, and what it would say of a year that is not as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from benchmarks.unattended import disk, notes
from benchmarks.unattended.plan import JUMPS, OUTAGES, Plan, planned
from benchmarks.unattended.promises import Judged, judged
from benchmarks.unattended.running import Order, run_year
from benchmarks.unattended.twins import compared

SESSIONS = 3

# A vendor that is out, and restates; a pass that is killed; two schedulers; and a clock that is days ahead for a while.
PLAN = Plan(
    sessions=SESSIONS,
    every=100,
    wilder=SESSIONS,
    kills={1: ("publish",)},
    outages={2: OUTAGES.index(("breaks off in the middle", 10))},
    jumps={0: JUMPS.index((2, 2.5, 72))},
    doubled=1,
    halved=(1, 2),
    nonsense=SESSIONS,
    pair=(0, 1),
    rivals={},
    away=False,
)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    order = Order(tmp_path_factory.mktemp("year") / "home", SESSIONS, symbols=3, seed=3, faulty=True)
    seen = run_year(order, PLAN, lambda number: None)
    market = order.market(PLAN)
    market.restate_factor(market.symbols[0], 2.0)
    assert notes.read(order.notes).ledger == seen.ledger
    return Judged(order.days, PLAN, True, market, disk.read(order.home, seen), seen)


def broken(year: Judged) -> set[str]:
    return {one.promise for one in judged(year) if not one.held}


def test_a_few_sessions_with_faults(year: Judged) -> None:
    assert [one for one in judged(year) if not one.held] == []
    # A step that was over too soon stays owed.
    assert [one["hit"] == "publish" for one in year.notes.killed].index(True) == len(year.notes.killed) - 1
    assert sum(one["code"] == "-9" for one in year.notes.begun) == len(year.notes.killed)
    assert len(year.disk.ledger) == 3 * (SESSIONS + 2)
    # The vendor's prices, with what it restated and without what it took back.
    sold = year.market.expected_bars(last=year.days[SESSIONS + 1])
    assert year.disk.bars["adj_factor"].tolist() == sold["adj_factor"].tolist()
    # A year is its own twin.
    assert [one for one in compared(year, year) if not one.held] == []


def damages(year: Judged) -> Iterator[tuple[str, dict[str, Any], str]]:
    """What is done to a year, and the promise that it breaks then."""
    ledger = year.disk.ledger
    (version,) = year.disk.versions.values()
    everything = "every session has exactly one published forecast of every share that traded"
    yield "one is lost", {"ledger": ledger.iloc[1:]}, everything
    yield "one is there twice", {"ledger": pd.concat([ledger, ledger[:1]])}, "no step took effect twice"
    late = ledger.assign(published_at=ledger["published_at"] + timedelta(days=2))
    yield "they are late", {"ledger": late}, "and before it opens"
    late = ledger.assign(seen=ledger["seen"] + timedelta(days=2))
    yield "they were seen late, whatever they say", {"ledger": late}, "and before it opens"
    twice = {"1": version, "2": replace(version, version="2")}
    yield "a training was done twice", {"versions": twice}, "no step took effect twice"
    yield "nothing was decided", {"decisions": []}, "no promotion without evidence"
    refused = [{**one, "promote": False} for one in year.disk.decisions]
    yield "it was refused", {"decisions": refused}, "no promotion without evidence"
    stopped = {day: {**one, "state": "stopped"} for day, one in year.disk.passes.items()}
    yield "passes were stopped", {"passes": stopped}, "every pass came to its end"
    missed = {**year.disk.schedule, "missed": [{"session": "2023-03-02", "reason": "its pass failed"}]}
    yield "one was missed", {"schedule": missed}, "every pass came to its end"


def test_what_does_not_hold_is_named(year: Judged) -> None:
    for what, damage, promise in damages(year):
        assert promise in broken(replace(year, disk=replace(year.disk, **damage))), what
    asleep = replace(year.notes, killed=[], standing_by=0)
    assert len(broken(replace(year, notes=asleep))) == 2
    file = next(iter(year.disk.versions.values())).bundle / "model.onnx"
    content = file.read_bytes()
    file.write_bytes(content + b"!")
    assert broken(year) == {"every version's files are those that were written"}
    file.write_bytes(content)


def test_prices_and_forecasts_that_differ_are_named(year: Judged) -> None:
    def other(**changes: pd.DataFrame) -> list[str]:
        found = replace(year, disk=replace(year.disk, **changes))
        return [one.promise.split()[0] for one in compared(year, found) if not one.held]

    bars, ledger = year.disk.bars, year.disk.ledger
    assert other(bars=bars.assign(close=bars["close"] + 0.01)) == ["prices"]
    assert other(ledger=ledger.assign(quantiles=ledger["quantiles"] * 1.001)) == ["forecasts"]
    assert other(ledger=ledger.assign(version="2")) == ["forecasts", "and"]


@pytest.mark.parametrize("sessions", [8, 20, 100, 250])
def test_the_plan_holds_every_kind_of_fault(sessions: int) -> None:
    found = planned(sessions, 7)
    assert found == planned(sessions, 7)
    numbers = [*found.kills, *found.outages, *found.jumps, *found.rivals, *found.pair, *found.halved, found.doubled]
    assert max(numbers) < sessions
    if sessions == 250:
        killed = [step for steps in found.kills.values() for step in steps]
        assert {killed.count(step) > 1 for step in killed} == {True}
        assert len(set(killed)) == 9
        assert set(found.outages.values()) == set(range(len(OUTAGES)))
        assert set(found.jumps.values()) == set(range(len(JUMPS)))
