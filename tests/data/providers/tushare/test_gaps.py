from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from data.providers.tushare.gaps import among, as_coverage, holding, joined, numbered, runs, sessions_of, without
from data.providers.tushare.plan import Span
from tests.data.tables import several

DAYS = np.array(["2024-03-07", "2024-03-08", "2024-03-11", "2024-03-12"], dtype="datetime64[D]")

pairs = st.sets(st.tuples(st.sampled_from(["A", "B"]), st.integers(0, 12)))


def table(rows: Sequence[tuple[str, int]]) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=["symbol", "number"])
    return made.astype({"symbol": "str", "number": "int64"})


def content(sessions: pd.DataFrame) -> list[tuple[str, int]]:
    return sorted(sessions.itertuples(index=False, name=None))


def test_sessions_are_numbered_and_other_days_are_none() -> None:
    told = pd.DataFrame({"trade_date": ["20240308", "20240309", "20240312", "20240101", "20240401", "20241399", None]})
    assert numbered(told, DAYS, "trade_date").tolist() == [1, -1, 3, -1, -1, -1, -1]
    assert numbered(told.assign(session=told["trade_date"]), DAYS[:0]).tolist() == [-1] * 7


def test_every_session_of_every_span() -> None:
    assert content(sessions_of([Span("A", 2, 4), Span("B", 3, 3)])) == [("A", 2), ("A", 3), ("A", 4), ("B", 3)]
    assert sessions_of([]).empty


@several
@given(some=pairs, others=pairs)
def test_differences_are_those_of_sets(some: set[tuple[str, int]], others: set[tuple[str, int]]) -> None:
    ours, theirs = table(sorted(some)), table(sorted(others))
    assert content(without(ours, theirs)) == sorted(some - others)
    assert content(ours[among(ours, theirs)]) == sorted(some & others)
    assert content(joined([ours, theirs])) == sorted(some | others)


@several
@given(some=pairs)
def test_runs_are_as_long_as_they_can_be_and_hold_the_same(some: set[tuple[str, int]]) -> None:
    found = runs(table(list(some)))
    assert content(sessions_of(found)) == sorted(some)
    for one, following in pairwise(found):
        assert one.symbol < following.symbol or one.last + 1 < following.first


@several
@given(some=pairs)
def test_spans_that_hold_any_of_some_sessions(some: set[tuple[str, int]]) -> None:
    spans = [Span("A", 0, 3), Span("A", 5, 5), Span("B", 2, 9)]
    expected = [one for one in spans if any(one.symbol == symbol and one.first <= n <= one.last for symbol, n in some)]
    assert holding(spans, table(sorted(some))) == expected
    assert holding([], table(sorted(some))) == []


def test_a_pause_belongs_to_the_session_after_it() -> None:
    found = as_coverage(table([("A", 1), ("A", 2), ("B", 0), ("B", 3)]), DAYS)
    assert found.astype(str).to_numpy().tolist() == [
        ["A", "2024-03-08", "2024-03-11"],
        ["B", "2024-03-07", "2024-03-07"],
        ["B", "2024-03-12", "2024-03-12"],
    ]
    assert as_coverage(table([("A", 2)]), DAYS).astype(str).to_numpy().tolist() == [["A", "2024-03-09", "2024-03-11"]]
    assert as_coverage(table([]), DAYS).empty
