"""What the scheduler says of itself, in a file, and what that tells others: whether it is alive, and when it runs next.

The file is written every few seconds by the scheduler that owns the schedule of a model, and as a whole, so that
whoever reads it sees one moment. Those that stand by have files of their own beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

# As multiples of how often it is written, and at least so long: a machine under load is not a dead one.
_LATE_BEATS: Final = 3
_DEAD_BEATS: Final = 12
_LATE_SECONDS: Final = 15.0
_DEAD_SECONDS: Final = 60.0


class State(StrEnum):
    """What a scheduler does: refusing is having no calendar that tells, or no prices that name an exchange."""

    IDLE = "idle"
    RUNNING = "running"
    RETRYING = "waiting for retry"
    STANDBY = "standby"
    REFUSING = "refusing"
    STOPPED = "stopped"


class Outcome(StrEnum):
    """How a pass ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Liveness(StrEnum):
    """What its heartbeat says of a scheduler."""

    ALIVE = "alive"
    LATE = "late"
    DEAD = "dead"
    STOPPED = "stopped"
    NEVER = "never started"
    UNREADABLE = "unreadable"


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True)


class LastPass(_Written):
    """The pass that ended last.

    Attributes:
        sessions: by exchange (ISO 10383 code) the session that it was for.
        outcome: how it ended.
        code: its exit code, a signal's number below zero.
        started, finished: when.
        detail: the outcome in a sentence.
    """

    sessions: Mapping[str, date]
    outcome: Outcome
    code: int
    started: datetime
    finished: datetime
    detail: str


class MissedSession(_Written):
    """A session whose pass was not done before the one that it would have forecast opened."""

    exchange: str
    session: date
    reason: str


class Heartbeat(_Written):
    """What a scheduler says of itself.

    Attributes:
        name: the model.
        host, pid: which machine and process it is.
        every: how often it says so [s].
        started: since when it runs.
        at: when it said this.
        state: what it does.
        sessions: by exchange the session whose pass runs, or is waited with until a retry.
        next_due: when the next pass is due by the calendars; None where that is not known.
        retry_at: when a failed pass is run again; None where none waits.
        last: the pass that ended last; None before the first.
        failures: passes that failed in a row.
        missed: the newest sessions whose passes were missed, newest last.
        problem: why something cannot be done, in a sentence; None where all is well.
    """

    name: str
    host: str
    pid: int
    every: float
    started: datetime
    at: datetime
    state: State
    sessions: Mapping[str, date] = {}
    next_due: datetime | None = None
    retry_at: datetime | None = None
    last: LastPass | None = None
    failures: int = 0
    missed: tuple[MissedSession, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What others see of a scheduler.

    Attributes:
        liveness: whether it is there.
        age: how old its heartbeat is [s], below zero where it is of the future; None without one.
        heartbeat: what it said last; None where it never did, or that cannot be read.
        standbys: how many others are ready to take over.
        text: all of it in a sentence, but for which machine it is on.
    """

    liveness: Liveness
    age: float | None
    heartbeat: Heartbeat | None
    standbys: int
    text: str

    @property
    def where(self) -> str:
        """The sentence and which process it is about, for whoever may know."""
        beat = self.heartbeat
        return self.text if beat is None else f"{self.text} (process {beat.pid} on {beat.host})"


class HeartbeatFolder:
    """The heartbeats under a home."""

    def __init__(self, home: Path) -> None:
        """Makes nothing yet."""
        self.path = home / "schedule"

    def write(self, beat: Heartbeat) -> None:
        """Say it.

        Raises:
            OSError: it cannot be written; what was said before stays.
        """
        target = self._file(beat)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.{beat.pid}.draft")
        try:
            draft.write_text(beat.model_dump_json(indent=1), encoding="utf-8")
            draft.replace(target)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def forget_standby(self, beat: Heartbeat) -> None:
        """Take back what a process said as a standby: it is none any more."""
        self._file(beat.model_copy(update={"state": State.STANDBY})).unlink(missing_ok=True)

    def look(self, name: str, now: datetime) -> Seen:
        """What the scheduler of the model `name` is at.

        Args:
            name: the model.
            now: the present, with a time zone.
        """
        standbys = self._standbys(name, now)
        try:
            beat = Heartbeat.model_validate_json((self.path / f"{name}.json").read_bytes())
        except FileNotFoundError:
            text = f"never started for {name}: forecaster schedule runs a pass after each trading day"
            return Seen(Liveness.NEVER, None, None, standbys, text)
        except (OSError, ValidationError) as error:
            text = f"its heartbeat cannot be read ({type(error).__name__}); a running scheduler writes it anew"
            return Seen(Liveness.UNREADABLE, None, None, standbys, text)
        liveness = _liveness(beat, now)
        age = (now - beat.at).total_seconds()
        return Seen(liveness, age, beat, standbys, _text(liveness, beat, age, standbys))

    def clear(self, name: str, now: datetime) -> None:
        """Remove what standbys left that are long gone. For the owner."""
        for file, beat in self._of_standbys(name):
            if beat is None or _liveness(beat, now) is Liveness.DEAD:
                file.unlink(missing_ok=True)

    def _standbys(self, name: str, now: datetime) -> int:
        beats = (beat for _, beat in self._of_standbys(name))
        return sum(beat is not None and _liveness(beat, now) in (Liveness.ALIVE, Liveness.LATE) for beat in beats)

    def _of_standbys(self, name: str) -> list[tuple[Path, Heartbeat | None]]:
        found: list[tuple[Path, Heartbeat | None]] = []
        for file in sorted((self.path / "standby").glob("*.json")):
            try:
                beat = Heartbeat.model_validate_json(file.read_bytes())
            except FileNotFoundError:
                continue
            except (OSError, ValidationError):
                found.append((file, None))
                continue
            if beat.name == name:
                found.append((file, beat))
        return found

    def _file(self, beat: Heartbeat) -> Path:
        if beat.state is State.STANDBY:
            host = "".join(one if one.isalnum() else "-" for one in beat.host)
            return self.path / "standby" / f"{beat.name}.{host}.{beat.pid}.json"
        return self.path / f"{beat.name}.json"


def _liveness(beat: Heartbeat, now: datetime) -> Liveness:
    if beat.state is State.STOPPED:
        return Liveness.STOPPED
    # The clock of one of the two may have been set: a heartbeat of the future is as far away as one of the past.
    away = abs((now - beat.at).total_seconds())
    if away <= max(_LATE_SECONDS, _LATE_BEATS * beat.every):
        return Liveness.ALIVE
    return Liveness.LATE if away <= max(_DEAD_SECONDS, _DEAD_BEATS * beat.every) else Liveness.DEAD


def _text(liveness: Liveness, beat: Heartbeat, age: float, standbys: int) -> str:
    """The sentence about a heartbeat that was read."""
    if liveness is Liveness.STOPPED:
        return f"stopped at {_shown(beat.at)}; nothing runs until forecaster schedule does"
    if liveness is Liveness.DEAD:
        return f"dead: it said nothing since {_shown(beat.at)}; start forecaster schedule again"
    parts = [f"{liveness.value}: {_doing(beat)}"]
    if liveness is Liveness.LATE:
        parts.append(f"its heartbeat is {timedelta(seconds=round(abs(age)))} {'old' if age > 0 else 'ahead'}")
    if beat.next_due is not None:
        parts.append(f"the next pass is due at {_shown(beat.next_due)}")
    if beat.last is not None:
        parts.append(f"the last one {beat.last.outcome.value} at {_shown(beat.last.finished)}")
    if beat.failures:
        parts.append(f"failures in a row: {beat.failures}, the last: {beat.last.detail if beat.last else 'unknown'}")
    if standbys:
        parts.append(f"standing by: {standbys}")
    if beat.problem is not None:
        parts.append(beat.problem)
    return "; ".join(parts)


def _doing(beat: Heartbeat) -> str:
    """What it is at."""
    of = ", ".join(f"{exchange} {session}" for exchange, session in sorted(beat.sessions.items()))
    if beat.state is State.RUNNING:
        return f"running the pass of {of}" if of else "waiting for a pass that an earlier scheduler began"
    if beat.state is State.RETRYING and beat.retry_at is not None:
        return f"trying the pass of {of} again at {_shown(beat.retry_at)}"
    return beat.state.value


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
