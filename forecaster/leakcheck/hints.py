"""What kind of leak a difference looks like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from data import features as featuring
from forecaster.leakcheck.futures import UNCHANGED
from forecaster.leakcheck.report import Seen
from forecaster.leakcheck.stages import World, feature_columns
from forecaster.leakcheck.tables import Stage

# A feature that follows the next session's move so closely is that move, in some form.
TARGET_CORRELATION: Final = 0.95

# With fewer moves a correlation says nothing.
LEAST_MOVES: Final = 30

# Futures that change one thing only, and what a leak knows that shows in them alone, or beside an end of all bars.
_ONE_THING: Final = {
    "suspended": "it knows when the next bar comes",
    "split": "it knows factors of later splits",
    "listed": "it depends on shares that list later",
    "volumes": "it knows later volumes",
}


def hint(seen: Sequence[Seen], world: World) -> str:
    """A few words on one leak; empty where nothing speaks for a kind.

    Args:
        seen: its differences.
        world: the bars as they are.
    """
    first = seen[0].difference
    if seen[0].text:
        return "it was filled in from a later session" if first.stage == Stage.PRICES else ""
    if UNCHANGED.name in (one.future for one in seen):
        return "it comes out otherwise each time, whatever the future: draw it from a fixed seed, then check again"
    if first.stage == Stage.FEATURES and _is_target(_feature(first.name), world):
        return "it follows the next session's move: the target is among the features"
    shown = {one.future for one in seen} - {"truncated"}
    if len(shown) == 1 and (only := shown.pop()) in _ONE_THING:
        return _ONE_THING[only]
    if first.stage in (Stage.PRICES, Stage.FEATURES):
        if any(one.difference.everywhere for one in seen):
            return "most of its past changes: it is computed over the whole history"
        ahead = 1 + max(one.difference.reach for one in seen)
        return f"it looks {ahead} bar{'s' if ahead > 1 else ''} ahead"
    if first.stage == Stage.SCALING:
        return "it was fitted on more than the training sessions"
    return ""


def _feature(name: str) -> str:
    return name.removeprefix("feature '").removesuffix("'")


def _is_target(name: str, world: World) -> bool:
    features = {**featuring.FEATURES, **world.subject.pipeline.features}
    if name not in features:
        return False
    table = world.subject.pipeline.adjusted(world.bars)[-1]
    ends = world.bars.frame["session"].to_numpy().max()
    values = feature_columns(world, {name: features[name]}, ends).columns[f"feature {name!r}"]
    if len(values) != len(table):
        return False
    following = table.groupby("symbol")["close"].shift(-1).to_numpy()
    close = table["close"].to_numpy()
    moves = pd.DataFrame({"own": values, "from the close": values / close - 1, "move": following / close - 1})
    moves = moves.replace([np.inf, -np.inf], np.nan).dropna()
    if len(moves) < LEAST_MOVES:
        return False
    # By rank: a feature may be scaled, clipped or logarithmic.
    return bool(moves.corr("spearman")["move"][["own", "from the close"]].abs().max() >= TARGET_CORRELATION)
