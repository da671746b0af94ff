"""The diagnostics of many symbols at once: a universe takes seconds, not minutes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from forecaster.diagnostics.diagnostics import Diagnostics, diagnose_block
from forecaster.diagnostics.table import rows_of


def diagnose_many(table: pd.DataFrame, levels: Sequence[float]) -> dict[str, Diagnostics]:
    """The diagnostics of every symbol in a tidy table of one model's forecasts.

    Args:
        table: see `table.record_of`. The order of rows does not matter.
        levels: the model's quantiles, `(q,)`.

    Returns:
        By symbol, in alphabetical order; what `diagnose` says of each alone.

    Raises:
        BadRecord: a symbol's rows are no record, or its yardstick is negative or infinite.
        KeyError: a column is missing.
    """
    rows = rows_of(table, levels)
    found: dict[str, Diagnostics] = {}
    for own, block in rows.blocks():
        diagnosed = diagnose_block(block, rows.in_sample_mae[own], rows.in_sample_mse[own])
        found.update(zip((rows.symbols[at] for at in own.tolist()), diagnosed, strict=True))
    return dict(sorted(found.items()))
