"""What befalls which session: the same for the same seed and as many sessions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import Final

import numpy as np

STEPS: Final = ("fetch", "check", "score", "decide", "train", "gate", "promote", "publish", "clean")

# What a vendor does while it is out, and for how long after a pass is due [min]. The next session opens 17 hours after.
OUTAGES: Final = (
    ("resets connections", 3),
    ("answers 503", 45),
    ("has no rows yet", 180),
    ("resets connections", 600),
    ("breaks off in the middle", 10),
    ("says too often", 4),
    ("hangs", 5),
    ("publishes late", 240),
    ("answers 503", 900),
    ("sends a page for humans", 90),
    ("has no rows yet", 840),
    ("answers 503", 1020),
)

# From when to when the clock shows another time, and which: hours from the moment at which the pass is due.
JUMPS: Final = ((-0.2, 4.8, -3), (-4.2, -1.2, 5), (2, 5, 5), (-4, 2, -48), (2, 2.5, 72))


@dataclass(frozen=True, slots=True)
class Plan:
    """By numbers of sessions, the first is 0.

    Attributes:
        sessions: of the year; two more follow.
        every: sessions between two trainings.
        wilder: from which session on moves are larger.
        kills: the steps in which its passes are killed, one after the other.
        outages: which of `OUTAGES`.
        jumps: which of `JUMPS`.
        doubled: when the vendor doubles all factors of a share, for good.
        halved: when it halves those of another from that day on, and when it takes that back.
        nonsense: from when on the next challenger is made bad.
        pair: from when on two schedulers run; the first of them dies at the end of these.
        rivals: when another scheduler's process takes over, and is killed; whether its pass is not.
        away: whether the vendor is away in the night after the year, until the next session has opened.
    """

    sessions: int
    every: int
    wilder: int
    kills: dict[int, tuple[str, ...]]
    outages: dict[int, int]
    jumps: dict[int, int]
    doubled: int
    halved: tuple[int, int]
    nonsense: int
    pair: tuple[int, int]
    rivals: dict[int, bool]
    away: bool


def planned(sessions: int, seed: int) -> Plan:
    """Faults of every kind, spread over the year, those that need a session for themselves each on its own."""
    random = np.random.default_rng(seed)
    every = max(5, min(40, sessions // 3))
    kills: dict[int, tuple[str, ...]] = {
        0: ("fetch", "train", "gate", "promote", "publish"),
        every: ("train", "train", "gate", "promote"),
    }
    free = [one for one in range(2, sessions - 1) if one % every > 1]
    random.shuffle(free)
    rivals = {free.pop(): alone for alone in ((True, False) if sessions > 12 else ())}
    left = cycle(free)  # in a short year several faults befall one session
    quiet = [one for one in STEPS if one not in ("train", "gate", "promote")]
    kills |= {next(left): (step,) for step in quiet * (2 if sessions > 100 else 1) if sessions > 12}
    if sessions > 12:
        kills[next(left)] = ("publish", "clean", "fetch")
    outages = {next(left): one for one in range(len(OUTAGES) if sessions > 40 else min(3, sessions // 6))}
    jumps = {next(left): one for one in range(len(JUMPS) if sessions > 12 else 1)}
    begin = every + every // 3
    return Plan(
        sessions=sessions,
        every=every,
        wilder=sessions // 2 + 2,
        kills=kills,
        outages=outages,
        jumps=jumps,
        doubled=every + 2,
        halved=(begin, min(begin + max(2, every // 5), sessions - 1)),
        nonsense=2 * every - 1,
        pair=(sessions // 3, sessions // 3 + max(1, sessions // 20)),
        rivals=rivals,
        away=True,
    )
