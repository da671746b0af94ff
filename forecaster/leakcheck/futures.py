"""What may come after a cut: each future keeps every bar up to the cut as it is, and its bars are bars.

A leak shows in those futures that differ in what it looks at: one that reads tomorrow's close in most of them, one that
knows of a suspension only where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from data.bars import PRICES, Bars
from forecaster.leakcheck.tables import Mask

# How far prices and volumes are moved, as the standard deviation of their logarithm: some become the highest of all.
SPREAD: Final = 0.7

# How much later a suspended share trades again, longer than any holiday and of whole weeks, so that weekdays stay what
# they are. Of other shares each bar is missing with this chance.
PAUSE: Final = np.timedelta64(6 * 7, "D")
THINNED: Final = 0.3

LISTED: Final = 3

Change = Callable[[pd.DataFrame, Mask, np.random.Generator], pd.DataFrame]


@dataclass(frozen=True, slots=True)
class Future:
    """One of them.

    Attributes:
        name: a word for it.
        text: what was done to the bars after the cut.
        change: bars sorted by symbol and session, which of them are later than the cut, and chance -> other bars.
    """

    name: str
    text: str
    change: Change

    def of(self, bars: Bars, cut: np.datetime64, rng: np.random.Generator) -> Bars:
        """The bars with this future after the session `cut`."""
        later = bars.frame["session"].to_numpy() > cut
        return Bars(self.change(bars.frame, later, rng).reset_index(drop=True))


def _truncated(rows: pd.DataFrame, later: Mask, rng: np.random.Generator) -> pd.DataFrame:
    return rows[~later]


def _repriced(rows: pd.DataFrame, later: Mask, rng: np.random.Generator) -> pd.DataFrame:
    made = rows.copy()
    factor = np.exp(rng.normal(0.0, SPREAD, int(later.sum())))
    for name in PRICES:
        made.loc[later, name] *= factor
    return made


def _reversed(rows: pd.DataFrame, later: Mask, rng: np.random.Generator) -> pd.DataFrame:
    made = rows.copy()
    places = np.flatnonzero(later)
    backwards = places[np.lexsort((-places, _codes(rows)[places]))]
    for name in (*PRICES, "volume", "amount"):
        values = rows[name].to_numpy()
        made.loc[later, name] = values[backwards]
    return made


def _retraded(rows: pd.DataFrame, later: Mask, rng: np.random.Generator) -> pd.DataFrame:
    made = rows.copy()
    made.loc[later, ["volume", "amount"]] *= np.exp(rng.normal(0.0, SPREAD, int(later.sum())))[:, None]
    return made


def _split(rows: pd.DataFrame, later: Mask, rng: np.random.Generator) -> pd.DataFrame:
    """A split leaves price x factor as it was: only what uses either of them alone can see it."""
    made = rows.copy()
    ratio = rng.choice([0.1, 0.5, 2.0, 8.0], rows["symbol"].nunique())[_codes(rows)[later]]
    made.loc[later, "adj_factor"] *= ratio
    made.loc[later, "volume"] *= ratio
    for name in PRICES:
        made.loc[later, name] /= ratio
    return made


def _suspended(rows: pd.DataFrame, later: Mask, rng: np.random.Generator) -> pd.DataFrame:
    made = rows.copy()
    every_other = _codes(rows) % 2 == 0
    made.loc[later & every_other, "session"] += PAUSE
    thinned: pd.DataFrame = made[~(later & ~every_other & (rng.random(len(rows)) < THINNED))]
    return thinned


def _listed(rows: pd.DataFrame, later: Mask, rng: np.random.Generator) -> pd.DataFrame:
    known = rows["symbol"].unique().tolist()
    added = []
    for like in rng.choice(np.unique(rows["symbol"][later].to_numpy().astype(str)), LISTED):
        own = rows[later & (rows["symbol"] == like).to_numpy()].copy()
        # A level of its own, far from the others'.
        own[list(PRICES)] *= float(np.exp(rng.normal(0.0, 2 * SPREAD)))
        name = _unused(known, str(like), rng)
        known.append(name)
        added.append(own.assign(symbol=name).astype({"symbol": rows["symbol"].dtype}))
    made: pd.DataFrame = pd.concat([rows, *added], ignore_index=True)
    return made.sort_values(["symbol", "session"], ignore_index=True)


def _unused(known: list[str], like: str, rng: np.random.Generator) -> str:
    """A symbol of the same exchange that nobody has, before or after the others in the alphabet."""
    _, dot, suffix = like.partition(".")
    while True:
        name = f"{rng.integers(1_000_000):06d}{dot}{suffix}"
        if name not in known:
            return name


def _codes(rows: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return pd.factorize(rows["symbol"])[0].astype(np.int64)


# Not a future but the bars as they are once more: what differs here is drawn anew each time, and cannot be checked.
UNCHANGED: Final = Future("unchanged", "nothing was changed", lambda rows, later, rng: rows)

FUTURES: Final = (
    Future("truncated", "the bars after {cut} were removed", _truncated),
    Future("prices", "the prices after {cut} were multiplied at random", _repriced),
    Future("reversed", "the bars after {cut} were put in reverse order", _reversed),
    Future("volumes", "the volumes after {cut} were multiplied at random", _retraded),
    Future("split", "shares were split after {cut}", _split),
    Future("suspended", "shares were suspended after {cut}", _suspended),
    Future("listed", "other shares were listed after {cut}", _listed),
)
