from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from forecaster.networks.layers import OrderedQuantiles, accumulation
from forecaster.spec import DEFAULT_QUANTILES
from tests.forecaster.networks.equations import quantiles_of

THREE = (0.1, 0.5, 0.9)


def ordered(raw: np.ndarray, horizon: int, levels: tuple[float, ...]) -> np.ndarray:
    return np.asarray(OrderedQuantiles(horizon, levels)(raw.astype("f")))


def test_three_quantiles_by_hand() -> None:
    # softplus(0) = ln 2; softplus(ln(e - 1)) = 1.
    raw = np.array([[0.0, 5.0, np.log(np.e - 1)]])
    assert ordered(raw, 1, THREE)[0, 0] == pytest.approx([5.0 - np.log(2), 5.0, 6.0], abs=1e-6)


def test_each_step_of_the_horizon_has_its_own_quantiles() -> None:
    one = np.log(np.e - 1)  # the number whose softplus is 1
    raw = np.array([[one, 0.0, one, one, 10.0, one]])
    found = ordered(raw, 2, THREE)
    assert found.shape == (1, 2, 3)
    assert found[0] == pytest.approx(np.array([[-1.0, 0.0, 1.0], [9.0, 10.0, 11.0]]), abs=1e-5)


def test_distances_accumulate_away_from_the_median() -> None:
    by_hand = [
        [-1, 0, 0, 0, 0],  # the farthest distance below moves the lowest quantile only
        [-1, -1, 0, 0, 0],
        [1, 1, 1, 1, 1],  # the median moves all
        [0, 0, 0, 1, 1],
        [0, 0, 0, 0, 1],
    ]
    assert accumulation((0.05, 0.25, 0.5, 0.75, 0.95)).tolist() == by_hand
    assert accumulation(THREE).tolist() == [[-1, 0, 0], [1, 1, 1], [0, 0, 1]]


@pytest.mark.parametrize("levels", [THREE, (0.05, 0.25, 0.5, 0.75, 0.95), DEFAULT_QUANTILES])
@pytest.mark.parametrize("horizon", [1, 3])
def test_the_equations_give_the_same(horizon: int, levels: tuple[float, ...]) -> None:
    raw = np.random.default_rng(3).normal(0, 3, (50, horizon * len(levels)))
    expected = quantiles_of(raw.reshape(50, horizon, len(levels)), levels)
    assert np.abs(ordered(raw, horizon, levels) - expected).max() < 1e-5


numbers = st.one_of(
    st.floats(-1e3, 1e3, width=32),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([0.0, 2.0**100, -(2.0**100), 1.5 * 2.0**127, -1.5 * 2.0**127, 2.0**24, 2.0**-126, -104.0]),
)


@settings(deadline=None)
@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 7), st.just(2 * len(DEFAULT_QUANTILES))), elements=numbers))
def test_quantiles_never_cross_whatever_comes_in(raw: np.ndarray) -> None:
    found = ordered(raw, 2, DEFAULT_QUANTILES)
    assert (found[..., 1:] >= found[..., :-1]).all(), found


# Processors may take numbers below 1e-38 for zero.
normal = st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)


@settings(deadline=None)
@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 7), st.just(3)), elements=normal))
def test_the_median_is_the_middle_number_untouched(raw: np.ndarray) -> None:
    assert (ordered(raw, 1, THREE)[:, 0, 1] == raw[:, 1]).all()


def test_the_layer_says_what_it_needs_to_be_built_again() -> None:
    layer = OrderedQuantiles(3, DEFAULT_QUANTILES, name="quantiles")
    again = OrderedQuantiles.from_config(layer.get_config())
    assert (again.horizon, again.levels, again.name) == (3, DEFAULT_QUANTILES, "quantiles")
