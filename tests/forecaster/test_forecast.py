from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.forecast import Forecast, probability_above

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (1.0, 0.9),  # below every quantile: what is known ends with the outermost
        (90.0, 0.9),
        (92.0, 0.84),  # 2 of 5 on the way from 0.1 to 0.25
        (95.0, 0.75),
        (100.0, 0.5),
        (104.0, 0.4),  # 4 of 10 on the way from 0.5 to 0.75
        (110.0, 0.25),
        (130.0, 0.1),
        (1e9, 0.1),
    ],
)
def test_the_probability_is_linear_between_quantiles(price: float, expected: float) -> None:
    quantiles = np.array([90.0, 95.0, 100.0, 110.0, 130.0])
    assert probability_above(price, quantiles, LEVELS) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("quantiles", "price", "expected"),
    [
        ([100.0] * 5, 100.0, 0.5),
        ([100.0] * 5, 99.0, 0.9),
        ([100.0] * 5, 101.0, 0.1),
        ([90.0, 100.0, 100.0, 100.0, 110.0], 100.0, 0.5),
        # The step reaches from 0.25 to 0.5; its middle is 0.375.
        ([90.0, 100.0, 100.0, 105.0, 110.0], 100.0, 0.625),
        ([100.0, 100.0, 102.0, 105.0, 110.0], 100.0, 0.825),
        ([90.0, 95.0, 98.0, 100.0, 100.0], 100.0, 0.175),
    ],
)
def test_on_equal_quantiles_the_middle_of_the_step_counts(
    quantiles: list[float], price: float, expected: float
) -> None:
    assert probability_above(price, np.array(quantiles), LEVELS) == pytest.approx(expected, abs=1e-12)


cents = st.integers(1, 2000)
ascending = st.lists(cents, min_size=5, max_size=5).map(lambda several: np.array(sorted(several)) / 100)


@given(ascending, cents, cents)
def test_a_higher_price_is_never_likelier_to_be_exceeded(quantiles: np.ndarray, one: int, other: int) -> None:
    low, high = sorted((one / 100, other / 100))
    assert probability_above(low, quantiles, LEVELS) >= probability_above(high, quantiles, LEVELS) - 1e-12


@given(ascending, st.floats(-1e12, 1e12))
def test_the_probability_stays_within_the_outermost_levels(quantiles: np.ndarray, price: float) -> None:
    assert 0.1 - 1e-12 <= probability_above(price, quantiles, LEVELS) <= 0.9 + 1e-12


@given(ascending, cents)
def test_it_is_the_share_of_outcomes_drawn_from_the_quantiles(quantiles: np.ndarray, price: int) -> None:
    # Outcomes of equally likely ranks, by inverting the distribution; those equal to the price count half.
    share = np.linspace(0, 1, 20_001)
    outcomes = np.interp(0.1 + 0.8 * share, LEVELS, quantiles)
    above = np.mean((outcomes > price / 100) + 0.5 * (outcomes == price / 100))
    assert probability_above(price / 100, quantiles, LEVELS) == pytest.approx(0.1 + 0.8 * above, abs=1e-3)


def test_a_forecast_in_figures() -> None:
    forecast = Forecast(
        symbol="AAPL",
        as_of=date(2013, 3, 1),
        target_sessions=(date(2013, 3, 4), date(2013, 3, 5)),
        last_close=400.0,
        levels=(0.1, 0.5, 0.9),
        quantiles=np.array([[390.0, 404.0, 420.0], [380.0, 390.0, 430.0]]),
    )
    assert forecast.close == 404.0
    assert forecast.change == pytest.approx(0.01)
    # 400 is 10 of 14 on the way from 0.1 to 0.5.
    assert forecast.probability_up == pytest.approx(1 - (0.1 + 0.4 * 10 / 14))
