"""How many calls a minute and a day: wait instead of being refused.

The server counts calls as they arrive, and nobody here knows when that is: at some moment between sending and answer.
So a call counts from its answer on, and a minute is half a second longer than sixty. Within any sixty seconds of the
server's there are then no more calls than allowed, whether it counts sliding or calendar minutes.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from data.clock import Clock

WINDOW: Final = 60.5
"""Seconds within which the calls of a minute are counted."""

# From the interface's own page.
PER_MINUTE_OF: Final[Mapping[str, int]] = {"stock_basic": 50}

# The day of the server's quota. Without daylight saving time since 1991, so an offset will do.
_SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
_MARGIN: Final = 0.5
_DAY: Final = 86_400.0


def silent(seconds: float, why: str) -> None:
    """Tell nobody about a wait."""


class CallLimits:
    """Lets one call after the other pass as soon as every limit allows it. For one thread."""

    def __init__(
        self,
        clock: Clock,
        per_minute: int,
        per_day: int | None = None,
        per_minute_of: Mapping[str, int] = PER_MINUTE_OF,
        memory: Path | None = None,
    ) -> None:
        """Start with what `memory` tells of the last minute and of today, else with nothing.

        Args:
            clock: what tells the time and waits.
            per_minute: calls of all interfaces together.
            per_day: calls of all interfaces together on one day in Shanghai, None where there is no such limit.
            per_minute_of: lower limits of single interfaces.
            memory: a file that keeps the count over restarts; it holds moments and interfaces, nothing else.
        """
        for limit in (per_minute, *per_minute_of.values(), *(() if per_day is None else (per_day,))):
            if limit < 1:
                raise ValueError(f"expected limits of at least one call, got {limit}")
        self._clock = clock
        self._per_minute = per_minute
        self._per_day = per_day
        self._per_minute_of = dict(per_minute_of)
        self._memory = memory
        # Moment in seconds since 1970 and interface of each call that may still count, oldest first.
        self._calls: list[tuple[float, str]] = []
        self._day = ""
        self._today = 0
        self._recall()

    def wait(self, api: str, on_wait: Callable[[float, str], None] = silent) -> None:
        """Come back when one more call of `api` is within every limit, and count it.

        Args:
            api: the interface that will be called.
            on_wait: told before each wait: seconds, and why.
        """
        while True:
            self._forget()
            pause, why = max(self._for_the_minute(api), self._for_the_day())
            if pause <= 0:
                break
            on_wait(pause, why)
            self._clock.sleep(pause)
        self._calls.append((self._now(), api))
        self._today += 1
        self._remember()

    def answered(self) -> None:
        """Say that the call that was let pass last is over: the server has counted it by now, and maybe just now."""
        if not self._calls:
            return
        sent, api = self._calls.pop()
        self._forget()
        self._calls.append((max(sent, self._now()), api))
        # Sent before midnight and counted after it, or not: it is taken for both days.
        self._today = max(self._today, 1)
        self._remember()

    def estimate(self, calls: int, api_counts: Mapping[str, int] | None = None) -> float:
        """Seconds that so many further calls take at least, until the last one is sent.

        Args:
            calls: how many, of all interfaces together.
            api_counts: how many of them go to an interface with a limit of its own.
        """
        self._forget()
        now = self._now()
        longest = _last_of(calls, self._per_minute, [sent for sent, _ in self._calls], now)
        for api, count in (api_counts or {}).items():
            own = [sent for sent, name in self._calls if name == api]
            longest = max(longest, _last_of(count, self._per_minute_of.get(api, self._per_minute), own, now))
        later = calls - (self._per_day - self._today) if self._per_day is not None else 0
        if self._per_day is None or later <= 0:
            return longest
        days, rest = divmod(later - 1, self._per_day)
        midnight = self._to_midnight() + days * _DAY
        return max(longest, midnight + _last_of(rest + 1, self._per_minute, [], now))

    def _for_the_minute(self, api: str) -> tuple[float, str]:
        sent = [moment for moment, _ in self._calls]
        own = [moment for moment, name in self._calls if name == api]
        waits = [(self._until_free(sent, self._per_minute), f"pacing: {self._per_minute} calls a minute at most")]
        if api in self._per_minute_of:
            limit = self._per_minute_of[api]
            waits.append((self._until_free(own, limit), f"pacing: {limit} calls of {api} a minute at most"))
        return max(waits)

    def _until_free(self, sent: list[float], limit: int) -> float:
        if len(sent) < limit:
            return 0.0
        # Whole milliseconds, rounded up: else a rest that no clock can wait for would remain.
        return math.ceil((sent[-limit] + WINDOW - self._now()) * 1000) / 1000

    def _for_the_day(self) -> tuple[float, str]:
        if self._per_day is None or self._today < self._per_day:
            return 0.0, ""
        pause = self._to_midnight()
        hours, minutes = divmod(math.ceil(pause / 60), 60)
        return pause, (
            f"pacing: all {self._per_day} calls of today are made, and the next day begins in Shanghai in "
            f"{hours} h {minutes} min"
        )

    def _to_midnight(self) -> float:
        now = self._clock.now().astimezone(_SHANGHAI)
        midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), _SHANGHAI)
        return (midnight - now).total_seconds() + _MARGIN

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _forget(self) -> None:
        """Drop what no longer counts. A clock that was set back must not make yesterday's calls lie in the future."""
        now = self._now()
        self._calls = [(min(sent, now), api) for sent, api in self._calls if sent + WINDOW > now]
        day = self._clock.now().astimezone(_SHANGHAI).date().isoformat()
        if day != self._day:
            self._day, self._today = day, 0

    def _recall(self) -> None:
        if self._memory is None:
            return
        # Half a file, another's file, none: the count starts afresh, and the server's refusals are the safety net.
        with suppress(OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            kept = json.loads(self._memory.read_text(encoding="utf-8"))
            calls = sorted((float(sent), str(api)) for sent, api in kept["calls"])
            day, today = str(kept["day"]), int(kept["today"])
            if today >= 0 and all(math.isfinite(sent) for sent, _ in calls):
                self._calls, self._day, self._today = calls, day, today
        self._forget()

    def _remember(self) -> None:
        if self._memory is None:
            return
        # A full disk or a folder that may not be written: pacing goes on from what this process knows.
        with suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            kept = {"day": self._day, "today": self._today, "calls": self._calls}
            _replace(self._memory, json.dumps(kept, separators=(",", ":")))


def _replace(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f"{path.name}.", suffix=".draft", delete=False
    ) as half:
        new = Path(half.name)
        try:
            half.write(text)
            half.close()
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise


def _last_of(calls: int, limit: int, sent: list[float], now: float) -> float:
    """Seconds from `now` until the last of `calls` further calls may be sent, after those at `sent`."""
    moments = list(sent)
    for _ in range(calls):
        moments.append(now if len(moments) < limit else max(now, moments[-limit] + WINDOW))
    return max(0.0, moments[-1] - now) if calls > 0 else 0.0
