"""Adjustment factors that know of an ex-date before it came: the step is in the factor first, and in the price later.

That lies in the data and not in the pipeline, so that no other future shows it. It happens where factors are known for
some sessions only and what is missing is filled from the next one that is there. On the bars in between the adjusted
price then moves by a split or dividend that nobody could know of, and moves back on the ex-date.

Only steps that stand out of the share's usual overnight moves can be told: splits, and large dividends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from data.bars import Bars
from forecaster.leakcheck.compare import Difference
from forecaster.leakcheck.tables import Stage

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

# How many bars a step may come too early.
EARLIEST: Final = 63

# A step stands out from so many standard deviations of the share's overnight moves on, and from so much at least.
SIGMAS: Final = 8.0
LEAST_STEP: Final = 0.04

# The price follows a step where its move is that close to it, and does not where it is further off than that.
FOLLOWS: Final = 0.25
STAYS: Final = 0.75

# Of a share's bars so many may have a move like the step by chance, and so many a step; in a wilder market a move that
# follows a step is nothing special.
BY_CHANCE: Final = 0.002
STEPPING: Final = 0.02

# 1.4826 makes the median absolute deviation of a normal variable its standard deviation.
_NORMAL: Final = 1.4826


@dataclass(frozen=True, slots=True)
class EarlyStep:
    """A factor's step that the price made only later.

    Attributes:
        symbol, session: of the step.
        ratio: what the factor is multiplied by [1].
        follows: the session on which the price moves so.
        bars: how many bars later that is.
    """

    symbol: str
    session: str
    ratio: float
    follows: str
    bars: int


def early_factors(bars: Bars) -> list[tuple[Difference, str]]:
    """What is wrong with the bars, where something is: the newest early step, and in words how many there are."""
    found = list(early_steps(bars))
    if not found:
        return []
    worst = max(found, key=lambda one: one.session)
    many = f"; {len(found):,} steps came too early" if len(found) > 1 else ""
    text = (
        f"adjustment factor: {worst.symbol}, {worst.session}: it is multiplied by {worst.ratio:.4g}, and the price "
        f"moves so only on {worst.follows}, {worst.bars} bar{'s' if worst.bars > 1 else ''} later{many}"
    )
    fault = Difference(
        Stage.PRICES, "adjustment factor", worst.symbol, worst.session, None, None, len(found), len(bars), worst.bars
    )
    return [(fault, text)]


def early_steps(bars: Bars) -> Iterator[EarlyStep]:
    """Every one that stands out, in the order of the bars."""
    table = bars.frame
    symbol = table["symbol"].to_numpy()
    first = np.append(True, symbol[1:] != symbol[:-1])
    step = np.log(table["adj_factor"].to_numpy())
    step = np.where(first, 0.0, np.diff(step, prepend=step[:1]))
    move = np.log(table["open"].to_numpy()[1:] / table["close"].to_numpy()[:-1])
    move = np.where(first, np.nan, np.append(np.nan, move))
    usual = _usual(pd.Series(np.where(step == 0, move, np.nan)), symbol)
    clear = np.abs(step) >= np.maximum(SIGMAS * usual, LEAST_STEP)
    for row in np.flatnonzero(clear & (np.abs(move + step) > STAYS * np.abs(step))).tolist():
        later = slice(row + 1, row + 1 + EARLIEST)
        ends = np.flatnonzero(first[later] | (np.abs(step[later]) >= LEAST_STEP))
        ahead = -move[later][: ends[0] if len(ends) else None] / step[row]
        places = np.flatnonzero(np.abs(ahead - 1) <= FOLLOWS)
        own = symbol == symbol[row]
        if len(places) and _rare(move[own], step[own], STAYS * abs(step[row])):
            found = row + 1 + int(places[0])
            yield EarlyStep(
                str(symbol[row]), _day(table, row), float(np.exp(step[row])), _day(table, found), found - row
            )


def _rare(moves: Array, steps: Array, size: float) -> bool:
    """Whether few moves of one share are of a size, beside those that early steps leave to the price."""
    like = int((np.abs(moves[steps == 0]) >= size).sum())
    stepping = min(int((np.abs(steps) >= size).sum()), STEPPING * len(steps))
    return like <= max(1.0, stepping) + BY_CHANCE * len(steps)


def _usual(moves: pd.Series[float], symbol: Any) -> Array:
    """`(n,)`: the standard deviation of each symbol's overnight moves, as robust as the median is."""
    spread = moves.abs().groupby(symbol).transform("median") * _NORMAL
    return np.asarray(spread, dtype=np.float64)


def _day(table: pd.DataFrame, row: int) -> str:
    return str(table["session"].iloc[row].date())
