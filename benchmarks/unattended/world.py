"""The year's world: its clock, its vendor, its schedulers, and what is to happen to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.unattended.clock import YearClock
from benchmarks.unattended.house import NAME, settings
from benchmarks.unattended.market import Vendor
from benchmarks.unattended.notes import Notes
from benchmarks.unattended.passing import ordered
from benchmarks.unattended.plan import Plan
from benchmarks.unattended.program import ROOT, YearProgram, steps_of
from data.store import PriceStore
from forecaster.heartbeat import HeartbeatFolder
from forecaster.settings import Settings
from service.schedule.loop import Parts, Scheduler
from service.schedule.market import LastTold, StoredMarket
from service.schedule.memory import Memory
from service.schedule.owner import Owner
from service.schedule.passes import Program
from service.schedule.voice import Voice

_PATIENCE_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class One:
    """A scheduler of this process, and what it holds."""

    scheduler: Scheduler
    owner: Owner
    voice: Voice


@dataclass(slots=True)
class World:
    """Everything that a year consists of.

    Attributes:
        home: of the schedulers and passes.
        plan: what befalls it.
        faulty: whether anything does.
        days: its sessions, and some that follow.
        clock: its clock.
        vendor: who sells prices.
        notes: what is seen.
        events: what is to happen, by true time, in order.
        awake: the schedulers of this process.
    """

    home: Path
    plan: Plan
    faulty: bool
    days: list[date]
    clock: YearClock
    vendor: Vendor
    notes: Notes
    events: list[tuple[datetime, str, Callable[[], None]]] = field(default_factory=list)
    awake: list[One] = field(default_factory=list)

    def where(self, session: date) -> Settings:
        """The settings of a session's pass."""
        number = self.days.index(session)
        made_bad = self.faulty and number >= self.plan.nonsense and not self._trained(self.plan.nonsense, number + 1)
        return settings(self.home, self.vendor.url, self.plan.every, nonsense=made_bad)

    def happen(self) -> None:
        """Whatever is due by now."""
        self.vendor.look()
        while self.events and self.events[0][0] <= self.clock.true:
            _, what, do = self.events.pop(0)
            do()
            self.notes.say(self.clock.true, what)
            self.vendor.look()

    def wake(self, program: Program) -> None:
        """Another scheduler, as `service.schedule.build` puts one together."""
        where = self.where(self.days[0])
        owner = Owner(self.home, where.store_uri, NAME)
        voice = Voice(NAME, HeartbeatFolder(self.home), where.schedule.heartbeat_seconds, self.clock.now())
        parts = Parts(
            owner=owner,
            memory=Memory(self.home, NAME),
            market=LastTold(StoredMarket(where, PriceStore(where.store_uri))),
            program=program,
            voice=voice,
            clock=self.clock,
        )
        self.awake.append(One(Scheduler(where.schedule, parts), owner, voice))

    def die(self) -> None:
        """The first scheduler of this process is no more: what the kernel does then is done, and nothing else."""
        self.awake.pop(0).owner.release()

    def rival(self, program: YearProgram, session: date, *, alone: bool) -> None:
        """Another scheduler's process stands by, takes over when ours dies, and is killed in the middle of its pass.

        Args:
            program: of the scheduler that comes after it.
            session: whose pass it runs.
            alone: it is killed alone, and its pass goes on without it.
        """
        began, record = time.monotonic(), self._record(session)
        order = ordered(self.where(session), self.clock.now())
        other = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.unattended.rival", str(order)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        heartbeats = HeartbeatFolder(self.home)
        _wait(lambda: heartbeats.look(NAME, self.clock.now()).standbys > 0)
        self.notes.standing_by += 1
        self.die()
        _wait(lambda: any(one["state"] == "running" for one in steps_of(record).values()))
        (own,) = Path(f"/proc/{other.pid}/task/{other.pid}/children").read_text().split()
        other.kill()
        other.wait()
        if not alone:
            with suppress(ProcessLookupError):
                os.killpg(int(own), signal.SIGKILL)
        self.clock.true += timedelta(seconds=time.monotonic() - began)
        self.wake(program)

    def trains(self, session: date) -> bool:
        """Whether a session's pass trains: it has begun to, or none has of so many sessions before."""
        number = self.days.index(session)
        decided = steps_of(self._record(session)).get("decide", {})
        if decided.get("state") == "done":
            return bool(decided["evidence"]["train"])
        return not self._trained(max(0, number - self.plan.every + 1), number)

    def _trained(self, first: int, last: int) -> bool:
        """Whether a pass has trained, from a number on and before another, by their records."""
        found = (steps_of(self._record(day)).get("train", {}) for day in self.days[first:last])
        return any(one.get("state") == "done" for one in found)

    def _record(self, session: date) -> Path:
        return self.home / "passes" / NAME / f"{session}.json"


def _wait(done: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"what was waited for did not come within {_PATIENCE_SECONDS:g} s")
        time.sleep(_LOOK_SECONDS)
