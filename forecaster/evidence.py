"""The held-out forecasts of a model: what its diagnostics are computed from.

One row a symbol and session: symbol, origin, session, actual, previous_close, in_sample_mae, and one column a
quantile, named by its level. Prices are adjusted closes on the scale of the symbol's last session in the table.
`in_sample_mae` is the mean absolute daily change of the close before the first held-out forecast was made, the
yardstick of MASE (Hyndman & Koehler 2006).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from data.windows import Index, Windows
from forecaster.calibration import Calibration
from forecaster.diagnostics.diagnostics import Diagnostics, diagnose
from forecaster.diagnostics.record import ForecastRecord
from forecaster.forecast import interval_level
from forecaster.model import Model


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
    table = pd.DataFrame(
        {
            "symbol": held_out.symbols,
            "origin": held_out.origin.astype("datetime64[s]"),
            "session": panel.session[rows + 1].astype("datetime64[s]"),
            "actual": panel.close[rows + 1],
            "previous_close": panel.close[rows],
            "in_sample_mae": _in_sample_mae(held_out),
            **{column(level): quantiles[:, position] for position, level in enumerate(model.spec.quantiles)},
        }
    )
    factor = pd.Series(panel.factor[rows + 1]).groupby(table["symbol"]).transform("last")
    prices = table.columns.drop(["symbol", "origin", "session"])
    table[prices] = table[prices].div(factor, axis="index")
    return table.sort_values(["symbol", "session"], ignore_index=True), after


def column(level: float) -> str:
    """The name of a quantile's column, and of its key in an answer: 0.05 -> "0.05"."""
    return f"{level:.12g}"


def record_of(table: pd.DataFrame, symbol: str, levels: Sequence[float]) -> ForecastRecord | None:
    """One symbol's forecasts as the diagnostics take them; None where there are none.

    Args:
        table: as `evidence` makes it.
        symbol: whose rows.
        levels: the model's quantiles; the outermost ones are the interval.
    """
    own = table[table["symbol"] == symbol]
    if own.empty:
        return None

    def values(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return own[name].to_numpy(dtype="float64")

    return ForecastRecord(
        session=own["session"].to_numpy().astype("datetime64[D]"),
        actual=values("actual"),
        forecast=values(column(0.5)),
        lower=values(column(levels[0])),
        upper=values(column(levels[-1])),
        previous_close=values("previous_close"),
        level=interval_level(levels),
    )


def diagnose_all(table: pd.DataFrame, levels: Sequence[float]) -> Mapping[str, Diagnostics]:
    """The diagnostics of every symbol that has held-out forecasts."""
    found = {}
    for symbol, own in table.groupby("symbol"):
        record = record_of(own, str(symbol), levels)
        if record is not None:
            yardstick = float(own["in_sample_mae"].iloc[0])
            found[str(symbol)] = diagnose(record, None if np.isnan(yardstick) else yardstick)
    return found


def _in_sample_mae(held_out: Windows) -> np.ndarray[Any, np.dtype[np.float64]]:
    """`(n,)`: for each window its symbol's mean |c(t) - c(t-1)| up to the symbol's first held-out origin."""
    panel = held_out.panel
    means = np.full(len(panel.symbols), np.nan)
    for position in np.unique(panel.series[held_out.last]):
        first_origin = held_out.last[panel.series[held_out.last] == position].min()
        own = panel.close[: first_origin + 1][panel.series[: first_origin + 1] == position]
        if len(own) > 1:
            means[position] = np.abs(np.diff(own)).mean()
    return means[panel.series[held_out.last]]
