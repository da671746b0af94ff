from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.diagnostics.lag import MAX_LAG, correlogram, lag
from tests.forecaster.diagnostics.records import late, noisy, record, scaled, seeds, sizes


@given(seeds, sizes)
def test_numpy_gives_the_same_correlogram(seed: int, n: int) -> None:
    it = noisy(seed, n)
    found = lag(it)
    df, dc = np.diff(it.forecast), np.diff(it.actual)
    expected = [np.corrcoef(df[k:], dc[: len(dc) - k])[0, 1] for k in range(MAX_LAG + 1)]
    assert [k for k, _ in found.correlogram] == list(range(MAX_LAG + 1))
    assert [r for _, r in found.correlogram] == pytest.approx(expected, rel=0, abs=1e-12)
    assert found.best_lag == int(np.argmax(expected))
    assert found.correlation == pytest.approx(max(expected), rel=0, abs=1e-12)
    assert found.echo == pytest.approx(expected[1], rel=0, abs=1e-12)
    distances = [np.sqrt(np.mean((it.forecast[k:] - it.actual[: n - k]) ** 2)) for k in range(MAX_LAG + 1)]
    assert found.level_lag == int(np.argmin(distances))


@given(seeds, sizes, st.integers(0, MAX_LAG))
def test_a_forecast_that_is_k_sessions_late_has_lag_k(seed: int, n: int, k: int) -> None:
    found = lag(late(seed, n, k))
    assert (found.best_lag, found.level_lag) == (k, k)
    assert found.correlation == pytest.approx(1.0, abs=1e-12)
    if k == 1:
        assert found.echo == found.correlation


@given(seeds, sizes, st.floats(1e-3, 1e3))
def test_the_currency_changes_no_lag(seed: int, n: int, factor: float) -> None:
    it = noisy(seed, n)
    here = lag(it)
    there = lag(scaled(it, factor))
    assert (there.best_lag, there.level_lag) == (here.best_lag, here.level_lag)
    assert [r for _, r in there.correlogram] == pytest.approx([r for _, r in here.correlogram], abs=1e-9)


def test_among_equal_correlations_the_smallest_lag_wins() -> None:
    # A series of period 2 correlates perfectly with itself at every even lag.
    closes = np.tile([10.1, 11.3], 40)
    found = lag(record(closes, closes[1:]))
    assert found.best_lag == 0
    assert found.echo == pytest.approx(-1.0, abs=1e-12)


@pytest.mark.parametrize(
    "still",
    [
        np.full(61, 10.0),
        # Steps of 0.1 are equal but for rounding, which must not be taken for movement.
        10.0 + 0.1 * np.arange(61),
    ],
)
def test_no_correlation_without_variance(still: np.ndarray) -> None:
    found = lag(record(still, noisy(3, 60).forecast))
    assert found.correlogram == tuple((k, None) for k in range(MAX_LAG + 1))
    assert (found.best_lag, found.correlation, found.echo) == (None, None, None)


def test_no_level_lag_where_the_close_never_moved() -> None:
    assert lag(record(np.full(61, 10.0), noisy(3, 60).forecast)).level_lag is None


def test_lags_that_the_record_is_too_short_for_are_none() -> None:
    found = lag(late(5, 4, 1))
    assert [k for k, r in found.correlogram if r is not None] == [0, 1]
    assert found.best_lag == 1
    alone = lag(late(5, 1, 0))
    assert (alone.best_lag, alone.level_lag) == (None, None)


def test_a_largest_lag_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="max_lag"):
        lag(noisy(1, 60), max_lag=0)


def test_series_side_by_side_have_the_correlograms_of_each_alone() -> None:
    records = [noisy(seed, 80) for seed in range(4)]
    forecast, actual = (np.stack([getattr(it, name) for it in records]) for name in ("forecast", "actual"))
    found = correlogram(forecast.reshape(2, 2, 80), actual.reshape(2, 2, 80), max_lag=3)
    assert found.shape == (2, 2, 4)
    assert found[1, 0] == pytest.approx([r for _, r in lag(records[2], 3).correlogram], abs=1e-14)
