"""What the plan says, as events of the world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from benchmarks.unattended.market import opening
from benchmarks.unattended.plan import JUMPS, OUTAGES
from benchmarks.unattended.program import YearProgram
from benchmarks.unattended.world import World
from tests.tushare_server import faults
from tests.tushare_server.wire import Fault

_EARLIER: Final = timedelta(minutes=5)


# The fault, and the interface that it befalls; None for all.
_MISBEHAVIOUR: Final[dict[str, tuple[Fault, str | None]]] = {
    "answers 503": (faults.status(503), None),
    "has no rows yet": (faults.cut_to(0), "daily"),
    "resets connections": (faults.reset(), None),
    "breaks off in the middle": (faults.half_body(), None),
    "says too often": (faults.throttled(), None),
    "hangs": (faults.hang(), "daily"),
    "sends a page for humans": (faults.html(), None),
}


def due(session: date) -> datetime:
    """When a session's pass is due: Shanghai closes at 7:00 in UTC, its bars an hour and the pass ten minutes later."""
    return datetime.combine(session, time(8, 10), UTC)


def arranged(world: World, program: YearProgram) -> None:
    """Everything that is to happen, in order."""
    _double(world)
    if not world.faulty:
        return
    plan, days = world.plan, world.days
    for number, kind in plan.outages.items():
        what, minutes = OUTAGES[kind]
        _out(world, what, due(days[number]), timedelta(minutes=minutes))
    if plan.away:
        away = due(days[plan.sessions])
        _out(world, "answers 503", away, opening(days[plan.sessions + 1]) + timedelta(minutes=30) - away)
    for number, kind in plan.jumps.items():
        begin, end, hours = JUMPS[kind]
        at = due(days[number])
        _add(world, at + timedelta(hours=begin), f"the clock is set {hours:+} h", _set(world, hours))
        _add(world, at + timedelta(hours=end), "the clock is set right", _set(world, 0))
    _restate(world)
    first, last = plan.pair
    _add(world, due(days[first]) - timedelta(hours=1), "a second scheduler", lambda: world.wake(program))
    _add(world, due(days[last]) + timedelta(hours=1), "the first of two schedulers dies", world.die)
    for number, alone in plan.rivals.items():
        _add(
            world, due(days[number]) - timedelta(seconds=3), "a rival takes over", _rival(world, program, number, alone)
        )
    world.events.sort(key=lambda one: one[0])


def _out(world: World, what: str, begin: datetime, length: timedelta) -> None:
    """The vendor is out from shortly before a moment on."""
    vendor = world.vendor

    def begins() -> None:
        if what == "publishes late":
            vendor.late = length
        else:
            fault, api = _MISBEHAVIOUR[what]
            vendor.misbehave(fault, times=None, api=api)

    def ends() -> None:
        vendor.late = timedelta()
        vendor.behave()
        vendor.release()

    _add(world, begin - _EARLIER, f"the vendor {what} for {length}", begins)
    _add(world, begin + length, "the vendor is back", ends)


def _double(world: World) -> None:
    """In both years, since it stays: inputs differ in their last bits after it, and trainings make more of that."""
    market = world.vendor.market
    doubled = market.symbols[0]
    at = due(world.days[world.plan.doubled]) - timedelta(hours=1)
    _add(world, at, f"all factors of {doubled} are doubled", lambda: market.restate_factor(doubled, 2.0))


def _restate(world: World) -> None:
    """A lie: a split that never was, and that is taken back."""
    market, halved = world.vendor.market, world.vendor.market.symbols[1]
    begin, end = (world.days[number] for number in world.plan.halved)
    hour = timedelta(hours=1)
    _add(
        world,
        due(begin) - hour,
        f"factors of {halved} are halved from {begin} on",
        lambda: market.restate_factor(halved, 0.5, since=begin),
    )
    _add(world, due(end) - hour, "which is taken back", lambda: market.restate_factor(halved, 2.0, since=begin))


def _set(world: World, hours: float) -> Callable[[], None]:
    def change() -> None:
        world.clock.off = timedelta(hours=hours)

    return change


def _rival(world: World, program: YearProgram, number: int, alone: bool) -> Callable[[], None]:
    return lambda: world.rival(program, world.days[number], alone=alone)


def _add(world: World, at: datetime, what: str, do: Callable[[], None]) -> None:
    world.events.append((at, what, do))
