from __future__ import annotations

import numpy as np
from arch import arch_model

from forecaster.baselines.garch import PERCENT, Garch, Garch11, fit, variances
from forecaster.baselines.protocol import LEVELS
from forecaster.diagnostics.table import column
from tests.forecaster.baselines.markets import folds_of, market

PARAMETERS = Garch11(0.02, 0.07, 0.9, 6.0)


def test_variances_by_a_plain_loop() -> None:
    returns = np.random.default_rng(5).normal(size=90)
    expected = [float(np.mean(returns[:60] ** 2))]
    for one in returns:
        expected.append(0.02 + 0.07 * one**2 + 0.9 * expected[-1])
    np.testing.assert_allclose(variances(returns, PARAMETERS), expected)


def test_variances_are_those_of_arch_where_the_start_no_longer_counts() -> None:
    returns = np.random.default_rng(6).standard_t(6, 700)
    model = arch_model(returns, mean="Zero", vol="GARCH", p=1, o=0, q=1, dist="t", rescale=False)
    fixed = model.fix([PARAMETERS.omega, PARAMETERS.alpha, PARAMETERS.beta, PARAMETERS.nu])
    # Both start elsewhere; what is left of it after 400 bars is 0.9^400, below 1e-18.
    ours = variances(returns, PARAMETERS)
    np.testing.assert_allclose(np.sqrt(ours[400:-1]), fixed.conditional_volatility[400:], rtol=1e-12)
    np.testing.assert_allclose(ours[-1], fixed.forecast(horizon=1).variance.to_numpy()[-1, 0], rtol=1e-12)


def test_quantiles_are_those_of_archs_own_distribution() -> None:
    fold = folds_of(market(), every=60)[0]
    made = Garch().fit_predict(fold, LEVELS, 0, lambda text: None)
    assert made.notes["fits"] == 5  # one symbol is too young, another never moves
    own = fold.known.frame[fold.known.frame["symbol"] == "S0"]["close"].to_numpy()
    returns = PERCENT * np.diff(np.log(own))
    found, _ = fit(returns)
    assert found is not None
    model = arch_model(returns, mean="Zero", vol="GARCH", p=1, o=0, q=1, dist="t", rescale=False)
    fixed = model.fix([found.omega, found.alpha, found.beta, found.nu])
    scale = np.sqrt(fixed.forecast(horizon=1).variance.to_numpy()[-1, 0]) / PERCENT
    expected = own[-1] * np.exp(scale * model.distribution.ppf(np.array(LEVELS), [found.nu]))
    first = made.table[made.table["symbol"] == "S0"].iloc[0]
    np.testing.assert_allclose(first[[column(level) for level in LEVELS]].to_numpy(float), expected, rtol=1e-6)
