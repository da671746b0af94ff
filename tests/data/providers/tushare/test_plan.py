from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.providers.tushare.plan import Piece, Span, cover
from tests.data.tables import several


@st.composite
def wanted(draw: st.DrawFn) -> list[Span]:
    """Up to 12 symbols, each with one or two spans apart from each other."""
    spans = []
    for position in range(draw(st.integers(0, 12))):
        ends = draw(st.lists(st.integers(0, 40), min_size=2, max_size=4, unique=True).filter(lambda one: len(one) != 3))
        for first, last in zip(sorted(ends)[::2], sorted(ends)[1::2], strict=True):
            spans.append(Span(f"S{position:02}", first, last))
    return draw(st.permutations(spans))


def cells(spans: Sequence[Span]) -> Counter[tuple[str, int]]:
    return Counter((span.symbol, number) for span in spans for number in range(span.first, span.last + 1))


@several
@given(spans=wanted(), rows=st.integers(1, 60), codes=st.integers(1, 8), market=st.booleans())
def test_pieces_hold_every_span_once_and_no_answer_is_too_long(
    spans: list[Span], rows: int, codes: int, market: bool
) -> None:
    pieces = cover(spans, rows=rows, codes=codes, market=market)
    assert cells([span for piece in pieces for span in piece.spans]) == cells(spans)
    assert [piece.first for piece in pieces] == sorted(piece.first for piece in pieces)
    for piece in pieces:
        assert (piece.first, piece.last) == (
            min(span.first for span in piece.spans),
            max(span.last for span in piece.spans),
        )
        if piece.market:
            assert market
            assert piece.first == piece.last
        else:
            assert len(piece.symbols) <= codes
            assert len(piece.symbols) * (piece.last - piece.first + 1) <= rows


@several
@given(spans=wanted(), rows=st.integers(1, 60), codes=st.integers(1, 8), market=st.booleans())
def test_no_simpler_way_has_fewer_calls(spans: list[Span], rows: int, codes: int, market: bool) -> None:
    calls = len(cover(spans, rows=rows, codes=codes, market=market))
    by_symbol = sum(math.ceil((span.last - span.first + 1) / rows) for span in spans)
    each_day = Counter(number for _, number in cells(spans))
    by_date = sum(1 if market else math.ceil(symbols / min(codes, rows)) for symbols in each_day.values())
    assert calls <= min(by_symbol, by_date)
    if not market:
        assert calls >= math.ceil(cells(spans).total() / rows)


def fewest(symbols: int, sessions: int, rows: int, codes: int) -> int:
    """Calls for all sessions of all symbols, by trying every set of calls: a bit a cell."""
    calls = []
    for size in range(1, min(symbols, codes) + 1):
        for chosen, first, last in product(combinations(range(symbols), size), range(sessions), range(sessions)):
            if first <= last and size * (last - first + 1) <= rows:
                calls.append(sum(1 << (one * sessions + day) for one in chosen for day in range(first, last + 1)))

    @cache
    def rest(covered: int) -> int:
        free = ~covered & (1 << symbols * sessions) - 1
        if not free:
            return 0
        lowest = free & -free
        return 1 + min(rest(covered | call) for call in calls if call & lowest)

    return rest(0)


@pytest.mark.parametrize(("symbols", "sessions"), [(1, 4), (2, 3), (2, 4), (3, 2), (3, 3), (3, 4)])
def test_the_fewest_calls_of_all(symbols: int, sessions: int) -> None:
    spans = [Span(f"S{one}", 0, sessions - 1) for one in range(symbols)]
    for rows, codes in product(range(1, symbols * sessions + 1), range(1, symbols + 1)):
        found = cover(spans, rows=rows, codes=codes, market=False)
        assert len(found) == fewest(symbols, sessions, rows, codes), (rows, codes)


def test_the_whole_market_for_a_day_is_one_call() -> None:
    spans = [Span(f"{number:06}.SZ", 7, 7) for number in range(5400)]
    (piece,) = cover(spans, rows=5999, codes=100, market=True)
    assert (piece.first, piece.last, piece.market, len(piece.spans)) == (7, 7, True, 5400)
    # Without: 5,400 symbols at 100 a call.
    assert len(cover(spans, rows=5999, codes=100, market=False)) == 54


def test_ten_years_of_three_symbols_are_two_calls() -> None:
    # 3 x 2,430 = 7,290 rows, and 5,999 fit into one call.
    spans = [Span(name, 0, 2429) for name in ("A", "B", "C")]
    assert len(cover(spans, rows=5999, codes=100, market=True)) == 2


def test_ten_years_of_three_hundred_symbols() -> None:
    # 100 codes leave room for 59 sessions; 3 calls for each of ceil(2430 / 59) = 42 windows are 126. Fewer codes over
    # more sessions fill a call better: 2 symbols x 2,430 = 4,860 rows need 150, 60 x 99 = 5,940 rows only 5 x 25 = 125,
    # and no way can do with fewer than ceil(729,000 / 5,999) = 122.
    spans = [Span(f"S{one:03}", 0, 2429) for one in range(300)]
    assert 122 <= len(cover(spans, rows=5999, codes=100, market=True)) <= 125


def test_staggered_spans_are_not_cut_at_each_others_ends() -> None:
    # Either is one call; windows of 10 sessions over both of them would be three.
    spans = [Span("A", 0, 9), Span("B", 5, 14)]
    assert cover(spans, rows=10, codes=1, market=False) == [Piece(0, 9, (spans[0],)), Piece(5, 14, (spans[1],))]


def test_nothing_is_no_call() -> None:
    assert cover([], rows=10, codes=10, market=True) == []


def test_far_ends_of_one_symbol_do_not_share_a_call_with_all_that_lies_between() -> None:
    spans = [Span("A", 0, 0), Span("A", 99, 99)]
    assert len(cover(spans, rows=100, codes=10, market=False)) == 1
    assert len(cover(spans, rows=99, codes=10, market=False)) == 2


def test_halves_cover_the_same_and_drop_what_nobody_wants() -> None:
    spans = (Span("A", 8, 9), Span("B", 9, 9))
    piece = Piece(0, 9, spans)
    assert piece.halves(100) == (Piece(8, 9, spans),)
    first, second = Piece(8, 9, spans).halves(100)
    assert (first, second) == (Piece(8, 8, (Span("A", 8, 8),)), Piece(9, 9, (Span("A", 9, 9), Span("B", 9, 9))))
    assert second.halves(100) == (Piece(9, 9, (Span("A", 9, 9),)), Piece(9, 9, (Span("B", 9, 9),)))
    assert first.halves(100) == ()


def test_the_market_is_cut_into_calls_by_name() -> None:
    spans = tuple(Span(f"S{one}", 3, 3) for one in range(5))
    halves = Piece(3, 3, spans, market=True).halves(2)
    assert [half.symbols for half in halves] == [("S0", "S1"), ("S2", "S3"), ("S4",)]
    assert not any(half.market for half in halves)


def test_the_part_within_a_window() -> None:
    assert Span("A", 3, 8).within(5, 20) == Span("A", 5, 8)
    assert Span("A", 3, 8).within(9, 20) is None
    assert Span("A", 3, 8).within(0, 2) is None
    assert Piece(0, 9, (Span("A", 3, 8),)).within(0, 4) == Piece(3, 4, (Span("A", 3, 4),))
    assert Piece(0, 9, (Span("A", 3, 8),)).within(0, 2) is None
