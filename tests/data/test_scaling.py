from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler

from data.errors import UnscaledSymbol
from data.scaling import LEAST_RANGE, Scaling, SeriesScaling, WindowScaling, fit_series_range
from data.windows import fit_series_scaling, panel
from tests.data.tables import checked, closes, market, several, trusted


def stretches(seed: int, n: int, lookback: int, features: int) -> np.ndarray:
    """Windows of walks on levels from 0.01 to 10 000, some columns flat."""
    rng = np.random.default_rng(seed)
    raw = np.cumsum(rng.normal(size=(n, lookback, features)), axis=1) + rng.uniform(-5, 5, (n, 1, features))
    raw *= 10.0 ** rng.integers(-2, 5, (n, 1, features))
    flat = rng.random((n, 1, features)) < 0.2
    return np.where(flat, raw[:, :1, :], raw)


def of_one(n: int) -> np.ndarray:
    """`n` windows of the first symbol."""
    return np.zeros(n, dtype=np.int64)


def all_of(features: int) -> np.ndarray:
    """Every column is MinMax-scaled."""
    return np.ones(features, dtype=bool)


@several
@given(seed=st.integers(0, 2**31), n=st.integers(1, 5), lookback=st.integers(2, 30), features=st.integers(1, 4))
def test_window_scaling_is_scikit_learns_min_max_of_each_window(
    seed: int, n: int, lookback: int, features: int
) -> None:
    raw = stretches(seed, n, lookback, features)
    found = WindowScaling().inputs(raw, ["A"], of_one(n), all_of(features))
    assert found.dtype == np.float32
    assert found.shape == raw.shape
    expected = np.stack([MinMaxScaler().fit_transform(window) for window in raw])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.min() >= 0
    assert found.max() <= 1


def test_a_flat_column_is_zero() -> None:
    raw = np.stack([[7.0, 7.0, 7.0], [1.0, 2.0, 3.0]], axis=1)[None]
    found = WindowScaling().inputs(raw, ["A"], of_one(1), all_of(2))
    assert found[0, :, 0].tolist() == [0.0, 0.0, 0.0]
    assert found[0, :, 1].tolist() == [0.0, 0.5, 1.0]


@several
@given(
    seed=st.integers(0, 2**31),
    minmax=st.lists(st.booleans(), min_size=1, max_size=5),
    series=st.booleans(),
    lookback=st.integers(2, 9),
)
def test_columns_that_are_free_of_units_stay_as_they_are(
    seed: int, minmax: list[bool], series: bool, lookback: int
) -> None:
    raw = stretches(seed, 3, lookback, len(minmax))
    whole = raw.reshape(-1, len(minmax))
    scaling: Scaling = WindowScaling()
    if series:
        scaling = SeriesScaling({"A": fit_series_range(whole, np.ones(len(whole)))})
    before = raw.copy()
    found = scaling.inputs(raw, ["A"], of_one(3), np.array(minmax))
    assert found.dtype == np.float32
    assert np.array_equal(raw, before)
    for position, scaled in enumerate(minmax):
        expected = raw[:, :, position]
        if scaled:
            fitted = [MinMaxScaler().fit(whole[:, [position]] if series else one[:, None]) for one in expected]
            expected = np.stack([by.transform(one[:, None])[:, 0] for by, one in zip(fitted, expected, strict=True)])
        np.testing.assert_allclose(found[:, :, position], expected.astype(np.float32), rtol=1e-6, atol=1e-6)


def test_a_windows_target_range_is_its_own_closes() -> None:
    close = np.array([10.0, 14.0, 12.0, 5.0, 4.0, 8.0])
    low, width = WindowScaling().target_range(close, np.array([2, 5]), 3, ["A", "B"], np.array([0, 1]))
    assert low.tolist() == [10.0, 4.0]
    assert width.tolist() == [4.0, 4.0]


@several
@given(seed=st.integers(0, 2**31), rows=st.integers(2, 60), lookback=st.integers(2, 20))
def test_a_target_range_is_that_of_a_sliding_window(seed: int, rows: int, lookback: int) -> None:
    close = np.random.default_rng(seed).lognormal(2.0, 1.0, rows)
    last = np.arange(lookback - 1, rows)[::2]
    if not len(last):
        return
    low, width = WindowScaling().target_range(close, last, lookback, ["A"], np.zeros(len(last), dtype=np.int64))
    windows = np.stack([close[end - lookback + 1 : end + 1] for end in last])
    assert np.array_equal(low, windows.min(axis=1))
    assert np.array_equal(width, np.maximum(windows.max(axis=1) - windows.min(axis=1), close[last] / 100))


def test_a_share_that_hardly_moved_has_one_percent_of_its_last_close_as_range() -> None:
    assert LEAST_RANGE == 0.01
    quiet = np.array([100.1, 100.05, 100.0, 50.0, 50.0, 50.0, 100.0, 103.0, 102.0])
    low, width = WindowScaling().target_range(quiet, np.array([2, 5, 8]), 3, ["A", "B", "C"], np.arange(3))
    assert low.tolist() == [100.0, 50.0, 100.0]
    # Ranges of 0.1, nothing and 3 against 1 % of 100, 50 and 102.
    assert width.tolist() == [1.0, 0.5, 3.0]
    series = SeriesScaling({"A": fit_series_range(np.zeros((2, 1)), np.array([100.0, 100.1]))})
    assert series.target_range(np.array([90.0, 200.0]), np.array([1]), 2, ["A"], of_one(1))[1].tolist() == [2.0]


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
    found = scaling.inputs(later, ["A"], of_one(3), all_of(features))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    low, width = scaling.target_range(np.full(5, 15.0), np.array([4]), 5, ["A"], of_one(1))
    assert low[0] == close.min()
    assert width[0] == max(np.ptp(close), 0.15)


def test_values_beyond_the_training_range_are_not_clipped() -> None:
    scaling = SeriesScaling({"A": fit_series_range(np.array([[10.0], [20.0]]), np.array([10.0, 20.0]))})
    found = scaling.inputs(np.array([[[5.0], [15.0], [40.0]]]), ["A"], of_one(1), all_of(1))
    assert found[0, :, 0].tolist() == [-0.5, 0.5, 3.0]


def test_each_symbol_is_scaled_by_its_own_training_rows() -> None:
    scaling = SeriesScaling(
        {
            "A": fit_series_range(np.array([[0.0], [10.0]]), np.array([1.0, 2.0])),
            "B": fit_series_range(np.array([[0.0], [100.0]]), np.array([10.0, 30.0])),
        }
    )
    found = scaling.inputs(np.full((3, 2, 1), 5.0), ["A", "B"], np.array([1, 0, 1]), all_of(1))
    assert found[:, 0, 0].tolist() == pytest.approx([0.05, 0.5, 0.05])
    low, width = scaling.target_range(np.full(4, 5.0), np.array([1, 3]), 2, ["A", "B"], np.array([1, 0]))
    assert (low.tolist(), width.tolist()) == ([10.0, 1.0], [20.0, 1.0])


def test_a_symbol_that_was_not_fitted_is_refused() -> None:
    scaling = SeriesScaling({"A": fit_series_range(np.array([[0.0], [1.0]]), np.array([1.0, 2.0]))})
    both = np.array([0, 1])
    for ask in (
        lambda: scaling.inputs(np.zeros((2, 3, 1)), ["A", "B"], both, all_of(1)),
        lambda: scaling.target_range(np.ones(6), np.array([2, 5]), 3, ["A", "B"], both),
        lambda: scaling.require("B"),
    ):
        with pytest.raises(UnscaledSymbol, match="scaling = 'window'") as caught:
            ask()
        assert caught.value.symbol == "B"
    # A name that has no window here need not be known.
    assert scaling.inputs(np.zeros((2, 3, 1)), ["A", "B"], np.zeros(2, dtype=np.int64), all_of(1)).shape == (2, 3, 1)
    scaling.require("A")
    WindowScaling().require("B")


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
