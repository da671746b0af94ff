"""The verdict on a model of a backtest: the rules of `forecaster.diagnostics.verdict` on the pooled forecasts.

Errors are relative to each symbol's last close, so that all prices weigh the same, and every test is on the means of
sessions: the symbols of one session move together and are no independent witnesses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from forecaster.backtest.contest import difference_test
from forecaster.backtest.lags import PooledLag
from forecaster.backtest.panel import Panel
from forecaster.backtest.scores import Interval, Losses
from forecaster.diagnostics.bias import Bias, mean_test
from forecaster.diagnostics.block import columns
from forecaster.diagnostics.coverage import Coverage
from forecaster.diagnostics.errors import Errors
from forecaster.diagnostics.record import Floats
from forecaster.diagnostics.significance import Significance
from forecaster.diagnostics.verdict import Verdict, verdict


def judged(panel: Panel, mine: Losses, error: Floats, intervals: Sequence[Interval], lag: PooledLag) -> Verdict:
    """The verdict on one model, against the last close whatever the baseline of the backtest is.

    Args:
        panel: what was forecast.
        mine: the model's losses.
        error: `(n,)` forecast - actual, relative to the last close.
        intervals: its central intervals, the narrowest first.
        lag: its delay.
    """
    return verdict(
        panel.sessions.size,
        _errors(panel, mine, error),
        _bias(panel, error),
        lag.typical(),
        _significance(panel, mine),
        _coverage(intervals),
    )


def _errors(panel: Panel, mine: Losses, error: Floats) -> Errors:
    naive, naive_square = float(np.abs(panel.change).mean()), float(np.square(panel.change).mean())
    mae, square = float(mine.absolute.mean()), float(mine.squared.mean())
    return Errors(
        mae=mae,
        rmse=math.sqrt(square),
        mape=mae,
        bias=float(error.mean()),
        mase=None,
        rmsse=None,
        skill_vs_naive=1.0 - mae / naive if naive else None,
        theil_u2=math.sqrt(square / naive_square) if naive_square else None,
        r2_out_of_sample=1.0 - square / naive_square if naive_square else None,
        directional_accuracy=float(((panel.change + error) * panel.change > 0.0).mean()),
        pinball=float(mine.pinball.mean()),
        pinball_skill=None,
    )


def _bias(panel: Panel, error: Floats) -> Bias:
    """The mean alone: the regression on pooled forecasts would count every symbol as a witness."""
    daily = panel.by_session(error) / panel.count
    ((mean, statistic, p_value),) = columns(*mean_test(daily[None]))
    return Bias(mean, statistic, p_value, None, None, None, None)


def _significance(panel: Panel, mine: Losses) -> Significance:
    found = difference_test(panel, mine.absolute, np.abs(panel.change))
    square = difference_test(panel, mine.squared, np.square(panel.change))
    return Significance(
        diebold_mariano=None if found is None else found.statistic,
        dm_p_value=None if found is None else found.p_value,
        dm_squared=None if square is None else square.statistic,
        dm_squared_p_value=None if square is None else square.p_value,
        dm_pinball=None,
        dm_pinball_p_value=None,
        pt_statistic=None,
        pt_p_value=None,
    )


def _coverage(intervals: Sequence[Interval]) -> Coverage:
    """The widest interval; its test is of the mean of sessions, as Kupiec's would count every symbol."""
    if not intervals:
        return Coverage(0.0, 0.0, 0.0, None, None, None, ())
    widest = intervals[-1]
    share, width = widest.observed, widest.width.value or 0.0
    p = None
    if share.value is not None and share.error:
        p = math.erfc(abs(share.value - widest.level) / share.error / math.sqrt(2.0))
    return Coverage(widest.level, share.value or 0.0, width, p, None, None, ())
