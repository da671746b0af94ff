from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_pinball_loss,
    r2_score,
    root_mean_squared_error,
)

from forecaster.diagnostics.errors import errors
from tests.forecaster.diagnostics.records import distribution, late, noisy, record, scaled, seeds, sizes

# scikit-learn checks what it is given at length.
few = settings(deadline=None, max_examples=20)


@few
@given(seeds, sizes)
def test_scikit_learn_gives_the_same_errors(seed: int, n: int) -> None:
    it = distribution(seed, n)
    found = errors(it, in_sample_mae=1.7, in_sample_mse=4.5)
    mae = mean_absolute_error(it.actual, it.forecast)
    rmse = root_mean_squared_error(it.actual, it.forecast)
    assert found.mae == pytest.approx(mae, rel=1e-12)
    assert found.rmse == pytest.approx(rmse, rel=1e-12)
    assert found.mape == pytest.approx(mean_absolute_percentage_error(it.actual, it.forecast), rel=1e-12)
    assert found.mase == pytest.approx(mae / 1.7, rel=1e-12)
    assert found.rmsse == pytest.approx(rmse / math.sqrt(4.5), rel=1e-12)
    naive_mae = mean_absolute_error(it.actual, it.previous_close)
    naive_rmse = root_mean_squared_error(it.actual, it.previous_close)
    assert found.skill_vs_naive == pytest.approx(1 - mae / naive_mae, rel=1e-9)
    assert found.theil_u2 == pytest.approx(rmse / naive_rmse, rel=1e-12)
    ours, naive = (
        np.mean([mean_pinball_loss(it.actual, own[:, i], alpha=level) for i, level in enumerate(it.levels)])
        for own in (it.quantiles, it.naive_quantiles)
    )
    assert found.pinball == pytest.approx(ours, rel=1e-12)
    assert found.pinball_skill == pytest.approx(1 - ours / naive, rel=1e-9)


@few
@given(seeds, sizes)
def test_scikit_learn_gives_the_same_r2(seed: int, n: int) -> None:
    # Its benchmark is the mean of what came: beside every change its opposite, that mean is zero.
    it = distribution(seed, n)
    r, p = it.actual / it.previous_close - 1, it.forecast / it.previous_close - 1
    expected = r2_score(np.concatenate([r, -r]), np.concatenate([p, -p]))
    assert errors(it, None).r2_out_of_sample == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_by_hand() -> None:
    # Closes 10 11 11 9 10. Forecasts of the last four: errors +1 0 +1 -1, naive errors -1 0 +2 -1.
    # Directions: up/up hit; unchanged close and unchanged forecast, a miss; down/down hit (forecast 10 from
    # 11); unchanged forecast, a miss.
    found = errors(record(np.array([10.0, 11.0, 11.0, 9.0, 10.0]), np.array([12.0, 11.0, 10.0, 9.0])), 2.0, 3.0)
    assert found.mae == 0.75
    assert found.rmse == pytest.approx((3 / 4) ** 0.5)
    assert found.mape == pytest.approx((1 / 11 + 1 / 9 + 1 / 10) / 4)
    assert found.bias == 0.25
    assert found.mase == 0.375
    assert found.rmsse == 0.5
    assert found.skill_vs_naive == 0.25
    assert found.theil_u2 == pytest.approx((3 / 6) ** 0.5)
    # Relative to 10, 11, 11 and 9: errors 1/10 0 1/11 1/9, changes 1/10 0 2/11 1/9.
    assert found.r2_out_of_sample == pytest.approx(
        1 - (1 / 100 + 1 / 121 + 1 / 81) / (1 / 100 + 4 / 121 + 1 / 81), rel=1e-12
    )
    assert found.directional_accuracy == 0.5
    # Half-width 2 and levels 0.05, 0.5, 0.95: an error of e costs (2 - |e|) / 20 at the far end, |e| / 2 in the
    # middle and (2 + |e|) / 20 at the near one.
    assert found.pinball == pytest.approx((0.2 + 0.75 / 2) / 3)
    assert found.pinball_skill is None


@pytest.mark.parametrize("unknown", [None, 0.0])
def test_scaled_errors_are_none_where_the_scale_is_unknown_or_zero(unknown: float | None) -> None:
    found = errors(noisy(1, 60), unknown, unknown)
    assert (found.mase, found.rmsse) == (None, None)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_an_impossible_scale_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="in_sample_mae"):
        errors(noisy(1, 60), bad)
    with pytest.raises(ValueError, match="in_sample_mse"):
        errors(noisy(1, 60), 1.0, bad)


def test_no_skill_where_the_last_close_is_never_wrong() -> None:
    found = errors(record(np.full(61, 10.0), np.full(60, 10.5)), None)
    assert (found.skill_vs_naive, found.theil_u2, found.r2_out_of_sample) == (None, None, None)
    assert found.directional_accuracy == 0.0


@given(seeds, sizes)
def test_an_echo_has_no_skill_and_a_perfect_forecast_has_all(seed: int, n: int) -> None:
    echo, perfect = errors(late(seed, n, 1), None), errors(late(seed, n, 0), None)
    assert (echo.skill_vs_naive, echo.theil_u2, echo.directional_accuracy) == (0.0, 1.0, 0.0)
    assert (perfect.mae, perfect.skill_vs_naive, perfect.directional_accuracy) == (0.0, 1.0, 1.0)
    assert (echo.r2_out_of_sample, perfect.r2_out_of_sample) == (0.0, 1.0)


@given(seeds, sizes, st.floats(1e-3, 1e3))
def test_the_currency_changes_no_unitless_figure(seed: int, n: int, factor: float) -> None:
    it = distribution(seed, n)
    here, there = errors(it, 1.7, 4.5), errors(scaled(it, factor), 1.7 * factor, 4.5 * factor**2)
    unitless = ("mape", "mase", "rmsse", "skill_vs_naive", "theil_u2", "r2_out_of_sample", "directional_accuracy")
    for name in (*unitless, "pinball_skill"):
        assert getattr(there, name) == pytest.approx(getattr(here, name), rel=1e-9, abs=1e-9), name
    for name in ("mae", "rmse", "bias", "pinball"):
        assert getattr(there, name) == pytest.approx(getattr(here, name) * factor, rel=1e-9), name
