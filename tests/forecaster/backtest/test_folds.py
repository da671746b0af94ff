from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from forecaster.backtest.errors import SpanError
from forecaster.backtest.folds import Plan, Span, fold_of, outcomes_of, spans
from tests.forecaster.markets import make_bars

# Monday 6 January 2020 and the nineteen business days after it.
DAYS = np.busday_offset("2020-01-06", np.arange(20))


def short(folds: tuple[Span, ...]) -> list[tuple[str | None, str, str, str]]:
    return [
        (
            None if one.begins is None else str(one.begins)[8:],
            *(str(day)[8:] for day in (one.refit, one.first, one.last)),
        )
        for one in folds
    ]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        # The newest session has no outcome; before it two folds of three sessions, known up to their first origin.
        (Plan(every=3, folds=2), [(None, "23", "23", "27"), (None, "28", "28", "30")]),
        (Plan(every=3, folds=2, gap=2), [(None, "21", "23", "27"), (None, "24", "28", "30")]),
        (Plan(every=3, folds=2, window=4), [("20", "23", "23", "27"), ("23", "28", "28", "30")]),
        (Plan(every=3, folds=2, window=4, gap=1), [("17", "22", "23", "27"), ("22", "27", "28", "30")]),
        # Seven sessions by three leave one for the last fold.
        (Plan(every=3, sessions=7), [(None, "22", "22", "24"), (None, "27", "27", "29"), (None, "30", "30", "30")]),
        (Plan(folds=2, sessions=7), [(None, "22", "22", "27"), (None, "28", "28", "30")]),
        # The span begins with the first session on or after a Sunday.
        (Plan(every=4, first=date(2020, 1, 12), last=date(2020, 1, 17)), [(None, "13", "13", "16"), (None, "17", "17", "17")]),  # noqa: E501
        (Plan(every=4, first=date(2020, 1, 12), sessions=4), [(None, "13", "13", "16")]),
    ],
    ids=str,
)  # fmt: skip
def test_folds_by_hand(plan: Plan, expected: list[tuple[str | None, ...]]) -> None:
    folds = spans(DAYS, plan)
    assert short(folds) == expected
    assert [(one.number, one.of) for one in folds] == [(k, len(folds)) for k in range(1, len(folds) + 1)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"every": 0}, "--every: expected a number from 1 on"),
        ({"gap": -1}, "--gap: expected a number from 0 on"),
        ({"first": date(2020, 2, 1), "last": date(2020, 1, 1)}, "a first session before the last"),
        ({"first": date(2021, 1, 1)}, "which hold 2020-01-06 to 2020-01-31"),
        ({"every": 30, "folds": 1}, "at least 1 sessions before it"),
        ({"first": date(2020, 1, 8), "gap": 2}, "at least 3 sessions before it"),
        ({"every": 3, "folds": 2, "sessions": 6}, "--folds and --every: expected one of them"),
        ({"folds": 7, "sessions": 6}, "at most one a session of the span, which has 6"),
    ],
)
def test_plans_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpanError, match=message):
        spans(DAYS, Plan(**values))


def test_a_fold_holds_what_may_be_known_and_outcomes_are_of_the_next_bar() -> None:
    # B pauses from the 21st to the 27th, and its factor doubles on the 28th: adjusted closes count.
    close = np.arange(100.0, 120.0)
    paused = np.where((np.arange(20) >= 11) & (np.arange(20) < 16), np.nan, close)
    factor = np.where(np.arange(20) >= 16, 2.0, 1.0)
    bars = make_bars({"A": close, "B": paused}, factors={"B": factor})
    folds = spans(DAYS, Plan(every=3, folds=2, window=4, gap=1))
    fold = fold_of(bars, folds[0])
    held = {name: own.frame["session"].dt.day.to_numpy() for name, own in (("known", fold.known), ("seen", fold.seen))}
    assert held["known"].tolist() == [17, 20, 21, 22, 17, 20]
    assert held["seen"].tolist() == [17, 20, 21, 22, 23, 24, 27, 17, 20]
    assert fold.origins["origin"].dt.day.tolist() == [23, 24, 27]
    found = outcomes_of(bars, spans(DAYS, Plan(every=9, folds=1)))
    b = found[found["symbol"] == "B"]
    assert b["origin"].dt.day.tolist() == [20, 28, 29, 30]
    assert b["session"].dt.day.tolist() == [28, 29, 30, 31]
    assert b["previous_close"].tolist() == [110.0, 232.0, 234.0, 236.0]
    assert b["actual"].tolist() == [232.0, 234.0, 236.0, 238.0]
    later = outcomes_of(bars, folds)
    assert later[later["symbol"] == "A"]["fold"].tolist() == [1, 1, 1, 2, 2, 2]
