from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecaster.diagnostics.coverage import coverage, kupiec
from tests.forecaster.diagnostics.records import noisy, record


def test_ends_of_the_interval_count_as_inside() -> None:
    # Half-width 2: the closes are off by 0, +2, -2 and 3.
    found = coverage(record(np.array([9.0, 10.0, 12.0, 8.0, 13.0]), np.full(4, 10.0), width=4.0, level=0.8))
    assert (found.level, found.observed, found.mean_width) == (0.8, 0.75, 4.0)


def test_a_record_is_tested_with_its_own_counts() -> None:
    it = noisy(11, 250)
    found = coverage(it)
    hits = sum(lo <= c <= up for lo, c, up in zip(it.lower, it.actual, it.upper, strict=True))
    assert found.observed == hits / 250
    assert found.kupiec_p_value == kupiec(hits, 250, 0.9)


@given(st.integers(1, 500), st.floats(0.01, 0.99), st.floats(0.0, 1.0))
def test_kupiec_is_the_likelihood_ratio_of_two_binomials(n: int, level: float, share: float) -> None:
    hits = round(n * share)
    # The binomial coefficients are the same and cancel. At 0 and n hits the free likelihood is one.
    free = stats.binom.logpmf(hits, n, hits / n) if 0 < hits < n else 0.0
    ratio = -2 * (stats.binom.logpmf(hits, n, level) - free)
    assert kupiec(hits, n, level) == pytest.approx(stats.chi2.sf(max(ratio, 0.0), 1), rel=1e-6, abs=1e-5)


@pytest.mark.parametrize(
    ("level", "n", "fewest", "most"),
    [
        (0.95, 255, 7, 20),
        (0.95, 510, 17, 35),
        (0.95, 1000, 38, 64),
        (0.975, 255, 3, 11),
        (0.90, 255, 17, 35),
    ],
)
def test_kupiec_accepts_the_published_numbers_of_misses(level: float, n: int, fewest: int, most: int) -> None:
    # Non-rejection regions of Kupiec (1995) at a test size of 5 %, as Jorion (Value at Risk) tabulates them.
    accepted = [misses for misses in range(n + 1) if kupiec(n - misses, n, level) > 0.05]
    assert (accepted[0], accepted[-1]) == (fewest, most)


def test_kupiec_at_the_nominal_share_is_certain() -> None:
    assert kupiec(90, 100, 0.9) == pytest.approx(1.0)
