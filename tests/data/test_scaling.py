from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler

from data.errors import UnscaledSymbol
from data.scaling import LEAST_RANGE, SeriesScaling, WindowScaling, fit_series_range
from data.windows import fit_series_scaling, panel
from tests.data.tables import checked, closes, market, several, trusted


def stretches(seed: int, n: int, lookback: int, features: int) -> np.ndarray:
    """Windows of walks on levels from 0.01 to 10 000, some columns flat."""
    rng = np.random.default_rng(seed)
    raw = np.cumsum(rng.normal(size=(n, lookback, features)), axis=1) + rng.uniform(-5, 5, (n, 1, features))
    raw *= 10.0 ** rng.integers(-2, 5, (n, 1, features))
    flat = rng.random((n, 1, features)) < 0.2
    return np.where(flat, raw[:, :1, :], raw)


@several
@given(seed=st.integers(0, 2**31), n=st.integers(1, 5), lookback=st.integers(2, 30), features=st.integers(1, 4))
def test_window_scaling_is_scikit_learns_min_max_of_each_window(
    seed: int, n: int, lookback: int, features: int
) -> None:
    raw = stretches(seed, n, lookback, features)
    found = WindowScaling().inputs(raw, ["A"] * n)
    assert found.dtype == np.float32
    assert found.shape == raw.shape
    expected = np.stack([MinMaxScaler().fit_transform(window) for window in raw])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.min() >= 0
    assert found.max() <= 1


def test_a_flat_column_is_zero() -> None:
    raw = np.stack([[7.0, 7.0, 7.0], [1.0, 2.0, 3.0]], axis=1)[None]
    found = WindowScaling().inputs(raw, ["A"])
    assert found[0, :, 0].tolist() == [0.0, 0.0, 0.0]
    assert found[0, :, 1].tolist() == [0.0, 0.5, 1.0]


def test_a_windows_target_range_is_its_own_closes() -> None:
    low, width = WindowScaling().target_range(np.array([[10.0, 14.0, 12.0], [5.0, 4.0, 8.0]]), ["A", "B"])
    assert low.tolist() == [10.0, 4.0]
    assert width.tolist() == [4.0, 4.0]


def test_a_share_that_hardly_moved_has_one_percent_of_its_last_close_as_range() -> None:
    assert LEAST_RANGE == 0.01
    quiet = np.array([[100.1, 100.05, 100.0], [50.0, 50.0, 50.0], [100.0, 103.0, 102.0]])
    low, width = WindowScaling().target_range(quiet, ["A", "B", "C"])
    assert low.tolist() == [100.0, 50.0, 100.0]
    # Ranges of 0.1, nothing and 3 against 1 % of 100, 50 and 102.
    assert width.tolist() == [1.0, 0.5, 3.0]
    series = SeriesScaling({"A": fit_series_range(np.zeros((2, 1)), np.array([100.0, 100.1]))})
    assert series.target_range(np.array([[90.0, 200.0]]), ["A"])[1].tolist() == [2.0]


@several
@given(seed=st.integers(0, 2**31), rows=st.integers(1, 40), features=st.integers(1, 4))
def test_series_scaling_is_scikit_learns_min_max_fitted_on_the_training_rows(
    seed: int, rows: int, features: int
) -> None:
    training = stretches(seed, 1, rows, features)[0]
    close = np.random.default_rng(seed).uniform(10, 20, rows)
    scaling = SeriesScaling({"A": fit_series_range(training, close)})
    # Later windows, partly beyond what training saw.
    later = training.mean(axis=0) + stretches(seed + 1, 3, 5, features) * 0.1
    expected = np.stack([MinMaxScaler().fit(training).transform(window) for window in later])
    found = scaling.inputs(later, ["A", "A", "A"])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    low, width = scaling.target_range(np.full((1, 5), 15.0), ["A"])
    assert low[0] == close.min()
    assert width[0] == max(np.ptp(close), 0.15)


def test_values_beyond_the_training_range_are_not_clipped() -> None:
    scaling = SeriesScaling({"A": fit_series_range(np.array([[10.0], [20.0]]), np.array([10.0, 20.0]))})
    found = scaling.inputs(np.array([[[5.0], [15.0], [40.0]]]), ["A"])
    assert found[0, :, 0].tolist() == [-0.5, 0.5, 3.0]


def test_each_symbol_is_scaled_by_its_own_training_rows() -> None:
    scaling = SeriesScaling(
        {
            "A": fit_series_range(np.array([[0.0], [10.0]]), np.array([1.0, 2.0])),
            "B": fit_series_range(np.array([[0.0], [100.0]]), np.array([10.0, 30.0])),
        }
    )
    found = scaling.inputs(np.full((3, 2, 1), 5.0), ["B", "A", "B"])
    assert found[:, 0, 0].tolist() == pytest.approx([0.05, 0.5, 0.05])
    low, width = scaling.target_range(np.full((2, 2), 5.0), ["B", "A"])
    assert (low.tolist(), width.tolist()) == ([10.0, 1.0], [20.0, 1.0])


def test_a_symbol_that_was_not_fitted_is_refused() -> None:
    scaling = SeriesScaling({"A": fit_series_range(np.array([[0.0], [1.0]]), np.array([1.0, 2.0]))})
    for ask in (
        lambda: scaling.inputs(np.zeros((2, 3, 1)), ["A", "B"]),
        lambda: scaling.target_range(np.ones((2, 3)), ["A", "B"]),
    ):
        with pytest.raises(UnscaledSymbol, match="scaling = 'window'") as caught:
            ask()
        assert caught.value.symbol == "B"


@several
@given(seed=st.integers(0, 2**31), end=st.integers(0, 29))
def test_series_ranges_come_from_the_rows_up_to_the_end_of_training(seed: int, end: int) -> None:
    names = ["close", "volume", "log_return"]
    rows = panel(trusted(market(seed, symbols=3, suspended=0.4)), names)
    through = np.datetime64("2024-01-01") + end
    found = fit_series_scaling(rows, through)
    for position, symbol in enumerate(rows.symbols):
        own = [row for row in range(len(rows.close)) if rows.series[row] == position and rows.session[row] <= through]
        if not own:
            assert symbol not in found.ranges
            continue
        fitted = MinMaxScaler().fit(rows.values[own])
        assert list(found.ranges[symbol].low) == fitted.data_min_.tolist()
        assert list(found.ranges[symbol].high) == fitted.data_max_.tolist()
        assert found.ranges[symbol].close_low == min(rows.close[own])
        assert found.ranges[symbol].close_high == max(rows.close[own])


def test_a_symbol_listed_after_training_gets_no_range() -> None:
    rows = panel(checked(closes([10.0, 11.0], first="2024-02-01")), ["close"])
    assert fit_series_scaling(rows, np.datetime64("2024-01-31")).ranges == {}
    assert set(fit_series_scaling(rows, np.datetime64("2024-02-01")).ranges) == {"AAPL"}
