"""The held-out forecasts of a model: what its diagnostics are computed from.

One row a symbol and session: symbol, origin, session, actual, previous_close, in_sample_mae, in_sample_mse, one column
a quantile, named by its level, and one a quantile of the naive distribution ("naive 0.05"). Prices are adjusted closes
on the scale of the symbol's last session in the table. `in_sample_mae` and `in_sample_mse` are the mean absolute and
the mean squared daily change of the close before the first held-out forecast was made, the yardsticks of MASE and
RMSSE (Hyndman & Koehler 2006). The naive distribution is `diagnostics.naive`'s, from closes up to the origin only.

Tables that were written before `in_sample_mse` and the naive quantiles existed are read as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from data.windows import Index, Windows
from forecaster.calibration import Calibration
from forecaster.diagnostics.diagnostics import Diagnostics
from forecaster.diagnostics.many import diagnose_many
from forecaster.diagnostics.naive import naive_quantiles
from forecaster.diagnostics.table import column, naive_column, record_of
from forecaster.model import Model

__all__ = ["column", "diagnose_all", "evidence", "naive_column", "record_of"]

Floats = np.ndarray[Any, np.dtype[np.float64]]


def evidence(model: Model, windows: Windows, judged: Index | None = None) -> tuple[pd.DataFrame, Calibration]:
    """Forecasts of the held-out windows beside what came.

    Each is what the model would have said on the day, with the calibration that was known then. That rests on every
    outcome since the model's own calibration, those of windows in the gap before the held-out span included.

    Args:
        model: what forecasts, through the same path as the service; calibrated before the held-out span.
        windows: all that have known outcomes.
        judged: the positions of the held-out ones; None takes all. The first step of the horizon counts.

    Returns:
        The table, and the calibration after the span.
    """
    held = np.ones(len(windows), dtype=bool)
    if judged is not None:
        held = np.zeros(len(windows), dtype=bool)
        held[judged] = True
    used = held | model.moves(windows, model.calibration)
    found, after = model.followed(windows.take(used), model.calibration)
    held_out, quantiles = windows.take(held), found[held[used], 0, :]  # (n, q)
    rows, panel = held_out.last, held_out.panel
    past = _past(held_out, model.spec.quantiles)
    table = pd.DataFrame(
        {
            "symbol": held_out.symbols,
            "origin": held_out.origin.astype("datetime64[s]"),
            "session": panel.session[rows + 1].astype("datetime64[s]"),
            "actual": panel.close[rows + 1],
            "previous_close": panel.close[rows],
            "in_sample_mae": past.pop("in_sample_mae"),
            "in_sample_mse": past.pop("in_sample_mse"),
            **{column(level): quantiles[:, position] for position, level in enumerate(model.spec.quantiles)},
            **past,
        }
    )
    factor = pd.Series(panel.factor[rows + 1]).groupby(table["symbol"]).transform("last")
    prices = table.columns.drop(["symbol", "origin", "session"])
    table[prices] = table[prices].div(factor, axis="index")
    table["in_sample_mse"] /= factor  # a square: once more
    return table.sort_values(["symbol", "session"], ignore_index=True), after


def diagnose_all(table: pd.DataFrame, levels: Sequence[float]) -> Mapping[str, Diagnostics]:
    """The diagnostics of every symbol that has held-out forecasts.

    Raises:
        BadRecord: a symbol's rows are no record.
    """
    return diagnose_many(table, levels)


def _past(held_out: Windows, levels: Sequence[float]) -> dict[str, Floats]:
    """`(n,)` each: what a window's symbol had shown before, the yardsticks and the naive quantiles."""
    panel, rows = held_out.panel, held_out.last
    yardsticks = np.full((len(rows), 2), np.nan)
    naive = np.full((len(rows), len(levels)), np.nan)
    order = np.argsort(panel.series[rows], kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(panel.series[rows[order]])) + 1):
        begin = int(np.searchsorted(panel.series, panel.series[rows[own[0]]]))
        close = panel.close[begin : int(rows[own].max()) + 1]
        at = rows[own] - begin
        change = np.diff(close[: at.min() + 1])
        if change.size:
            yardsticks[own] = np.abs(change).mean(), np.square(change).mean()
        naive[own] = naive_quantiles(close, at, levels)
    named = {naive_column(level): naive[:, position] for position, level in enumerate(levels)}
    return {"in_sample_mae": yardsticks[:, 0], "in_sample_mse": yardsticks[:, 1], **named}
