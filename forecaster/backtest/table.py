"""The tidy table: one row a model, seed, symbol and session, on the symbol-sessions that every model forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecaster.baselines.protocol import KEYS
from forecaster.diagnostics.table import column

# A contestant's name, and the seed of its training (0 for one without).
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Compared:
    """Forecasts on common ground.

    Attributes:
        table: model, seed, fold, symbol, origin, session, previous_close, actual, and a column a level; models in the
            order in which they were given, then by symbol and origin.
        asked: how many symbol-sessions have an outcome.
        common: how many of them all models forecast.
        missing: how many of them each model did not forecast.
    """

    table: pd.DataFrame
    asked: int
    common: int
    missing: Mapping[Key, int]


def compared(outcomes: pd.DataFrame, tables: Mapping[Key, pd.DataFrame], levels: Sequence[float]) -> Compared:
    """Join forecasts with what came, where all have forecast.

    Args:
        outcomes: as `forecaster.backtest.folds.outcomes_of` makes them.
        tables: forecasts of every model over all folds; those without an outcome yet drop out.
        levels: of the quantiles.
    """
    asked = pd.MultiIndex.from_frame(outcomes[list(KEYS)])
    places = {key: pd.MultiIndex.from_frame(table[list(KEYS)]).get_indexer(asked) for key, table in tables.items()}
    shared = np.ones(len(asked), dtype=bool)
    for place in places.values():
        shared &= place >= 0
    rows = outcomes[shared].reset_index(drop=True)
    names = [column(level) for level in levels]
    pieces = []
    for (model, seed), table in tables.items():
        made = table[names].iloc[places[model, seed][shared]].reset_index(drop=True)
        head = pd.DataFrame({"model": pd.Series([model] * len(rows), dtype="str"), "seed": np.int64(seed)})
        pieces.append(pd.concat([head, rows, made], axis="columns"))
    return Compared(
        table=pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(),
        asked=len(asked),
        common=int(shared.sum()),
        missing={key: int((place < 0).sum()) for key, place in places.items()},
    )
