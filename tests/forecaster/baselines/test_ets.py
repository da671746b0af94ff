from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from forecaster.baselines.ets import FORMS, NO_FIT, Ets, Smoothing, fit, one_ahead
from forecaster.baselines.protocol import LEVELS
from forecaster.diagnostics.table import column
from tests.forecaster.baselines.markets import folds_of, market

RANDOM = np.random.default_rng(8)
LOGS = np.cumsum(RANDOM.normal(0, 0.02, 200)) + 0.3 * RANDOM.normal(0, 0.02, 200)
# Parameters of the three forms in the package's order: alpha, beta, phi, first level, first trend.
GIVEN = {
    (None, False): (0.7, 0.1),
    ("add", False): (0.6, 0.1, 0.1, 0.002),
    ("add", True): (0.6, 0.1, 0.9, 0.1, 0.002),
}
OURS = {
    (None, False): Smoothing(0.7, 0.0, 0.0, 0.1, 0.0, 0.02, ""),
    ("add", False): Smoothing(0.6, 0.1, 1.0, 0.1, 0.002, 0.02, ""),
    ("add", True): Smoothing(0.6, 0.1, 0.9, 0.1, 0.002, 0.02, ""),
}


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_state_goes_forward_as_in_statsmodels(form: tuple[str | None, bool]) -> None:
    model = ETSModel(LOGS, error="add", trend=form[0], damped_trend=form[1])
    smoothed = model.smooth(np.array(GIVEN[form]))
    ours = one_ahead(LOGS, OURS[form])
    np.testing.assert_allclose(ours[:-1], smoothed.fittedvalues, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours[-1], smoothed.forecast(1)[0], rtol=1e-12)


def test_the_form_with_the_lowest_aicc_is_taken() -> None:
    chosen = fit(LOGS)
    by_hand = {
        form: ETSModel(LOGS, error="add", trend=form[0], damped_trend=form[1]).fit(disp=False).aicc for form in FORMS
    }
    names = {(None, False): "without trend", ("add", False): "with trend", ("add", True): "with damped trend"}
    assert chosen.form == names[min(by_hand, key=lambda form: by_hand[form])]
    line = np.linspace(0, 3, 200) + RANDOM.normal(0, 0.001, 200)
    assert fit(line).form == "with trend"
    assert fit(np.full(80, 3.0)) == Smoothing(1.0, 0.0, 0.0, 3.0, 0.0, 0.0, NO_FIT)


def test_quantiles_are_statsmodels_own_prediction_intervals() -> None:
    fold = folds_of(market(), every=60)[0]
    made = Ets().fit_predict(fold, LEVELS, 0, lambda text: None).table
    logs = np.log(fold.known.frame[fold.known.frame["symbol"] == "S1"]["close"].to_numpy())
    trend = {"without trend": (None, False), "with trend": ("add", False), "with damped trend": ("add", True)}
    form = trend[fit(logs).form]
    result = ETSModel(pd.Series(logs), error="add", trend=form[0], damped_trend=form[1]).fit(disp=False)
    # Of the first origin, which is the last bar known.
    frame = result.get_prediction(start=len(logs), end=len(logs)).summary_frame(alpha=0.1)
    expected = np.exp(frame[["pi_lower", "mean", "pi_upper"]].to_numpy()[0])
    first = made[made["symbol"] == "S1"].iloc[0]
    np.testing.assert_allclose(first[[column(p) for p in (0.05, 0.5, 0.95)]].to_numpy(float), expected, rtol=1e-9)
