from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from data.coverage import Coverage
from data.providers.tushare.plan import Span
from data.providers.tushare.wanted import Anchor, Wanted, is_index, wanted_spans

# Monday to Friday of four weeks: sessions 0 to 19, 2024-03-04 to 2024-03-29.
DAYS = np.arange(np.datetime64("2024-03-04"), np.datetime64("2024-03-30"))
DAYS = DAYS[np.is_busday(DAYS)]
START, END = date(2024, 3, 4), date(2024, 3, 29)
A = "600000.SH"


def day(number: int) -> date:
    found: date = DAYS[number].item()
    return found


def told(*spans: tuple[int, int], symbol: str = A, bars: int | None = None) -> Coverage:
    """Spans that were told, with a bar a session, or so many bars in the first of them."""
    coverage = Coverage()
    for first, last in spans:
        coverage.add(symbol, day(first), day(last), last - first + 1 if bars is None else bars)
        bars = 0 if bars is not None else None
    return coverage


def want(coverage: Coverage | None = None, **changes: Any) -> Wanted:
    """What is wanted of A; as many bars are held as were told unless said otherwise."""
    coverage = coverage or Coverage()
    settings: dict[str, Any] = {
        "start": START,
        "end": END,
        "lives": {A: (date(2000, 1, 4), None)},
        "coverage": coverage,
        "held": {A: coverage.bars(A)},
        "newest": {},
        "onwards": False,
        "recheck": False,
    }
    return wanted_spans([A], DAYS, **{**settings, **changes})


def test_nothing_held_is_all_wanted() -> None:
    found = want()
    assert found.spans == found.fresh == [Span(A, 0, 19)]
    assert found.anchors == {}
    assert found.whole == {A: Span(A, 0, 19)}


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (date(2024, 3, 2), date(2024, 3, 31), 0, 19),  # weekends before and after
        (date(2024, 3, 9), date(2024, 3, 17), 5, 9),  # from one weekend to the next
        (date(2024, 3, 13), date(2024, 3, 13), 7, 7),
    ],
)
def test_days_become_sessions(start: date, end: date, first: int, last: int) -> None:
    assert want(start=start, end=end).fresh == [Span(A, first, last)]


def test_a_weekend_is_no_session() -> None:
    assert want(start=date(2024, 3, 9), end=date(2024, 3, 10)).spans == []


def test_a_life_is_wanted_from_the_listing_to_the_day_before_the_delisting() -> None:
    found = want(lives={A: (day(3), day(12))})
    assert found.fresh == [Span(A, 3, 11)]
    assert found.ended == {A}
    assert found.unlisted == set()
    assert want(lives={A: (date(2024, 4, 1), None)}).spans == []
    assert want(lives={A: (date(2000, 1, 4), date(2010, 1, 4))}).spans == []
    assert want(lives={A: (day(3), date(2024, 4, 1))}).ended == set()


def test_an_unknown_listing_may_be_any_day() -> None:
    found = want(lives={})
    assert found.fresh == [Span(A, 0, 19)]
    assert found.unlisted == {A}
    assert found.born == {A: 0}


def test_what_is_new_is_asked_for_from_the_newest_bar_on() -> None:
    found = want(told((0, 9)), newest={A: (day(9), 2.5)})
    assert found.spans == found.fresh == [Span(A, 9, 19)]
    assert found.anchors == {A: Anchor(9, 2.5)}


def test_the_newest_bar_of_a_share_that_has_been_suspended_since_lies_further_back() -> None:
    found = want(told((0, 9), bars=7), newest={A: (day(6), 2.5)})
    assert found.fresh == [Span(A, 6, 19)]
    assert found.anchors == {A: Anchor(6, 2.5)}


def test_what_lies_before_is_asked_for_apart() -> None:
    found = want(told((5, 9)), newest={A: (day(9), 2.5)})
    assert found.fresh == [Span(A, 9, 19)]
    assert found.behind == [Span(A, 0, 4)]


def test_holes_are_asked_for_apart() -> None:
    found = want(told((0, 2), (5, 9), (12, 19)), newest={A: (day(19), 2.5)})
    assert found.fresh == [Span(A, 19, 19)]
    assert found.behind == [Span(A, 3, 4), Span(A, 10, 11)]


def test_all_told_is_asked_for_nothing_but_the_newest_bar() -> None:
    found = want(told((0, 19)), newest={A: (day(19), 2.5)})
    assert found.spans == [Span(A, 19, 19)]


def test_an_end_before_the_newest_bar_asks_for_it_only_with_something_else() -> None:
    assert want(told((0, 19)), newest={A: (day(19), 2.5)}, end=day(9)).spans == []
    found = want(told((5, 19)), newest={A: (day(19), 2.5)}, end=day(9))
    assert found.fresh == [Span(A, 19, 19)]
    assert found.behind == [Span(A, 0, 4)]
    assert found.whole == {A: Span(A, 0, 19)}


def test_the_delisted_are_not_asked_again() -> None:
    lives = {A: (date(2000, 1, 4), day(12))}
    found = want(told((0, 11), bars=9), newest={A: (day(8), 2.5)}, lives=lives)
    assert found.spans == []
    assert want(told((0, 10), bars=9), newest={A: (day(8), 2.5)}, lives=lives).spans == [Span(A, 8, 11)]


def test_a_share_without_a_single_bar_is_asked_for_what_is_new() -> None:
    assert want(told((0, 9), bars=0)).spans == [Span(A, 10, 19)]
    assert want(told((0, 19), bars=0)).spans == []


def test_an_index_is_asked_again_but_has_nothing_to_compare() -> None:
    symbol = "000300.SH"
    coverage = told((0, 9), symbol=symbol)
    found = wanted_spans(
        [symbol],
        DAYS,
        start=START,
        end=END,
        lives={},
        coverage=coverage,
        held={symbol: 10},
        newest={symbol: (day(9), 1.0)},
        onwards=False,
        recheck=False,
    )
    assert found.fresh == [Span(symbol, 9, 19)]
    assert found.anchors == {}


def test_a_narrow_request_still_knows_the_whole_history() -> None:
    found = want(told((2, 9)), newest={A: (day(9), 2.5)}, start=day(8))
    assert found.whole == {A: Span(A, 2, 19)}


def test_bars_that_nothing_was_recorded_of_may_lie_anywhere() -> None:
    found = want(told((8, 9)), held={A: 5}, newest={A: (day(9), 2.5)}, start=day(8), lives={A: (day(1), None)})
    assert found.whole == {A: Span(A, 1, 19)}
    found = want(held={A: 5}, newest={A: (day(12), 2.5)}, start=day(8), lives={A: (day(1), None)})
    assert found.fresh == [Span(A, 12, 19)]
    assert found.behind == [Span(A, 8, 11)]
    assert found.whole == {A: Span(A, 1, 19)}


def test_lost_bars_are_asked_for_again_and_told() -> None:
    found = want(told((0, 9)), held={A: 8}, newest={A: (day(9), 2.5)})
    assert found.fresh == [Span(A, 9, 19)]
    assert found.behind == [Span(A, 0, 8)]
    assert found.notes == [f"{A}: the store holds 8 bars and had 10; its history is asked for again"]


def test_a_recheck_asks_for_all_that_is_held() -> None:
    found = want(told((2, 9)), newest={A: (day(9), 2.5)}, start=day(8), recheck=True)
    assert found.spans == found.again == [Span(A, 2, 19)]
    assert want(recheck=True).spans == [Span(A, 0, 19)]


def test_onwards_goes_on_from_what_was_told() -> None:
    found = want(told((5, 9)), newest={A: (day(9), 2.5)}, onwards=True)
    assert found.spans == [Span(A, 9, 19)]


def test_a_newest_bar_of_no_session_is_not_compared() -> None:
    found = want(held={A: 1}, newest={A: (date(2024, 3, 9), 2.5)})
    assert found.fresh == [Span(A, 0, 19)]
    assert found.anchors == {}


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("000300.SH", True),
        ("000001.SH", True),
        ("399001.SZ", True),
        ("899050.BJ", True),
        ("000001.SZ", False),
        ("600000.SH", False),
        ("300399.SZ", False),
        ("AAPL", False),
    ],
)
def test_indices_are_known_by_their_number(symbol: str, expected: bool) -> None:
    assert is_index(symbol) is expected
