from __future__ import annotations

import numpy as np
import pytest

from forecaster.diagnostics.naive import LEAST, WINDOW, naive_quantiles
from tests.forecaster.diagnostics.records import LEVELS, walk


def test_numpy_gives_the_same_quantiles_of_past_returns() -> None:
    close = walk(3, 700)
    at = np.array([699, 60, 61, 100, 499, 500, 501, 650])
    found = naive_quantiles(close, at, LEVELS)
    for row, origin in zip(found, at.tolist(), strict=True):
        past = np.diff(np.log(close[: origin + 1]))[-WINDOW:]
        expected = np.quantile(past, LEVELS)
        expected[4] = 0.0
        expected[3], expected[5] = min(expected[3], 0.0), max(expected[5], 0.0)
        assert row == pytest.approx(close[origin] * np.exp(expected), rel=1e-12)
    assert (found[:, 4] == close[at]).all()


def test_a_past_that_only_fell_leaves_the_median_at_the_last_close() -> None:
    found = naive_quantiles(0.99 ** np.arange(100.0), np.array([99]), (0.1, 0.5, 0.9))
    assert found[0] == pytest.approx(0.99**99 * np.array([0.99, 1.0, 1.0]), rel=1e-12)


def test_too_short_a_past_says_nothing() -> None:
    found = naive_quantiles(walk(3, 100), np.array([0, LEAST - 1, LEAST]), LEVELS)
    assert np.isnan(found).all(axis=1).tolist() == [True, True, False]
    assert np.isnan(naive_quantiles(walk(3, 1), np.array([0]), LEVELS)).all()


def test_the_future_changes_nothing() -> None:
    close = walk(3, 200)
    other = close.copy()
    other[150:] *= 3.0
    at = np.arange(80, 150)
    np.testing.assert_array_equal(naive_quantiles(close, at, LEVELS), naive_quantiles(other, at, LEVELS))
