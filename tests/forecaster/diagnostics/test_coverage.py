from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecaster.diagnostics.coverage import central, christoffersen, coverage, kupiec, kupiec_block
from tests.forecaster.diagnostics.records import distribution, noisy, record


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


def test_kupiec_of_many_counts_is_that_of_each() -> None:
    hits = np.array([[0, 90], [95, 100]])
    assert kupiec_block(hits, 100, 0.9).tolist() == [[kupiec(int(one), 100, 0.9) for one in row] for row in hits]


def test_christoffersen_of_a_published_bank() -> None:
    # Jorion, Value at Risk (3rd ed., ch. 6): J.P. Morgan in 1998, 252 days, 20 exceptions to a 95 % limit, 6 of them
    # after an exception and 14 after none: LR of coverage 3.91, of independence 9.53, so together 13.44.
    inside = np.array([True] * 219 + [False] * 7 + [True, False] * 13 + [True])
    assert (len(inside), int((~inside).sum())) == (253, 20)  # 252 days that have one before them
    independence, both = christoffersen(inside, 0.95)
    assert stats.chi2.isf(independence, 1) == pytest.approx(9.53, abs=0.005)
    assert stats.chi2.isf(kupiec(232, 252, 0.95), 1) == pytest.approx(3.91, abs=0.005)
    assert stats.chi2.isf(both, 2) == pytest.approx(13.44, abs=0.07)  # 20 of 253 days here, not of 252


@given(st.integers(0, 2**31 - 1), st.integers(20, 400), st.floats(0.5, 0.98))
def test_christoffersen_is_the_likelihood_ratio_of_a_markov_chain(seed: int, n: int, share: float) -> None:
    inside = np.random.default_rng(seed).random(n) < share
    independence, both = christoffersen(inside, 0.9)
    before, after = inside[:-1], inside[1:]
    groups = [after[before], after[~before]]
    if after.all() or not after.any() or not len(groups[0]) or not len(groups[1]):
        assert np.isnan([independence, both]).all()
        return
    # The binomial coefficients are the same and cancel.
    free = sum(stats.binom.logpmf(group.sum(), len(group), group.mean()) for group in groups)
    tied = sum(stats.binom.logpmf(group.sum(), len(group), after.mean()) for group in groups)
    ratio = 2 * (free - tied)
    assert independence == pytest.approx(stats.chi2.sf(max(ratio, 0.0), 1), rel=1e-6, abs=1e-6)
    hits = inside.sum()
    coverage_ratio = stats.chi2.isf(kupiec(int(hits), n, 0.9), 1)
    assert both == pytest.approx(stats.chi2.sf(max(ratio, 0.0) + coverage_ratio, 2), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    "inside",
    [
        np.ones(100, dtype=bool),
        np.zeros(100, dtype=bool),
        np.arange(100) < 99,  # a miss that nothing comes after
        np.arange(100) > 0,  # one that nothing comes before
        np.ones(1, dtype=bool),
    ],
)
def test_independence_is_undefined_where_a_state_is_never_left_or_reached(inside: np.ndarray) -> None:
    assert np.isnan(christoffersen(inside, 0.9)).all()


def test_every_central_interval_is_judged_the_narrowest_first() -> None:
    it = distribution(5, 250)
    found = coverage(it)
    assert [one.level for one in found.levels] == [0.2, 0.5, 0.8, 0.9]
    for one, (low, high) in zip(found.levels, [(3, 5), (2, 6), (1, 7), (0, 8)], strict=True):
        inside = [a <= c <= b for a, c, b in zip(it.quantiles[:, low], it.actual, it.quantiles[:, high], strict=True)]
        assert one.observed == sum(inside) / 250
        assert one.mean_width == pytest.approx(np.mean(it.quantiles[:, high] - it.quantiles[:, low]), rel=1e-12)
        assert one.kupiec_p_value == kupiec(sum(inside), 250, one.level)
    widest = found.levels[-1]
    assert (found.level, found.observed, found.kupiec_p_value) == (0.9, widest.observed, widest.kupiec_p_value)
    inside = (it.lower <= it.actual) & (it.actual <= it.upper)
    assert (found.independence_p_value, found.christoffersen_p_value) == tuple(map(float, christoffersen(inside, 0.9)))


def test_levels_that_are_not_in_pairs_still_have_the_outermost_interval() -> None:
    assert central((0.1, 0.25, 0.5, 0.9)) == [(0, 3)]
