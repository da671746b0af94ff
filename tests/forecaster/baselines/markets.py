"""A fold to forecast: seven symbols with what is awkward about symbols."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.bars import validate
from forecaster.backtest.folds import Plan, fold_of, outcomes_of, sessions_of, spans
from forecaster.baselines.protocol import LEVELS, Fold, Forecaster, check_made

DAYS = pd.bdate_range("2018-01-01", periods=420)
SPAN = 60


def market() -> pd.DataFrame:
    """Two symbols are listed late, one of them just before the test span; one misses days, one never moves."""
    random = np.random.default_rng(11)
    pieces = []
    for number in range(7):
        close = 50 * np.exp(np.cumsum(random.standard_t(5, len(DAYS)) * 0.01))
        first = {4: 250, 5: 345}.get(number, 0)
        own = pd.DataFrame({"symbol": f"S{number}", "session": DAYS, "close": 50.0 if number == 6 else close})[first:]
        pieces.append(own.drop(own.index[::9]) if number == 3 else own)
    table = pd.concat(pieces, ignore_index=True)
    return table.assign(open=table["close"], high=table["close"], low=table["close"], volume=1000, adj_factor=1.0)


def folds_of(table: pd.DataFrame, every: int = 25) -> list[Fold]:
    """The newest `SPAN` sessions in folds of `every`."""
    bars = validate(table, source="synthetic").bars
    return [fold_of(bars, span) for span in spans(sessions_of(bars), Plan(every=every, sessions=SPAN))]


def outcomes(table: pd.DataFrame) -> pd.DataFrame:
    """What came of the origins of `folds_of`."""
    bars = validate(table, source="synthetic").bars
    return outcomes_of(bars, spans(sessions_of(bars), Plan(every=25, sessions=SPAN)))


def forecasts(forecaster: Forecaster, table: pd.DataFrame) -> pd.DataFrame:
    """Its forecasts of all folds, checked."""
    made = []
    for fold in folds_of(table):
        own = forecaster.fit_predict(fold, LEVELS, 0, lambda text: None).table
        check_made(own, fold.origins, LEVELS, forecaster.name)
        made.append(own)
    return pd.concat(made, ignore_index=True)
