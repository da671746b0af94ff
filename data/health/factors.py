"""Adjustment factors that change without an ex-date.

A factor is doubted where
- it leaves its value for a few sessions and comes back: no dividend or split is ever undone;
- the prices as traded lie within the exchange's limit, and beyond it once adjusted;
- the overnight move as traded is next to none, and adjusted it is an outlier among the symbol's own. This one also
  works without limits. Where there is a limit, and it was kept, it is a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from data.health.blocks import Block
from data.health.findings import Finding, Kind, Severity
from data.health.moves import Moves
from data.price_limits import Bools, Floats

# A factor that is back at its old value after at most so many bars was wrong in between.
EXCURSION: Final = 5

# It is back when no more than this share of its change is left: what rounding leaves.
RETURNED: Final = 0.01

# An adjusted overnight move is an outlier beyond so many robust standard deviations, and at least so much.
OUTLIER_SIGMAS: Final = 6.0
OUTLIER_MOVE: Final = 0.02

# The move as traded is next to none: at most this share of what the factor says the price should have lost.
NEXT_TO_NONE: Final = 0.25

# Overnight moves below which a symbol's usual one is not known.
ENOUGH_MOVES: Final = 20


def jumps(block: Block, moves: Moves) -> Iterator[Finding]:
    """Each change of a factor that the prices contradict; one that came back is one finding, there and back."""
    explained = np.zeros(len(block.of), dtype=bool)
    for row, last in _excursions(block, moves.step):
        explained[[row, last + 1]] = True
        yield _excursion(block, row, last)
    for row in np.flatnonzero(moves.by_factor & ~explained).tolist():
        yield _jump(block, moves, row, proven=bool(moves.certain[row]))
    for row in np.flatnonzero(_quiet(block, moves) & ~moves.by_factor & ~explained).tolist():
        yield _jump(block, moves, row, proven=bool(moves.percent[row] == 0))


def _excursions(block: Block, step: Floats) -> list[tuple[int, int]]:
    """First and last row of each short span for which a factor left its value."""
    begins = np.flatnonzero(block.begins | (step != 1))
    length = np.diff(np.append(begins, len(block.of)))
    value, of = block.values["adj_factor"][begins], block.of[begins]
    if len(begins) < 3:
        return []
    back = (of[:-2] == of[2:]) & (np.abs(value[2:] - value[:-2]) <= RETURNED * np.abs(value[1:-1] - value[:-2]))
    # A factor that wavers from bar to bar was printed with too few digits, which is another matter.
    back &= (length[1:-1] <= EXCURSION) & (length[:-2] > 1) & (length[2:] > 1)
    at = np.flatnonzero(back) + 1
    return list(zip(begins[at].tolist(), (begins[at + 1] - 1).tolist(), strict=True))


def _quiet(block: Block, moves: Moves) -> Bools:
    """Steps of the factor over which the price as traded hardly moved, and an adjusted one moved as never else."""
    traded, lost = np.log(block.values["open"] / moves.close), np.log(moves.step)
    adjusted = traded + lost
    doubted: Bools = (np.abs(adjusted) >= OUTLIER_MOVE) & (np.abs(traded) <= NEXT_TO_NONE * np.abs(lost))
    rows = np.flatnonzero(doubted)
    usual = ~block.begins & (moves.missing == 0) & np.isin(block.of, block.of[rows])
    table = pd.DataFrame({"of": block.of[usual], "move": adjusted[usual]})
    table["away"] = (table["move"] - table.groupby("of")["move"].transform("median")).abs()
    own = table.groupby("of")["away"]
    # 1.4826 makes the median absolute deviation of a normal variable its standard deviation.
    sigma = (1.4826 * own.median()).where(own.size() >= ENOUGH_MOVES).reindex(block.of[rows]).to_numpy()
    doubted[rows] = np.abs(adjusted[rows]) >= OUTLIER_SIGMAS * sigma * np.sqrt(1 + moves.missing[rows])
    return doubted


def _jump(block: Block, moves: Moves, row: int, *, proven: bool) -> Finding:
    step, close, opened = moves.step[row], moves.close[row], block.values["open"][row]
    text = (
        f"the factor is multiplied by {step:.6g} on {block.day[row]}: after a close of {close:.3f}, expected a price "
        f"near {close / step:.3f}; it opened at {opened:.3f}"
    )
    return block.finding(Kind.FACTOR_JUMP, row, row, text, Severity.PROBLEM if proven else Severity.NOTE)


def _excursion(block: Block, row: int, last: int) -> Finding:
    factor = block.values["adj_factor"]
    when = f"on {block.day[row]}" if row == last else f"from {block.day[row]} to {block.day[last]}"
    text = (
        f"the factor is {factor[row]:.6g} {when}, and {factor[row - 1]:.6g} before and after; "
        "expected it to keep a new value, as no dividend or split is undone"
    )
    return block.finding(Kind.FACTOR_JUMP, row, last, text, Severity.PROBLEM)
