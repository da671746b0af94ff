from __future__ import annotations

import numpy as np
import pytest

from data.health.findings import Kind, Severity
from tests.data.health.shares import SHARE, day_of, goes_ex, look, only, walk, with_row


@pytest.mark.parametrize("symbol", [SHARE, "0700.HK", "AAPL"])
@pytest.mark.parametrize("step", [2.0, 1.25, 0.5, 0.1])
def test_a_factor_that_changes_without_an_ex_date_is_found(symbol: str, step: float) -> None:
    table = walk(symbol)
    table.loc[30:, "adj_factor"] *= step
    found = only(look(table), Kind.FACTOR_JUMP)
    assert (found.first, found.last, found.sessions) == (day_of(table, 30), day_of(table, 30), 1)
    assert f"multiplied by {step:g} on {found.first}" in found.text


def test_within_the_limit_a_doubtful_factor_is_a_note() -> None:
    # 7 % at an overnight move of 0.6 %: far out, and still possible where 10 % are allowed.
    table = walk().assign(open=lambda own: own["close"].shift(fill_value=50.0).round(2))
    table = table.assign(high=table[["open", "close"]].max(axis=1), low=table[["open", "close"]].min(axis=1))
    table = with_row(table, 30, close=table["open"].iloc[30], high=table["open"].iloc[30], low=table["open"].iloc[30])
    table.loc[30:, "adj_factor"] = 1.07
    only([one for one in look(table) if one.first == day_of(table, 30)], Kind.FACTOR_JUMP, Severity.NOTE)


@pytest.mark.parametrize(
    ("lost", "traded", "found"),
    # Half of all overnight moves are +1 % and half -1 %: the median is 0, the deviation from it 0.01, and six robust
    # sigmas are 6 x 1.4826 x 0.01 = 0.0890.
    [
        (0.088, 0.0, False),
        (0.090, 0.0, True),
        (-0.090, 0.0, True),
        (0.180, -0.044, True),  # the price lost 24 % of what the factor says
        (0.180, -0.046, False),  # and here 26 %
        (0.180, -0.180, False),  # an ex-date
    ],
)
def test_a_jump_is_an_outlier_over_which_the_price_hardly_moved(lost: float, traded: float, found: bool) -> None:
    moves = np.array([0.0, *[0.01, -0.01] * 20])
    moves[21 if lost > 0 else 22] = traded
    price = 50 * np.exp(np.cumsum(moves))
    table = walk("AAPL", sessions=41).assign(open=price, high=price, low=price, close=price)
    table.loc[21 if lost > 0 else 22 :, "adj_factor"] = np.exp(lost)
    assert [one.kind for one in look(table)] == [Kind.FACTOR_JUMP] * found


def test_too_few_moves_give_silence() -> None:
    table = walk("AAPL", sessions=20)  # 19 overnight moves, one of them the doubted one
    table.loc[15:, "adj_factor"] = 1.25
    assert look(table) == []
    longer = walk("AAPL", sessions=21)
    longer.loc[15:, "adj_factor"] = 1.25
    only(look(longer), Kind.FACTOR_JUMP)


def test_a_factor_a_session_late_is_found_on_both() -> None:
    table = goes_ex(walk(), 30, shares=2.0)
    late = with_row(table, 30, adj_factor=1.0)
    assert [(one.kind, one.first) for one in look(late)] == [
        (Kind.BEYOND_PRICE_LIMIT, day_of(table, 30)),
        (Kind.FACTOR_JUMP, day_of(table, 31)),
    ]


@pytest.mark.parametrize("symbol", [SHARE, "AAPL"])
@pytest.mark.parametrize(("change", "length"), [(1.0005, 1), (0.998, 3), (2.0, 1), (2.0, 5)])
def test_a_factor_that_comes_back_was_wrong_in_between(symbol: str, change: float, length: int) -> None:
    table = goes_ex(walk(symbol), 15, cash=0.4)
    table.loc[30 : 29 + length, "adj_factor"] *= change
    found = only(look(table), Kind.FACTOR_JUMP)
    assert (found.first, found.last, found.sessions) == (day_of(table, 30), day_of(table, 29 + length), length)
    assert "no dividend or split is undone" in found.text


def test_a_factor_that_wavers_for_want_of_digits_did_not_leave_a_value() -> None:
    table = walk()
    table["adj_factor"] = np.where(np.arange(60) % 2, 1.0003, 1.0)
    assert look(table) == []
