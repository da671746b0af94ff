from __future__ import annotations

import inspect
import re
from datetime import date

import pytest

from data import errors
from data.errors import CalendarBounds, DataError, MissingColumns, TooFewBars, UnknownSymbol, shown


def test_the_docstring_shows_the_whole_tree() -> None:
    drawn = set(re.findall(r"^    (?:[│ ]*[├└]── )?([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE))
    there = {name for name, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, DataError)}
    assert drawn == there


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "'a'"), ("a\nb", r"'a\nb'"), ("é", r"'\xe9'"), (3, "'3'"), ("x" * 50, "'" + "x" * 38 + "…")],
)
def test_a_shown_value_is_quoted_printable_and_cut(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (MissingColumns("a.csv", ["close", "open"], ["Date", "Px"]), ["a.csv", "close, open", "'Date', 'Px'", "--map"]),
        (UnknownSymbol("ZZ", [f"A{n}" for n in range(20)]), ["ZZ", "20 symbols", "A7, …", "forecaster fetch ZZ"]),
        (TooFewBars("AAPL", 60, 12), ["AAPL", "60", "12"]),
        (
            CalendarBounds("XSHG", date(2027, 1, 4), date(1990, 12, 3), date(2026, 12, 31)),
            ["XSHG", "1990-12-03 to 2026-12-31", "2027-01-04"],
        ),
    ],
)
def test_a_message_says_what_came_what_was_expected_and_what_to_do(error: DataError, parts: list[str]) -> None:
    for part in parts:
        assert part in str(error)
