"""Prices that the exchange did not allow.

A split without its factor looks like one. In New York and Hong Kong, without limits, it cannot be told from a crash:
Apple closed at 53.50 on 2000-09-28 and opened at 28.19, without a split.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from data.health.blocks import Block
from data.health.findings import Finding, Kind, Severity, sessions_text
from data.health.moves import Moves

# The splits that are worth a guess, new shares for old, and how far the price may be from them (log).
SPLITS: Final = ((3, 2), (2, 1), (5, 2), (3, 1), (4, 1), (5, 1), (10, 1), (20, 1))
NEAR_SPLIT: Final = 0.05


def breaches(block: Block, moves: Moves) -> Iterator[Finding]:
    """Each bar with a price beyond the limit that no factor is to blame for."""
    for row in np.flatnonzero(moves.beyond).tolist():
        yield _breach(block, moves, row)


def _breach(block: Block, moves: Moves, row: int) -> Finding:
    high, low = block.values["high"][row], block.values["low"][row]
    above = high - moves.highest[row] > moves.lowest[row] - low
    name, price, limit = ("high", high, moves.highest[row]) if above else ("low", low, moves.lowest[row])
    text = (
        f"a {name} of {price:.3f} on {block.day[row]}; the limit is {limit:.3f}, {moves.percent[row]} % "
        f"{'above' if above else 'below'} the reference of {moves.reference[row]:.3f}"
    )
    factorless = moves.step[row] == 1 and moves.certain[row]
    split = _split(moves.close[row] / block.values["open"][row]) if factorless else ""
    if factorless and not split and high < moves.lowest[row]:
        split = "a dividend or a split"
    text += f"; {split} without its factor would explain it" if split else ""
    if moves.missing[row]:
        text += f"; {sessions_text(moves.missing[row])} without a bar lie before it"
        text += "" if moves.certain[row] else ", and after some suspensions there is no limit"
    severity = Severity.PROBLEM if moves.certain[row] else Severity.NOTE
    return block.finding(Kind.BEYOND_PRICE_LIMIT, row, row, text, severity)


def _split(ratio: float) -> str:
    for new, old in SPLITS:
        if abs(np.log(ratio * old / new)) <= NEAR_SPLIT:
            return f"a {new}-for-{old} split"
        if abs(np.log(ratio * new / old)) <= NEAR_SPLIT:
            return f"a {old}-for-{new} reverse split"
    return ""
