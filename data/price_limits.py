"""How far a share may move in one session, by the rules of the exchanges in Shanghai, Shenzhen and Beijing.

===============  =======================  ===========  =================================================================
board            symbols                  limit        source
===============  =======================  ===========  =================================================================
main board       60*.SH, 00*.SZ           10 %         CSRC's notice on price limits, in force since 1996-12-16; Trading
                                                       Rules of the Shanghai and the Shenzhen Stock Exchange since then
B shares         900*.SH, 200*.SZ         10 %         as the main board
ChiNext          30*.SZ                   10 %, 20 %   20 % since 2020-08-24: Shenzhen Stock Exchange, Special
                                                       Provisions on ChiNext Trading (2020)
STAR             68*.SH                   20 %         since its first session, 2019-07-22: Shanghai Stock Exchange,
                                                       Special Provisions on STAR Market Trading (2019)
Beijing          4*, 8*, 92*.BJ           30 %         since its first session, 2021-11-15: Beijing Stock Exchange,
                                                       Trading Rules (2021)
===============  =======================  ===========  =================================================================

Indices, funds and other exchanges have no limit here. A limit is counted from the ex-rights reference and rounded
half up to the tick; it is never nearer to the reference than one tick.

What cannot be seen from a symbol: shares under special treatment (ST) move by 5 % on the main board, and have the
board's limit here. Sessions without any limit: the first after a listing (on STAR, on ChiNext since 2020-08-24 and on
the main board since 2023-04-10 the first five; the main board allowed 44 % from 2014 to then), the first after a
listing was suspended and resumed, after the share reform of 2005 to 2007, and the first of a delisting period.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Bools: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Days: TypeAlias = np.ndarray[Any, np.dtype[np.datetime64]]


class Board(StrEnum):
    """The parts of the three exchanges that have rules of their own."""

    MAIN = "main board"
    B_SHANGHAI = "Shanghai's B shares"
    B_SHENZHEN = "Shenzhen's B shares"
    CHINEXT = "ChiNext"
    STAR = "STAR"
    BEIJING = "Beijing"


# Per cent of the reference, from a day on. Before the first there was none, or another kind of market.
LIMITS: Final[Mapping[Board, tuple[tuple[date, int], ...]]] = {
    Board.MAIN: ((date(1996, 12, 16), 10),),
    Board.B_SHANGHAI: ((date(1996, 12, 16), 10),),
    Board.B_SHENZHEN: ((date(1996, 12, 16), 10),),
    Board.CHINEXT: ((date(2009, 10, 30), 10), (date(2020, 8, 24), 20)),
    Board.STAR: ((date(2019, 7, 22), 20),),
    Board.BEIJING: ((date(2021, 11, 15), 30),),
}

# The longest span without a limit after a listing, on any board and at any time, in sessions.
SESSIONS_AFTER_LISTING: Final = 5

# Shares came back from the vote on their reform without a limit, after a few days or many weeks.
SHARE_REFORM: Final = (date(2005, 4, 29), date(2007, 12, 31))

# Tushare prints factors with three decimals.
_FACTOR_ROUNDING: Final = 0.0005

# A smaller change of a factor is printing noise: the smallest dividends move it by more than 1e-5.
SAME_FACTOR: Final = 1e-6

_BOARDS: Final = (
    (re.compile(r"60\d{4}\.SH|00\d{4}\.SZ"), Board.MAIN),
    (re.compile(r"900\d{3}\.SH"), Board.B_SHANGHAI),
    (re.compile(r"200\d{3}\.SZ"), Board.B_SHENZHEN),
    (re.compile(r"30\d{4}\.SZ"), Board.CHINEXT),
    (re.compile(r"68\d{4}\.SH"), Board.STAR),
    (re.compile(r"(?!899)(?:[48]\d|92)\d{4}\.BJ"), Board.BEIJING),
)


def board_of(symbol: str) -> Board | None:
    """The board that `symbol` is listed on; None for an index, a fund or a share of another exchange."""
    return next((board for pattern, board in _BOARDS if pattern.fullmatch(symbol)), None)


def tick_of(board: Board) -> float:
    """The smallest step of a price [currency]: a cent, and a tenth of one for Shanghai's B shares, in dollars."""
    return 0.001 if board is Board.B_SHANGHAI else 0.01


def percent_on(board: Board, days: Days) -> Ints:
    """The limit in per cent of the reference, `(n,)` for days `(n,) datetime64[D]`; 0 where there is none."""
    since = np.array([day for day, _ in LIMITS[board]], dtype="datetime64[D]")
    percents = np.array([0, *(percent for _, percent in LIMITS[board])])
    return percents[np.searchsorted(since, days, side="right")]


def reference_price(previous_close: Floats, step: Floats, tick: Floats | float) -> Floats:
    """What the limit is counted from [currency]: the close before, corrected for what an ex-date took away.

    Args:
        previous_close: `(n,)` the last close as traded [currency].
        step: `(n,)` the adjustment factor over the one of that close [1].
        tick: the smallest step of a price [currency].
    """
    return _half_up(previous_close / step / tick) * tick


def limit_prices(reference: Floats, percent: Ints, tick: Floats | float) -> tuple[Floats, Floats]:
    """The lowest and the highest price [currency] that a session allows, each `(n,)`.

    Args:
        reference: `(n,)` as from `reference_price` [currency].
        percent: `(n,)` as from `percent_on`; where it is 0 the prices are 0 and infinite.
        tick: the smallest step of a price [currency].
    """
    # In whole ticks every number below is exact: 1003 cents x 110 + 50 = 110380, and 1103 cents are the limit.
    ticks = np.rint(reference / tick)
    lowest = np.minimum(np.floor((ticks * (100 - percent) + 50) / 100), ticks - 1)
    highest = np.maximum(np.floor((ticks * (100 + percent) + 50) / 100), ticks + 1)
    free = percent == 0
    return np.where(free, 0.0, lowest * tick), np.where(free, np.inf, highest * tick)


def room_for_rounding(reference: Floats, factor: Floats, previous_factor: Floats, tick: Floats | float) -> Floats:
    """How far a price may lie beyond its limit, as counted here, and be at the limit [currency], `(n,)`.

    Half a tick. On an ex-date the reference was counted from the dividend and not from the factor: there it may be
    a tick off, and more where the factor's own rounding weighs.
    """
    doubt = tick + reference * _FACTOR_ROUNDING * (1 / factor + 1 / previous_factor)
    changed = np.abs(factor / previous_factor - 1) > SAME_FACTOR
    return np.where(changed, doubt * 1.3, 0.0) + tick / 2


def _half_up(values: Floats) -> Floats:
    # A half that comes out of a division may lie a hair below.
    return np.floor(values + 0.5 + 1e-6)
