"""Which session's pass is to be run now, and when the next one will be.

A pass belongs to the newest session whose bars are due. It is run until the session that it forecasts opens: a
forecast that is made later is none. Sessions whose passes were not run by then are missed, and said to be.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from data.errors import CalendarBounds
from data.sessions import ExchangeSessions


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done at a moment. Exchanges are ISO 10383 codes.

    Attributes:
        now: by exchange the session whose pass is to be run; one pass does them all.
        past: by exchange the session up to which nothing can be done any more, where that is news.
        missed: by exchange the sessions whose passes were never run in time, oldest first.
        opens: when the first session opens that they forecast; None where there is nothing to be done.
        next_due: when the next pass that is not to be run yet will be; None where no calendar tells.
        unknown: by exchange why its calendar does not tell; nothing is run for it.
    """

    now: Mapping[str, date]
    past: Mapping[str, date]
    missed: Mapping[str, tuple[date, ...]]
    opens: datetime | None
    next_due: datetime | None
    unknown: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _One:
    """The same of one exchange."""

    now: date | None
    past: date | None
    missed: tuple[date, ...]
    opens: datetime
    next_due: datetime


def due(
    calendars: Mapping[str, ExchangeSessions],
    now: datetime,
    handled: Mapping[str, date],
    after_close: timedelta,
    given_up: Collection[tuple[str, date]] = (),
) -> Due:
    """What is to be done at `now`.

    Args:
        calendars: by exchange its sessions.
        now: the present, with a time zone.
        handled: by exchange the newest session whose pass was done or missed. A clock that was set back leads to no
            session a second time; an exchange that is not there has missed nothing.
        after_close: how long after a session's close its pass is due; less than till the next one opens.
        given_up: exchanges and sessions that were missed. By a clock that was ahead they were too early: where what
            they forecast has not opened, they are run all the same.
    """
    found: dict[str, _One] = {}
    unknown: dict[str, str] = {}
    for exchange, sessions in calendars.items():
        try:
            own = frozenset(session for where, session in given_up if where == exchange)
            found[exchange] = _of(sessions, now, handled.get(exchange), after_close, own)
        except CalendarBounds as error:
            unknown[exchange] = str(error)
    return Due(
        now={exchange: one.now for exchange, one in found.items() if one.now},
        past={exchange: one.past for exchange, one in found.items() if one.past},
        missed={exchange: one.missed for exchange, one in found.items() if one.missed},
        opens=min((one.opens for one in found.values() if one.now), default=None),
        next_due=min((one.next_due for one in found.values()), default=None),
        unknown=unknown,
    )


def _of(
    sessions: ExchangeSessions,
    now: datetime,
    handled: date | None,
    after_close: timedelta,
    given_up: frozenset[date],
) -> _One:
    """One exchange. Raises `CalendarBounds` where a session that counts lies beyond what is known."""
    newest = sessions.last_due(now, after_close)
    after_newest = sessions.next_session(newest)
    if newest in given_up and now < _moment(sessions.opening(after_newest)):
        next_due = _moment(sessions.closing(after_newest)) + after_close
        return _One(newest, None, (), _moment(sessions.opening(after_newest)), next_due)
    following = after_newest if handled is None else sessions.next_session(max(newest, handled))
    opens, next_due = _moment(sessions.opening(following)), _moment(sessions.closing(following)) + after_close
    if handled is not None and handled >= newest:
        return _One(None, None, (), opens, next_due)
    between = () if handled is None else _between(sessions, handled, newest)
    if now < opens:
        # What lies before is past, whatever becomes of this one.
        return _One(newest, between[-1] if between else None, between, opens, next_due)
    return _One(None, newest, () if handled is None else (*between, newest), opens, next_due)


def _between(sessions: ExchangeSessions, first: date, last: date) -> tuple[date, ...]:
    """The sessions after `first` and before `last`."""
    return tuple(one for one in sessions.between(first, last).tolist() if first < one < last)


def _moment(found: datetime | None) -> datetime:
    """Of a day that `next_session` named, which is a session."""
    assert found is not None
    return found
