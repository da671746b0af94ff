"""A scheduler whose clock, market and passes are a test's. Its locks, its memory and its heartbeat are real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from data.sessions import Calendars, ExchangeSessions
from forecaster.heartbeat import HeartbeatFolder, Seen
from forecaster.schedule_settings import ScheduleSettings
from service.schedule.loop import Parts, Scheduler
from service.schedule.market import LastTold
from service.schedule.memory import Memory
from service.schedule.owner import Owner
from service.schedule.passes import Ended
from service.schedule.voice import Voice

NAME = "next-close"
LIBRARY = Calendars()


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class FakeClock:
    """Stands still but for sleeps, which take `coarse` at least, as on a machine that is suspended again and again."""

    time: datetime
    until: datetime
    coarse: timedelta = timedelta()
    jumps: dict[datetime, datetime] = field(default_factory=dict)

    @property
    def stopped(self) -> bool:
        return self.time >= self.until and not self.jumps

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 60
        self.time += max(timedelta(seconds=seconds), self.coarse)
        for moment in sorted(self.jumps):
            if self.time >= moment:
                self.time = self.jumps.pop(moment)
                break


@dataclass
class FakeMarket:
    """The exchanges of a test."""

    exchanges: tuple[str, ...]
    error: Exception | None = None

    def read(self) -> Mapping[str, ExchangeSessions]:
        if self.error is not None:
            raise self.error
        return {one: LIBRARY.exchange(one) for one in self.exchanges}


@dataclass
class FakePass:
    """A pass that takes its time."""

    clock: FakeClock
    takes: timedelta
    code: int
    began: datetime
    told: list[float] = field(default_factory=list)

    def ended(self) -> Ended | None:
        return Ended(self.code, f"code {self.code}") if self.clock.now() - self.began >= self.takes else None

    def stop(self, seconds: float) -> Ended:
        self.told.append(seconds)
        return self.ended() or Ended(-15, "the pass was ended by SIGTERM")


@dataclass
class FakeProgram:
    """Begins passes, and remembers when. `code` tells how each ends, by its number and its moment."""

    clock: FakeClock
    code: Callable[[int, datetime], int] = lambda number, moment: 0
    takes: timedelta = timedelta(minutes=3)
    begun: list[FakePass] = field(default_factory=list)

    @property
    def moments(self) -> list[datetime]:
        return [one.began for one in self.begun]

    def begin(self, lock: int) -> FakePass:
        now = self.clock.now()
        self.begun.append(FakePass(self.clock, self.takes, self.code(len(self.begun), now), now))
        return self.begun[-1]


def scheduler(
    home: Path, clock: FakeClock, program: Any, *exchanges: str, market: Any = None, **settings: Any
) -> Scheduler:
    """One of `home`, that looks once a minute unless told otherwise."""
    wanted = ScheduleSettings(**{"heartbeat_seconds": 60, **settings})
    parts = Parts(
        owner=Owner(home, str(home / "prices"), NAME),
        memory=Memory(home, NAME),
        market=LastTold(market or FakeMarket(exchanges)),
        program=program,
        voice=Voice(NAME, HeartbeatFolder(home), wanted.heartbeat_seconds, clock.now()),
        clock=clock,
    )
    return Scheduler(wanted, parts)


def seen(home: Path, clock: FakeClock) -> Seen:
    """What others see of the scheduler of `home`."""
    return HeartbeatFolder(home).look(NAME, clock.now())
