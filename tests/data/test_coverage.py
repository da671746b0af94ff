from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from data.coverage import Coverage, Covered
from tests.data.tables import several

ZERO = date(2024, 1, 1)


def day(number: int) -> date:
    return ZERO + timedelta(days=number)


@several
@given(spans=st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 30), st.integers(0, 8)), max_size=12))
def test_it_holds_the_days_of_all_spans_and_counts_each_bar_once(spans: list[tuple[str, int, int]]) -> None:
    coverage, days = Coverage(), {"A": set[int](), "B": set[int]()}
    for symbol, first, length in spans:
        own = set(range(first, first + length + 1))
        # A bar a day.
        coverage.add(symbol, day(first), day(first + length), len(own - days[symbol]))
        days[symbol] |= own
    for symbol, own in days.items():
        assert {number for number in range(-2, 45) if coverage.holds(symbol, day(number))} == own
        assert coverage.bars(symbol) == len(own)
        told = coverage.of(symbol)
        assert all(one.first <= one.through for one in told)
        # Spans are as long as they can be, so that two of them have a day between them.
        assert all(one.through + timedelta(days=1) < two.first for one, two in pairwise(told))
    assert list(coverage) == sorted(symbol for symbol, own in days.items() if own)
    again = Coverage(coverage.frame())
    assert {symbol: again.of(symbol) for symbol in again} == {symbol: coverage.of(symbol) for symbol in coverage}


def test_spans_that_touch_become_one() -> None:
    coverage = Coverage()
    coverage.add("A", day(5), day(6), 2)
    coverage.add("A", day(0), day(3), 3)
    assert coverage.of("A") == (Covered(day(0), day(3), 3), Covered(day(5), day(6), 2))
    coverage.add("A", day(4), day(4), 0)
    assert coverage.of("A") == (Covered(day(0), day(6), 5),)


def test_what_is_forgotten_is_not_covered() -> None:
    coverage = Coverage()
    coverage.add("A", day(0), day(3), 3)
    coverage.forget("A")
    coverage.forget("never there")
    assert coverage.of("A") == ()
    assert (coverage.bars("A"), coverage.holds("A", day(1)), list(coverage)) == (0, False, [])


def test_a_question_adds_nothing() -> None:
    coverage = Coverage()
    assert coverage.of("A") == ()
    assert not coverage.holds("A", day(0))
    assert list(coverage) == []


def test_a_table_without_rows_has_its_types() -> None:
    frame = Coverage().frame()
    assert frame.dtypes.astype(str).to_dict() == {
        "symbol": "str",
        "first": "datetime64[s]",
        "through": "datetime64[s]",
        "bars": "int64",
    }
    assert list(Coverage(frame)) == []
    assert list(Coverage(pd.DataFrame(frame))) == []
