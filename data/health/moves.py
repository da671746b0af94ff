"""How each bar lies to the one before: the step of the factor, and what the exchange allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from data.health.blocks import Block
from data.health.gaps import Holes
from data.price_limits import (
    SAME_FACTOR,
    SESSIONS_AFTER_LISTING,
    SHARE_REFORM,
    Bools,
    Floats,
    Ints,
    board_of,
    limit_prices,
    percent_on,
    reference_price,
    room_for_rounding,
    tick_of,
)

# Sessions without a bar after which a share may come back without a limit: restructured, or its listing resumed.
LONG_PAUSE: Final = 20


@dataclass(frozen=True, slots=True)
class Moves:
    """How each bar lies to the one before of its symbol, as arrays `(n,)` with a row a bar.

    Attributes:
        close: of the bar before [currency].
        step: the factor over that bar's; 1 where it did not change.
        missing: sessions without a bar in between.
        percent: the exchange's limit, 0 where there is none.
        certain: bars to which the limit applies for certain.
        reference, lowest, highest: what the limit is counted from, and what it allows [currency].
        beyond: bars with a price beyond the limit, whether or not the factor counts.
        by_factor: bars with a price that is beyond the limit only because of the factor.
    """

    close: Floats
    step: Floats
    missing: Ints
    percent: Ints
    certain: Bools
    reference: Floats
    lowest: Floats
    highest: Floats
    beyond: Bools
    by_factor: Bools


def moves(block: Block, found: Holes) -> Moves:
    """A symbol's first bar is compared with itself."""
    rows = np.arange(len(block.of))
    begins = block.begins
    before = np.where(begins, rows, rows - 1)
    values = block.values
    close, factor = values["close"][before], values["adj_factor"][before]
    step = values["adj_factor"] / factor
    step[np.abs(step - 1) <= SAME_FACTOR] = 1.0

    percent, tick = _rules(block)
    reform = (block.day >= np.datetime64(SHARE_REFORM[0])) & (block.day <= np.datetime64(SHARE_REFORM[1]))
    certain = found.told & (found.missing <= LONG_PAUSE) & ~(reform & (found.missing > 0))
    # Over bars that are missing prices may go anywhere; over a suspension they may not.
    judged = (percent > 0) & (found.told | (not block.reasons.given))
    judged &= rows - np.maximum.accumulate(np.where(begins, rows, 0)) >= SESSIONS_AFTER_LISTING

    def outside(reference: Floats, factor_now: Floats) -> tuple[Floats, Floats, Bools]:
        lowest, highest = limit_prices(reference, percent, tick)
        room = room_for_rounding(reference, factor_now, factor, tick)
        return lowest, highest, judged & ((values["high"] > highest + room) | (values["low"] < lowest - room))

    reference = reference_price(close, step, tick)
    lowest, highest, adjusted = outside(reference, values["adj_factor"])
    *_, traded = outside(close, factor)
    return Moves(
        close=close,
        step=step,
        missing=found.missing,
        percent=percent,
        certain=certain,
        reference=reference,
        lowest=lowest,
        highest=highest,
        beyond=adjusted & traded,
        by_factor=adjusted & ~traded,
    )


def _rules(block: Block) -> tuple[Ints, Floats]:
    """The limit in per cent and the tick [currency] of each bar."""
    percent, tick = np.zeros(len(block.of), dtype=np.int64), np.full(len(block.of), 0.01)
    begins = block.begins
    boards = [board_of(block.names[code]) for code in block.of[begins]]
    whose = np.cumsum(begins) - 1
    for board in {one for one in boards if one is not None}:
        own = np.array([one is board for one in boards])[whose]
        percent[own], tick[own] = percent_on(board, block.day[own]), tick_of(board)
    return percent, tick
