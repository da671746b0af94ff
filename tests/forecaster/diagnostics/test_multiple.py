from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, ttest_1samp
from statsmodels.stats.multitest import multipletests

from forecaster.diagnostics.multiple import adjusted, benjamini_hochberg, one_sided

# Benjamini & Hochberg (1995), section 4.1: fifteen comparisons of two treatments of myocardial infarction.
PUBLISHED = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
]
P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40)


def test_the_published_example() -> None:
    # The paper rejects the four hypotheses with the smallest p-values at 0.05; Bonferroni's method the first three.
    assert benjamini_hochberg(np.array(PUBLISHED)).tolist() == [True] * 4 + [False] * 11


@settings(deadline=None)
@given(P_VALUES)
def test_adjusted_p_values_are_those_of_scipy(p_values: list[float]) -> None:
    p = np.array(p_values)
    assert adjusted(p) == pytest.approx(false_discovery_control(p), rel=1e-12)


@pytest.mark.parametrize("q", [0.01, 0.05, 0.2])
def test_discoveries_are_those_of_statsmodels(q: float) -> None:
    random = np.random.default_rng(1)
    p = np.concatenate([random.uniform(0, 0.002, 40), random.uniform(0, 1, 160)])
    expected = multipletests(p, alpha=q, method="fdr_bh")[0]
    assert 0 < expected.sum() < 200
    assert benjamini_hochberg(p, q).tolist() == expected.tolist()


@settings(deadline=None)
@given(P_VALUES, st.integers(0, 10))
def test_what_was_not_tested_does_not_count(p_values: list[float], untested: int) -> None:
    p = np.array(p_values)
    places = np.random.default_rng(untested).permutation(len(p) + untested)
    mixed = np.append(p, np.full(untested, np.nan))[places]
    found = adjusted(mixed)
    assert np.isnan(found).tolist() == np.isnan(mixed).tolist()
    assert found[np.argsort(places)][: len(p)] == pytest.approx(false_discovery_control(p), rel=1e-12)
    assert not benjamini_hochberg(mixed)[np.isnan(mixed)].any()


def test_nothing_tested_and_nothing_at_all() -> None:
    assert benjamini_hochberg(np.array([np.nan, np.nan])).tolist() == [False, False]
    assert benjamini_hochberg(np.array([])).tolist() == []


@pytest.mark.parametrize("seed", range(5))
def test_one_side_of_a_t_test_is_that_of_scipy(seed: int) -> None:
    x = np.random.default_rng(seed).normal(0.0, 1.0, 30)
    both = ttest_1samp(x, 0.0)
    expected = ttest_1samp(x, 0.0, alternative="less").pvalue
    assert one_sided(np.array([both.statistic]), np.array([both.pvalue])) == pytest.approx([expected], rel=1e-9)


def test_an_undefined_statistic_has_no_side() -> None:
    found = one_sided(np.array([np.nan, -1.0, -1.0]), np.array([0.5, np.nan, 0.5]))
    assert np.isnan(found).tolist() == [True, True, False]


@pytest.mark.parametrize("wrong", [[-0.1, 0.5], [0.5, 1.1], [[0.1, 0.2]]])
def test_what_is_no_p_value_is_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="from 0 to 1 or NaN"):
        adjusted(np.array(wrong))


@pytest.mark.parametrize("q", [0.0, 1.0, -0.1, np.nan])
def test_what_is_no_share_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match=r"share in \(0, 1\)"):
        benjamini_hochberg(np.array([0.01]), q)
