"""Why something that was asked for cannot be worked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from data.bars import Reason
from data.errors import CalendarBounds, shown

# What each of the rules wants, for people.
_WANTED: Final[Mapping[Reason, str]] = {
    Reason.IN_THE_FUTURE: "expected a day that has come",
    Reason.MISSING_VALUE: "expected a number; adj_factor may stand in every bar or in none",
    Reason.NOT_A_NUMBER: "expected finite numbers",
    Reason.NOT_POSITIVE: "expected prices above 0",
    Reason.INCONSISTENT_RANGE: "expected no price above high and none below low",
    Reason.NEGATIVE_VOLUME: "expected volume and amount from 0 on",
    Reason.BAD_FACTOR: "expected an adj_factor above 0",
    Reason.DUPLICATE: "expected every session once, and another row says the same of it",
    Reason.CONFLICTING: "expected every session once, and another row says otherwise of it",
}


class AskedError(Exception):
    """Base of these errors."""


class BadBody(AskedError):
    """The body of a request is not of the form that can be read.

    Attributes:
        where: the part of it.
        why: what was expected there.
    """

    def __init__(self, where: Sequence[str | int], why: str) -> None:
        self.where = tuple(where)
        self.why = why
        # A name that the caller made up may stand in the place.
        super().__init__(f"{shown('.'.join(map(str, ('body', *where))), 60)}: {why[:200]}")


class BadBar(AskedError):
    """A bar that the caller sent breaks a rule of `data.bars`.

    Attributes:
        row: its position in what was sent, from 0.
        rule: the rule, as `data.bars.Reason` names it.
        session: its day.
    """

    def __init__(self, row: int, rule: Reason, session: date) -> None:
        self.row = row
        self.rule = str(rule)
        self.session = session
        super().__init__(f"bars[{row}], the session of {session}: {rule}: {_WANTED[rule]}")


class ExtremeBars(AskedError):
    """Bars that keep every rule and still lead to no finite forecast."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        super().__init__(
            f"no finite forecast comes of these bars of {symbol}: their numbers are too large or too small"
        )


class DayUnknown(AskedError):
    """The session to forecast lies outside the calendar of the exchange."""

    def __init__(self, bounds: CalendarBounds) -> None:
        self.exchange = bounds.exchange
        super().__init__(
            f"the session after the last bar is not known: the trading days of {bounds.exchange} are known "
            f"from {bounds.first} to {bounds.last}"
        )


class NeedsOthers(AskedError):
    """The model's features need the bars of more symbols than one answer takes."""

    def __init__(self, symbols: int, most: int) -> None:
        self.needed = symbols
        super().__init__(
            f"the model's features need the bars of {symbols} symbols on the same sessions, and at most {most} are "
            "taken for one answer; GET /v1/forecasts/{symbol} has the newest forecasts, and "
            "forecaster predict --as-of the earlier ones"
        )
