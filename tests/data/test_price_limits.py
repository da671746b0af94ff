from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from data.price_limits import (
    LIMITS,
    Board,
    board_of,
    limit_prices,
    percent_on,
    reference_price,
    room_for_rounding,
    tick_of,
)


def limits(reference: float, percent: int, tick: float = 0.01) -> tuple[float, float]:
    lowest, highest = limit_prices(np.array([reference]), np.array([percent]), tick)
    return round(float(lowest[0]), 6), round(float(highest[0]), 6)


@pytest.mark.parametrize(
    ("symbol", "board"),
    [
        ("600519.SH", Board.MAIN),
        ("605499.SH", Board.MAIN),
        ("000001.SZ", Board.MAIN),
        ("002594.SZ", Board.MAIN),  # the former board for small companies
        ("300750.SZ", Board.CHINEXT),
        ("301269.SZ", Board.CHINEXT),
        ("688981.SH", Board.STAR),
        ("689009.SH", Board.STAR),
        ("430047.BJ", Board.BEIJING),
        ("835185.BJ", Board.BEIJING),
        ("920799.BJ", Board.BEIJING),
        ("900901.SH", Board.B_SHANGHAI),
        ("200002.SZ", Board.B_SHENZHEN),
        ("000001.SH", None),  # Shanghai's composite index, not Ping An Bank
        ("000300.SH", None),
        ("399001.SZ", None),
        ("899050.BJ", None),
        ("510300.SH", None),  # a fund
        ("0700.HK", None),
        ("600519.HK", None),
        ("600519", None),
        ("AAPL", None),
    ],
)
def test_the_board_is_in_the_symbol(symbol: str, board: Board | None) -> None:
    assert board_of(symbol) is board


@pytest.mark.parametrize(
    ("board", "day", "percent"),
    [
        (Board.MAIN, "1996-12-13", 0),
        (Board.MAIN, "1996-12-16", 10),
        (Board.MAIN, "2024-01-02", 10),
        (Board.B_SHANGHAI, "2024-01-02", 10),
        (Board.B_SHENZHEN, "2024-01-02", 10),
        (Board.CHINEXT, "2020-08-21", 10),
        (Board.CHINEXT, "2020-08-24", 20),
        (Board.STAR, "2019-07-22", 20),
        (Board.BEIJING, "2021-11-12", 0),
        (Board.BEIJING, "2021-11-15", 30),
    ],
)
def test_the_limit_begins_on_its_day(board: Board, day: str, percent: int) -> None:
    assert percent_on(board, np.array([day], dtype="datetime64[D]")).tolist() == [percent]


def test_every_board_has_limits_in_the_order_of_their_days() -> None:
    assert set(LIMITS) == set(Board)
    for steps in LIMITS.values():
        days = [day for day, _ in steps]
        assert days == sorted(days)
        assert days[0] >= date(1996, 12, 16)


@pytest.mark.parametrize(
    ("reference", "percent", "lowest", "highest"),
    # By hand: reference x (1 -+ limit), a half rounded up.
    [
        (10.03, 10, 9.03, 11.03),  # 9.027 and 11.033
        (10.05, 10, 9.05, 11.06),  # 9.045 and 11.055: halves go up on either side
        (10.00, 10, 9.00, 11.00),
        (7.77, 20, 6.22, 9.32),  # 6.216 and 9.324
        (3.33, 30, 2.33, 4.33),  # 2.331 and 4.329
        (0.04, 10, 0.03, 0.05),  # 0.036 and 0.044 would be no move at all: one tick
        (1688.88, 10, 1519.99, 1857.77),  # 1519.992 and 1857.768
    ],
)
def test_limits_are_rounded_half_up_to_a_cent(reference: float, percent: int, lowest: float, highest: float) -> None:
    assert limits(reference, percent) == (lowest, highest)


def test_b_shares_in_shanghai_move_by_tenths_of_a_cent() -> None:
    tick = tick_of(Board.B_SHANGHAI)
    assert tick == 0.001
    assert limits(0.305, 10, tick) == (0.275, 0.336)  # 0.2745 and 0.3355
    assert {tick_of(board) for board in Board if board is not Board.B_SHANGHAI} == {0.01}


def test_without_a_limit_any_price_is_allowed() -> None:
    assert limits(10.03, 0) == (0.0, np.inf)


@pytest.mark.parametrize(
    ("close", "step", "reference"),
    [
        (20.40, 20.40 / 9.95, 9.95),  # 0.50 in cash and one new share for each: (20.40 - 0.50) / 2
        (10.00, 10.00 / 9.85, 9.85),  # 0.15 in cash
        (10.01, 2.0, 5.01),  # 5.005: a half goes up
        (10.00, 0.5, 20.00),  # two shares become one
        (10.00, 1.0, 10.00),
    ],
)
def test_the_reference_is_the_close_before_less_what_the_ex_date_took(
    close: float, step: float, reference: float
) -> None:
    found = reference_price(np.array([close]), np.array([step]), 0.01)
    assert found.tolist() == pytest.approx([reference], abs=1e-9)


def test_only_an_ex_date_leaves_room_for_more_than_half_a_tick() -> None:
    reference, factor = np.array([10.0, 10.0]), np.array([1.5, 1.5])
    plain, ex_date = room_for_rounding(reference, factor, np.array([1.5, 1.2]), 0.01)
    assert plain == 0.005
    # A tick, and 10.00 x 0.0005 x (1/1.5 + 1/1.2) = 0.0075, as a limit 30 % away has them: 0.02275 at most.
    assert 0.0175 < ex_date - plain <= 0.02275 + 1e-9
    assert room_for_rounding(reference[:1], factor[:1], factor[:1] * (1 + 1e-8), 0.01).tolist() == [0.005]
