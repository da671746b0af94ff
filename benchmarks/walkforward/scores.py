"""All metrics of all forecasters, on the symbol-sessions that every one of them forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from forecaster.diagnostics.table import column

from . import metrics

# Central intervals by the share that they promise.
INTERVALS: Final = {"50": (0.25, 0.75), "80": (0.1, 0.9), "90": (0.05, 0.95)}
# A quarter of which fewer sessions are seen is listed, but not judged.
LEAST_SESSIONS: Final = 20
YARDSTICK: Final = "garch"


@dataclass(frozen=True, slots=True)
class Quarter:
    """How often the 90 % interval held in a calendar quarter (of the outcome's session)."""

    name: str
    sessions: int
    forecasts: int
    coverage: float

    @property
    def judged(self) -> bool:
        """Whether enough of it was seen."""
        return self.sessions >= LEAST_SESSIONS


@dataclass(frozen=True, slots=True)
class Score:
    """One walk's figures.

    Attributes:
        values: name -> figure, NaN where it does not exist.
        quarters: in order.
    """

    values: Mapping[str, float]
    quarters: tuple[Quarter, ...]


def score(rows: pd.DataFrame, levels: Sequence[float]) -> Score:
    """The figures of one walk.

    Args:
        rows: of one model, as `forecaster.backtest.table.compared` makes them; at least one.
        levels: the quantiles' levels.
    """
    last = rows["previous_close"].to_numpy(dtype="float64")
    r = rows["actual"].to_numpy(dtype="float64") / last - 1
    prices = rows[[column(level) for level in levels]].to_numpy(dtype="float64")
    quantiles = prices / last[:, None] - 1  # (n, q)
    at = {level: position for position, level in enumerate(levels)}
    p = quantiles[:, at[0.5]]
    # A median of zero would have no logarithm; a price of nothing is out by all there is.
    log_p, log_r = np.log(np.maximum(1 + p, 1e-6)), np.log(1 + r)
    origin = rows["origin"].to_numpy().astype("datetime64[D]")
    ic = metrics.daily_correlations(p, r, origin, ranks=False)
    rank_ic = metrics.daily_correlations(p, r, origin, ranks=True)
    values = {
        "mae_ratio": metrics.mae_ratio(p, r),
        "rmse_ratio": metrics.rmse_ratio(p, r),
        "mae_ratio_log": metrics.mae_ratio(log_p, log_r),
        "rmse_ratio_log": metrics.rmse_ratio(log_p, log_r),
        "r2": metrics.r2_out_of_sample(log_p, log_r),
        "direction": metrics.directional_accuracy(p, r),
        "ic": metrics.mean_and_error(ic)[0],
        "ic_error": metrics.mean_and_error(ic)[1],
        "rank_ic": metrics.mean_and_error(rank_ic)[0],
        "rank_ic_error": metrics.mean_and_error(rank_ic)[1],
        "icir": metrics.information_ratio(rank_ic),
        "ic_days": float(len(rank_ic)),
        "pinball": metrics.pinball(quantiles, r, levels),
    }
    for name, (low, high) in INTERVALS.items():
        lower, upper = quantiles[:, at[low]], quantiles[:, at[high]]
        values[f"coverage_{name}"] = metrics.coverage(lower, upper, r)
        values[f"width_{name}"] = float((upper - lower).mean())
    return Score(values, _quarters(rows["session"], quantiles[:, [at[low], at[high]]], r))


def against_yardstick(scores: Mapping[str, Score]) -> dict[str, Score]:
    """The same with `pinball_ratio`, the pinball loss by the yardstick's; NaN where it is not among them."""
    yardstick = scores[YARDSTICK].values["pinball"] if YARDSTICK in scores else float("nan")
    return {
        name: Score({**one.values, "pinball_ratio": one.values["pinball"] / yardstick}, one.quarters)
        for name, one in scores.items()
    }


def over_seeds(several: Sequence[Score]) -> tuple[Score, Mapping[str, float] | None]:
    """The mean over seeds, and the standard errors of its figures; None for a single seed."""
    stacked = {name: np.array([one.values[name] for one in several]) for name in several[0].values}
    quarters = tuple(
        Quarter(own[0].name, own[0].sessions, own[0].forecasts, float(np.mean([one.coverage for one in own])))
        for own in zip(*(one.quarters for one in several), strict=True)
    )
    mean = Score({name: float(values.mean()) for name, values in stacked.items()}, quarters)
    if len(several) == 1:
        return mean, None
    return mean, {name: metrics.mean_and_error(values)[1] for name, values in stacked.items()}


def _quarters(session: pd.Series[Any], interval: metrics.Array, r: metrics.Array) -> tuple[Quarter, ...]:
    days = session.to_numpy().astype("datetime64[D]")
    names = np.array(metrics.quarter(days))
    found = []
    for name in np.unique(names):
        own = names == name
        held = metrics.coverage(interval[own, 0], interval[own, 1], r[own])
        found.append(Quarter(str(name), len(np.unique(days[own])), int(own.sum()), held))
    return tuple(found)
