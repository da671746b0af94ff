"""What the scheduler says of itself: its heartbeat, and a line in the log whenever something changes."""

from __future__ import annotations

import logging
import os
import socket
from datetime import datetime
from typing import Any, Final

from forecaster.heartbeat import Heartbeat, HeartbeatFolder, State

# Sleeps end a little early and late: a heartbeat that is nearly due is written.
_NEARLY: Final = 0.9

_log = logging.getLogger(__name__.rpartition(".")[0])


class Voice:
    """Speaks for one scheduler. A disk that refuses is told of once, and keeps nobody from working."""

    def __init__(self, name: str, heartbeats: HeartbeatFolder, every: float, now: datetime) -> None:
        """Says nothing yet.

        Args:
            name: the model.
            heartbeats: where to.
            every: how often [s].
            now: since when the scheduler runs.
        """
        self._heartbeats = heartbeats
        self.beat = Heartbeat(
            name=name,
            host=socket.gethostname(),
            pid=os.getpid(),
            every=every,
            started=now,
            at=now,
            state=State.STANDBY,
        )
        self._said: Heartbeat | None = None
        self._refused = False

    def say(self, now: datetime, **changes: Any) -> None:
        """Write the heartbeat where something has changed, or where it is time to.

        Args:
            now: the present.
            changes: fields of the heartbeat.
        """
        before = self.beat
        self.beat = before.model_copy(update={"at": now, **changes})
        self._log_change(before)
        if self._said is not None and self._said == self.beat.model_copy(update={"at": self._said.at}):
            since = (now - self._said.at).total_seconds()
            if 0 <= since < _NEARLY * self.beat.every:
                return
        try:
            self._heartbeats.write(self.beat)
        except OSError as error:
            if not self._refused:
                self.tell(logging.ERROR, "the heartbeat cannot be written", detail=str(error))
            self._refused = True
        else:
            self._said, self._refused = self.beat, False

    def owns(self, now: datetime) -> None:
        """It is the owner from now on, and no standby any more."""
        self.leave_standby()
        self._heartbeats.clear(self.beat.name, now)
        self.tell(logging.INFO, "owns the schedule")

    def leave_standby(self) -> None:
        """Take back what it said as a standby."""
        self._heartbeats.forget_standby(self.beat)

    def tell(self, level: int, message: str, **facts: object) -> None:
        """A line in the log."""
        _log.log(level, message, extra={"facts": {"model": self.beat.name, **facts}})

    def _log_change(self, before: Heartbeat) -> None:
        beat = self.beat
        if beat.problem is not None and beat.problem != before.problem:
            self.tell(logging.WARNING, "cannot do all of it", detail=beat.problem)
        known = (before.state, before.next_due, before.retry_at)
        if self._said is not None and (beat.state, beat.next_due, beat.retry_at) == known:
            return
        moments = {"next_due": beat.next_due, "retry_at": beat.retry_at}
        facts = {name: moment.isoformat() for name, moment in moments.items() if moment is not None}
        self.tell(logging.INFO, beat.state.value, **facts)
