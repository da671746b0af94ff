"""A spec as a contestant: what comes after an origin does not reach its forecast."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.bars import Bars
from forecaster.backtest.contestant import Network
from forecaster.backtest.folds import Plan, fold_of, sessions_of, spans
from forecaster.baselines.protocol import LEVELS, check_made
from forecaster.spec import ModelSpec, TrainSpec
from tests.forecaster.markets import make_bars, walk

BARS = make_bars({f"S{k}": walk(k, 260) for k in range(3)})
TINY = Network("tiny", ModelSpec(units=(4,), lookback=5, features=("open", "close", "volume")), TrainSpec(epochs=1))


def test_a_changed_future_leaves_earlier_forecasts_as_they_were() -> None:
    (span,) = spans(sessions_of(BARS), Plan(every=40, folds=1))
    cut = pd.Timestamp(span.first) + pd.Timedelta(days=21)
    frame = BARS.frame.copy()
    later = frame["session"] > cut
    frame.loc[later, ["open", "high", "low", "close"]] *= 1.3
    tables = []
    for bars in (BARS, Bars(frame)):
        fold = fold_of(bars, span)
        made = TINY.fit_predict(fold, LEVELS, 3, lambda text: None)
        check_made(made.table, fold.origins, LEVELS, "tiny")
        assert made.notes == {"epochs": 1, "networks": 1}
        tables.append(made.table)
    before, after = (table[table["origin"] <= cut] for table in tables)
    assert len(before) == 3 * 16
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    changed = [table[table["origin"] > cut]["0.5"].to_numpy() for table in tables]
    assert (np.abs(changed[1] / changed[0] - 1.3) < 0.1).all()
