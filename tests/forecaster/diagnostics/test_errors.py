from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    root_mean_squared_error,
)

from forecaster.diagnostics.errors import errors
from tests.forecaster.diagnostics.records import late, noisy, record, seeds, sizes


@given(seeds, sizes)
def test_scikit_learn_gives_the_same_errors(seed: int, n: int) -> None:
    it = noisy(seed, n)
    found = errors(it, in_sample_mae=1.7)
    mae = mean_absolute_error(it.actual, it.forecast)
    rmse = root_mean_squared_error(it.actual, it.forecast)
    assert found.mae == pytest.approx(mae, rel=1e-12)
    assert found.rmse == pytest.approx(rmse, rel=1e-12)
    assert found.mape == pytest.approx(mean_absolute_percentage_error(it.actual, it.forecast), rel=1e-12)
    assert found.mase == pytest.approx(mae / 1.7, rel=1e-12)
    naive_mae = mean_absolute_error(it.actual, it.previous_close)
    naive_rmse = root_mean_squared_error(it.actual, it.previous_close)
    assert found.skill_vs_naive == pytest.approx(1 - mae / naive_mae, rel=1e-12)
    assert found.theil_u2 == pytest.approx(rmse / naive_rmse, rel=1e-12)


def test_by_hand() -> None:
    # Closes 10 11 11 9 10. Forecasts of the last four: errors +1 0 +1 -1, naive errors -1 0 +2 -1.
    # Directions: up/up hit; unchanged close and unchanged forecast, a miss; down/down hit (forecast 10 from
    # 11); unchanged forecast, a miss.
    found = errors(record(np.array([10.0, 11.0, 11.0, 9.0, 10.0]), np.array([12.0, 11.0, 10.0, 9.0])), 2.0)
    assert found.mae == 0.75
    assert found.rmse == pytest.approx((3 / 4) ** 0.5)
    assert found.mape == pytest.approx((1 / 11 + 1 / 9 + 1 / 10) / 4)
    assert found.bias == 0.25
    assert found.mase == 0.375
    assert found.skill_vs_naive == 0.25
    assert found.theil_u2 == pytest.approx((3 / 6) ** 0.5)
    assert found.directional_accuracy == 0.5


@pytest.mark.parametrize("unknown", [None, 0.0])
def test_mase_is_none_where_its_scale_is_unknown_or_zero(unknown: float | None) -> None:
    assert errors(noisy(1, 60), unknown).mase is None


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_an_impossible_scale_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="in_sample_mae"):
        errors(noisy(1, 60), bad)


def test_no_skill_where_the_last_close_is_never_wrong() -> None:
    found = errors(record(np.full(61, 10.0), np.full(60, 10.5)), None)
    assert (found.skill_vs_naive, found.theil_u2) == (None, None)
    assert found.directional_accuracy == 0.0


@given(seeds, sizes)
def test_an_echo_has_no_skill_and_a_perfect_forecast_has_all(seed: int, n: int) -> None:
    echo, perfect = errors(late(seed, n, 1), None), errors(late(seed, n, 0), None)
    assert (echo.skill_vs_naive, echo.theil_u2, echo.directional_accuracy) == (0.0, 1.0, 0.0)
    assert (perfect.mae, perfect.skill_vs_naive, perfect.directional_accuracy) == (0.0, 1.0, 1.0)


@given(seeds, sizes, st.floats(1e-3, 1e3))
def test_the_currency_changes_no_unitless_figure(seed: int, n: int, factor: float) -> None:
    it = noisy(seed, n)
    other = dataclasses.replace(
        it,
        actual=it.actual * factor,
        forecast=it.forecast * factor,
        previous_close=it.previous_close * factor,
    )
    here, there = errors(it, 1.7), errors(other, 1.7 * factor)
    for name in ("mape", "mase", "skill_vs_naive", "theil_u2", "directional_accuracy"):
        assert getattr(there, name) == pytest.approx(getattr(here, name), rel=1e-9, abs=1e-9), name
    for name in ("mae", "rmse", "bias"):
        assert getattr(there, name) == pytest.approx(getattr(here, name) * factor, rel=1e-9), name
