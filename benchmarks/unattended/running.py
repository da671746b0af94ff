"""One year, driven: `python -m benchmarks.unattended.running ORDER`.

How far it is goes to standard output, a number a line; what was seen is kept beside the home.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from benchmarks.unattended.clock import YearClock
from benchmarks.unattended.faults import arranged, due
from benchmarks.unattended.house import furnished
from benchmarks.unattended.market import FIRST, Vendor, last_closed, opening, prices, sessions_from
from benchmarks.unattended.notes import Notes
from benchmarks.unattended.plan import Plan, planned
from benchmarks.unattended.program import YearProgram
from benchmarks.unattended.world import World
from forecaster.heartbeat import State
from tests.tushare_server.market import Market

# A scheduler is looked at as seldom as on a machine that sleeps, but while it waits to try again.
_ASLEEP: Final = timedelta(hours=4)
_WAITING: Final = timedelta(minutes=1)
_WORKING_SECONDS: Final = 0.05

# Sessions after the year: the one whose vendor is away, the one after, and one that is only forecast.
AFTER: Final = 3


@dataclass(frozen=True, slots=True)
class Order:
    """Which year.

    Attributes:
        home: where to; made anew.
        sessions, symbols, seed: of the year.
        faulty: whether anything goes wrong.
    """

    home: Path
    sessions: int
    symbols: int
    seed: int
    faulty: bool

    @property
    def notes(self) -> Path:
        """Where what was seen is kept."""
        return self.home.parent / f"{self.home.name}.notes.json"

    @property
    def days(self) -> list[date]:
        """The year's sessions, and those after it."""
        return sessions_from(FIRST, self.sessions + AFTER)

    def market(self, plan: Plan) -> Market:
        """The prices as they are sold first."""
        return prices(self.days, self.symbols, self.seed, self.days[plan.wilder])


def run_year(order: Order, plan: Plan, tell: Callable[[int], None]) -> Notes:
    """Drive a scheduler through the year.

    Args:
        order: which year.
        plan: what befalls it, where it is faulty.
        tell: told how many sessions have closed.

    Returns:
        What was seen; it is kept, too.
    """
    began, days, market = time.monotonic(), order.days, order.market(plan)
    clock, notes = YearClock(due(days[0]) - timedelta(hours=2)), Notes()
    furnished(order.home, market.symbols)
    with Vendor(market, clock) as vendor:
        world = World(order.home, plan, order.faulty, days, clock, vendor, notes)
        kills = {days[number]: steps for number, steps in plan.kills.items()} if order.faulty else {}
        program = YearProgram(world.where, world.trains, kills, clock, notes)
        arranged(world, program)
        clock.moved = world.happen
        world.happen()
        world.wake(program)
        end, told = opening(days[-1]) - timedelta(hours=1), days[0]
        while clock.true < end:
            for one in list(world.awake):
                one.scheduler.step()
            notes.look(order.home / "ledger", clock.true)
            if (closed := last_closed(clock.true)) != told and closed in days:
                told = closed
                tell(days.index(told))
            clock.sleep(_until_next(world).total_seconds())
        for one in world.awake:
            one.scheduler.close()
    notes.seconds = time.monotonic() - began
    notes.write(order.notes)
    return notes


def _until_next(world: World) -> timedelta:
    """How long nothing happens that somebody would look at."""
    states = {one.voice.beat.state for one in world.awake}
    world.notes.standing_by += State.STANDBY in states
    if State.RUNNING in states:
        time.sleep(_WORKING_SECONDS)  # a pass of another process goes on
        return timedelta(seconds=_WORKING_SECONDS)
    if State.RETRYING in states:
        return _WAITING
    now, true = world.clock.now(), world.clock.true
    soon = due(now.date()) + timedelta(seconds=30)
    soon = soon if soon > now else soon + timedelta(days=1)
    coming = [_ASLEEP, soon - now, *(at - true for at, _, _ in world.events[:1])]
    return max(min(coming), timedelta(seconds=1))


def ordered_from(file: Path) -> Order:
    """The order in a file."""
    given = json.loads(file.read_text(encoding="utf-8"))
    return Order(**{**given, "home": Path(given["home"])})


def main() -> None:
    order = ordered_from(Path(sys.argv[1]))
    run_year(order, planned(order.sessions, order.seed), lambda number: print(number, flush=True))


if __name__ == "__main__":
    main()
