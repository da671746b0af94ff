"""Last close and random walk with drift, by plain loops."""

from __future__ import annotations

import numpy as np

from forecaster.baselines.drift import Drift
from forecaster.baselines.ewma import ewma_variance
from forecaster.baselines.naive import Naive
from forecaster.baselines.protocol import LEVELS
from forecaster.diagnostics.table import column
from tests.forecaster.baselines.markets import forecasts, market

COLUMNS = [column(level) for level in LEVELS]


def test_naive_and_drift_by_hand() -> None:
    table = market()
    naive, drift = forecasts(Naive(), table), forecasts(Drift(), table)
    for symbol in ("S0", "S3", "S4"):
        own = table[table["symbol"] == symbol].reset_index(drop=True)
        logs = [float(np.log(close)) for close in own["close"]]
        row = naive[naive["symbol"] == symbol].iloc[7]
        place = int(own.index[own["session"] == row["origin"]][0])
        returns = [logs[i] - logs[i - 1] for i in range(1, place + 1)]
        spread = [float(np.quantile(returns[-500:], level)) for level in LEVELS]
        # No view on the direction: the median is the last close, and no quantile lies on its other side.
        middle = LEVELS.index(0.5)
        spread = [min(q, 0.0) if i < middle else max(q, 0.0) if i > middle else 0.0 for i, q in enumerate(spread)]
        np.testing.assert_allclose(row[COLUMNS].to_numpy(float), [np.exp(logs[place] + q) for q in spread], rtol=1e-12)
        mean = sum(returns) / len(returns)
        moved = drift[(drift["symbol"] == symbol) & (drift["origin"] == row["origin"])].iloc[0]
        expected = [np.exp(logs[place] + mean + q) for q in spread]
        np.testing.assert_allclose(moved[COLUMNS].to_numpy(float), expected, rtol=1e-10)


def test_ewma_variance_by_a_plain_loop() -> None:
    returns = np.random.default_rng(5).normal(size=90)
    smooth = [float(np.mean(returns[:20] ** 2))]
    for one in returns[20:]:
        smooth.append(0.94 * smooth[-1] + 0.06 * one**2)
    np.testing.assert_allclose(ewma_variance(returns)[20:], smooth)
