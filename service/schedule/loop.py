"""The scheduler: looks at the clock again and again, and runs what is due.

It never sleeps long and works out anew at every look what is due, so that a clock that is set, or a machine that was
suspended, leads to nothing twice and to nothing forgotten. What it has done is kept on disk before anything else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from data.sessions import BAR_IS_DUE_AFTER_CLOSE
from forecaster.heartbeat import Heartbeat, LastPass, MissedSession, Outcome, State
from forecaster.schedule_settings import ScheduleSettings
from service.schedule.due import Due, due
from service.schedule.market import LastTold
from service.schedule.memory import Done, Memory
from service.schedule.owner import Owner
from service.schedule.passes import Ended, Pass, Program
from service.schedule.voice import Voice
from service.schedule.waiting import Waiting

# How soon the end of a pass, or of the owner, is noticed.
_LOOK_SECONDS: Final = 1.0
_SHORTEST_SECONDS: Final = 0.05

# A machine that slept, or whose clock was set, has not worked on a pass meanwhile.
_LONGEST_LOOK: Final = timedelta(minutes=1)

_SHOWN_MISSED: Final = 5


@dataclass(frozen=True, slots=True)
class Parts:
    """What a scheduler works with.

    Attributes:
        owner: the right to run.
        memory: what was done.
        market: whose sessions count.
        program: what begins a pass.
        voice: what it says of itself.
        clock: the present, how to wait, and whether to go on.
    """

    owner: Owner
    memory: Memory
    market: LastTold
    program: Program
    voice: Voice
    clock: Waiting


class Scheduler:
    """Runs the passes of one model, while it is the owner; stands by while another is."""

    def __init__(self, settings: ScheduleSettings, parts: Parts) -> None:
        """Takes and starts nothing yet.

        Args:
            settings: when to run, and how patiently.
            parts: what to work with.
        """
        self._settings = settings
        self._parts = parts
        self._owning = False
        self._done = Done()
        self._unsaved = False
        self._pass: Pass | None = None
        self._sessions: Mapping[str, date] = {}
        self._began = self._looked = parts.clock.now()
        self._worked = timedelta()

    def run(self) -> None:
        """Run what is due whenever it is, until told to stop."""
        try:
            while not self._parts.clock.stopped:
                self._parts.clock.sleep(self.step())
        finally:
            self.close()

    def once(self) -> tuple[Heartbeat, LastPass | None]:
        """Run what is due now, however short ago it failed.

        Returns:
            What it said last before it ended, and the pass that it ran: None where nothing was due, where it was told
            to stop, or where another scheduler is the owner.
        """
        before = self._parts.memory.read().last
        try:
            self.step(again=True)
            while self._parts.voice.beat.state is State.RUNNING and not self._parts.clock.stopped:
                self._parts.clock.sleep(_LOOK_SECONDS)
                # Its own pass runs once; one that an earlier scheduler began is waited for.
                self.step(again=self._pass is None)
            return self._parts.voice.beat, None if self._done.last == before else self._done.last
        finally:
            self.close()

    def step(self, *, again: bool = False) -> float:
        """One look: do what is to be done now.

        Args:
            again: whether a pass that failed is run without a pause.

        Returns:
            When to look again [s].
        """
        now = self._parts.clock.now()
        if not self._parts.owner.take():
            self._parts.voice.say(now, state=State.STANDBY)
            return min(_LOOK_SECONDS, self._settings.heartbeat_seconds)
        if not self._owning:
            self._owning = True
            # What was done until now is what the former owner has written down.
            self._done = self._parts.memory.read()
            self._parts.voice.owns(now)
        if self._unsaved:
            self._remember(self._done)
        if self._pass is not None and not self._follow(now):
            self._say(now, State.RUNNING, sessions=self._sessions)
        else:
            self._look(now, again=again)
        return self._pause(now)

    def close(self) -> None:
        """End a running pass, say that this scheduler is no more, and let others own the schedule."""
        clock, voice = self._parts.clock, self._parts.voice
        if self._pass is not None:
            self._say(clock.now(), State.RUNNING, problem="told to stop; the running pass is being ended")
            ended = self._pass.stop(self._settings.drain_seconds)
            if ended.code == 0:
                self._ended(ended, clock.now())
            else:
                voice.tell(logging.WARNING, "stopped in the middle of a pass", detail=ended.detail)
        if self._owning:
            self._say(clock.now(), State.STOPPED, sessions={}, problem=None)
        else:
            voice.leave_standby()
        self._parts.owner.release()

    def _look(self, now: datetime, *, again: bool) -> None:
        """Begin what is due, or say why nothing is begun."""
        lock = self._parts.owner.pass_lock()
        if lock is None:
            self._say(now, State.RUNNING, sessions={})
            return
        calendars = self._parts.market.read(now)
        given_up = {(one.exchange, one.session) for one in self._done.missed}
        found = due(calendars, now, self._done.handled, BAR_IS_DUE_AFTER_CLOSE + self._settings.delay, given_up)
        self._settle(found)
        problem = "; ".join(filter(None, (self._parts.market.problem, *found.unknown.values()))) or None
        told: dict[str, Any] = {"next_due": found.next_due, "sessions": found.now, "problem": problem}
        if found.now and (again or self._retry_at(found, now) is None) and self._begin(found.now, lock, now):
            self._say(now, State.RUNNING, **told)
            return
        self._parts.owner.free_pass()
        if found.now:
            self._say(now, State.RETRYING, **told, retry_at=self._retry_at(found, now))
        else:
            self._say(now, State.IDLE if found.next_due else State.REFUSING, **told)

    def _begin(self, sessions: Mapping[str, date], lock: int, now: datetime) -> bool:
        """Begin the pass of `sessions`; False where that fails, which counts as a pass that failed."""
        self._sessions, self._began, self._looked, self._worked = sessions, now, now, timedelta()
        self._parts.voice.tell(logging.INFO, "pass begins", sessions=_listed(sessions))
        try:
            self._pass = self._parts.program.begin(lock)
        except OSError as error:
            self._ended(Ended(1, f"the pass could not be started: {error.strerror or type(error).__name__}"), now)
        return self._pass is not None

    def _follow(self, now: datetime) -> bool:
        """Look after the running pass; whether it has ended."""
        assert self._pass is not None
        self._worked += min(max(now - self._looked, timedelta()), _LONGEST_LOOK)
        self._looked = now
        ended = self._pass.ended()
        if ended is None and self._worked > timedelta(minutes=self._settings.limit_minutes):
            stopped = self._pass.stop(self._settings.drain_seconds)
            limit = f"{self._settings.limit_minutes:g} minutes"
            ended = Ended(stopped.code or 1, f"the pass took longer than {limit} and was ended")
        if ended is None:
            return False
        self._ended(ended, now)
        return True

    def _ended(self, ended: Ended, now: datetime) -> None:
        """Keep how a pass ended, before anything else is done."""
        outcome = Outcome.FAILED if ended.code else Outcome.SUCCEEDED
        passed = LastPass(
            sessions=self._sessions,
            outcome=outcome,
            code=ended.code,
            started=self._began,
            finished=now,
            detail=ended.detail,
        )
        self._remember(self._done.after(passed))
        self._pass = None
        self._parts.market.forget()
        self._parts.owner.free_pass()
        facts = {"sessions": _listed(self._sessions), "detail": ended.detail, "failures": self._done.failures}
        self._parts.voice.tell(logging.WARNING if ended.code else logging.INFO, f"pass {outcome.value}", **facts)

    def _settle(self, found: Due) -> None:
        """Write down what nothing can be done about any more."""
        if not found.past:
            return
        missed = tuple(
            MissedSession(exchange=exchange, session=session, reason=self._why(exchange, session))
            for exchange, sessions in found.missed.items()
            for session in sessions
        )
        for one in missed:
            facts = {"exchange": one.exchange, "session": one.session.isoformat(), "reason": one.reason}
            self._parts.voice.tell(logging.WARNING, "missed: what it would have forecast has opened", **facts)
        self._remember(self._done.without(found.past, missed))

    def _why(self, exchange: str, session: date) -> str:
        last = self._done.last
        failed = last is not None and last.outcome is Outcome.FAILED and last.sessions.get(exchange) == session
        return "its pass failed" if failed else "no scheduler ran"

    def _retry_at(self, found: Due, now: datetime) -> datetime | None:
        """When what is due may be tried again; None where it may be tried now."""
        last = self._done.last
        if not self._done.failures or last is None or found.now.items() - last.sessions.items():
            return None
        pause = self._settings.pause(self._done.failures)
        if found.opens is not None:  # however long the pauses have become, some tries are left before it opens
            pause = min(pause, max((found.opens - last.finished) / 2, self._settings.pause(1)))
        # A clock that was set back makes no pause longer.
        return last.finished + pause if timedelta() <= now - last.finished < pause else None

    def _remember(self, done: Done) -> None:
        """Keep what was done; where the disk refuses, in memory, until it does not."""
        self._done = done
        try:
            self._parts.memory.write(done)
        except OSError as error:
            if not self._unsaved:
                self._parts.voice.tell(logging.ERROR, "what was done cannot be written down", detail=str(error))
            self._unsaved = True
        else:
            self._unsaved = False

    def _pause(self, now: datetime) -> float:
        """How long to sleep: not past what is known to come, and never long."""
        beat = self._parts.voice.beat
        if beat.state is State.RUNNING:
            return min(_LOOK_SECONDS, self._settings.heartbeat_seconds)
        coming = [one for one in (beat.next_due, beat.retry_at) if one is not None and one > now]
        seconds = [(one - now).total_seconds() for one in coming]
        return max(_SHORTEST_SECONDS, min([self._settings.heartbeat_seconds, *seconds]))

    def _say(self, now: datetime, state: State, **changes: Any) -> None:
        """What it does, with what it has done."""
        known = {"last": self._done.last, "failures": self._done.failures, "missed": self._done.missed[-_SHOWN_MISSED:]}
        self._parts.voice.say(now, state=state, **{"retry_at": None, **known, **changes})


def _listed(sessions: Mapping[str, date]) -> dict[str, str]:
    return {exchange: session.isoformat() for exchange, session in sessions.items()}
