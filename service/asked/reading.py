"""A request's body -> what is asked for, checked for its form. What bars must be beside that, `own_bars` checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from data.bars import PRICES
from service.asked.errors import BadBody
from service.schemas.requests import MANY_SYMBOLS, OWN_BARS

Days = np.ndarray[Any, np.dtype[np.datetime64]]
Numbers = dict[str, np.ndarray[Any, np.dtype[np.float64]]]

_REQUIRED: Final = (*PRICES, "volume")
_MAY_BE_ABSENT: Final = ("amount", "adj_factor")
_1970: Final = 719_163  # the day's number where 0001-01-01 has 1

# Errors that only say that the bars are not in the other of their two forms.
_OTHER_FORM: Final = frozenset(("list_type", "dict_type"))


@dataclass(frozen=True, slots=True)
class Sent:
    """Bars of one symbol as they were sent.

    Attributes:
        symbol: well-formed, of an exchange that is known.
        session: `(n,) datetime64[D]`, in the order sent.
        numbers: the other columns of `data.bars` by name, `(n,) float64`, NaN where nothing was sent.
    """

    symbol: str
    session: Days
    numbers: Numbers

    def __len__(self) -> int:
        """How many bars are whole."""
        return min(len(self.session), *map(len, self.numbers.values()))

    def require_even(self) -> None:
        """Raises `BadBody` where columns are not of one length."""
        count = len(self.session)
        for name, column in self.numbers.items():
            if len(column) != count:
                raise BadBody(("bars", name), f"expected as many as sessions, {count}, got {len(column)}")


def read(body: bytes, most_symbols: int) -> tuple[str, ...] | Sent:
    """The symbols that are asked for, or the bars that were sent.

    Args:
        body: JSON.
        most_symbols: in one request.

    Raises:
        BadBody: it is neither.
    """
    # No symbol of a list can be one of these names.
    if b'"bars"' in body or b'"symbol"' in body:
        return _sent(body)
    try:
        symbols: list[str] = MANY_SYMBOLS.validate_json(body)["symbols"]
    except ValidationError as error:
        raise _told(error) from None
    if len(symbols) > most_symbols:
        raise BadBody(("symbols",), f"expected at most {most_symbols} symbols, got {len(symbols)}; ask in parts")
    if len(set(symbols)) < len(symbols):
        twice = next(position for position, one in enumerate(symbols) if symbols.index(one) < position)
        raise BadBody(("symbols", twice), f"expected every symbol once, and {symbols[twice]} comes again")
    return tuple(symbols)


def _sent(body: bytes) -> Sent:
    try:
        found = OWN_BARS.validate_json(body)
    except ValidationError as error:
        raise _told(error) from None
    bars: Any = found["bars"]
    session, numbers = _of_columns(bars) if isinstance(bars, dict) else _of_rows(bars)
    return Sent(found["symbol"], session, numbers)


def _of_columns(bars: Mapping[str, Sequence[Any]]) -> tuple[Days, Numbers]:
    days = _days(bars["session"])
    return days, _numbers({name: column for name, column in bars.items() if name != "session"}, len(days))


def _of_rows(bars: Sequence[Mapping[str, Any]]) -> tuple[Days, Numbers]:
    columns: dict[str, Sequence[Any]] = dict(
        zip(_REQUIRED, zip(*map(itemgetter(*_REQUIRED), bars), strict=True), strict=True)
    )
    for name in _MAY_BE_ABSENT:
        column = [bar.get(name) for bar in bars]
        if any(cell is not None for cell in column):
            columns[name] = column
    return _days([bar["session"] for bar in bars]), _numbers(columns, len(bars))


def _days(days: Sequence[Any]) -> Days:
    numbers = np.fromiter((day.toordinal() for day in days), dtype=np.int64, count=len(days))
    return (numbers - _1970).view("datetime64[D]")


def _numbers(columns: Mapping[str, Sequence[float | None]], count: int) -> Numbers:
    made = {name: np.array(column, dtype=np.float64) for name, column in columns.items()}
    return {"amount": np.full(count, np.nan), "adj_factor": np.ones(count), **made}


def _told(error: ValidationError) -> BadBody:
    """The first thing that is wrong, without the value that was sent."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    first = next((one for one in errors if one["type"] not in _OTHER_FORM or len(errors) == 1), errors[0])
    # The form of the bars that was tried is a name of ours, no part of what was sent.
    where = [part for part in first["loc"] if part != "Columns" and not str(part).startswith("list[")]
    return BadBody([*where], first["msg"])
