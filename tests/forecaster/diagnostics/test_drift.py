from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import fft, stats
from scipy.signal import lfilter

from forecaster.diagnostics.drift import (
    LEAST_OUTCOMES,
    LEAST_SESSIONS,
    LEAST_STRETCHES,
    Stability,
    bounds,
    change_of_ratio,
    cosine_variance,
    psi,
    session_shares,
    stability,
)

Floats = NDArray[np.float64]


def wandering(random: np.random.Generator, sessions: int, symbols: int, memory: float) -> Floats:
    """`(sessions, symbols)`: autocorrelation `memory` from session to session, shocks in part shared; variance 1."""
    shock = 0.3**0.5 * random.normal(size=(sessions + 200, 1)) + 0.7**0.5 * random.normal(
        size=(sessions + 200, symbols)
    )
    return np.asarray(lfilter([(1 - memory**2) ** 0.5], [1.0, -memory], shock, axis=0)[200:])


def judged(reference: Floats, recent: Floats, alpha: float = 0.01) -> Stability | None:
    """Stability of values `(sessions, symbols)`."""
    day = np.arange(len(reference) + len(recent))[:, None] + np.zeros(reference.shape[1], dtype=int)
    before, after = day[: len(reference)], day[len(reference) :]
    return stability(reference.ravel(), before.ravel(), recent.ravel(), after.ravel(), alpha)


def found(reference: Floats, recent: Floats, alpha: float = 0.01) -> Stability:
    result = judged(reference, recent, alpha)
    assert result is not None
    return result


def test_psi_is_the_sum_of_both_relative_entropies() -> None:
    p, q = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.25, 0.15, 0.35, 0.25])
    assert psi(p, q) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), rel=1e-12)
    # By hand: half of everything moved from one bin of two. (0.75 - 0.25) ln 3 + (0.25 - 0.75) ln (1/3)
    assert psi(np.array([0.25, 0.75]), np.array([0.75, 0.25])) == pytest.approx(math.log(3))


def test_bins_are_the_deciles_of_the_reference() -> None:
    values = np.random.default_rng(1).permutation(np.arange(1.0, 101.0))
    assert bounds(values).tolist() == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0] * 98 + [-1.0, 1.0], [0.0, 1.0]),  # few values: a bin for each, however rare
        ([4.0, 0.0, 2.0, np.nan], [2.0, 4.0]),
        # Many zeros: the first seven deciles are the lowest value itself, which begins no bin.
        ([0.0] * 70 + list(range(1, 31)), [10.0, 20.0]),
        ([3.0] * 10, []),
        ([], []),
    ],
)
def test_bins_of_values_that_repeat(values: list[float], expected: list[float]) -> None:
    assert bounds(np.array(values)).tolist() == expected


def test_shares_of_each_session_by_hand() -> None:
    values = np.array([1.0, 5.0, 9.0, 5.0, np.nan, 2.0, 0.0, 7.0])
    session = np.array([7, 7, 7, 7, 8, 8, 8, 9])
    shares = session_shares(values, session, np.array([2.0, 7.0]))  # below 2, from 2 to below 7, from 7 on
    assert shares.tolist() == [[0.25, 0.5, 0.25], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]


def test_the_published_form_for_independent_values() -> None:
    # Yurdakul & Naranjo (2020): PSI / (1/n + 1/m) is chi-squared with 9 degrees of freedom.
    random = np.random.default_rng(2)
    n, m = 40_000, 400
    one = found(random.normal(size=(n, 1)), random.normal(size=(m, 1)))
    scale = 1 / n + 1 / m
    assert one.expected == pytest.approx(9 * scale, rel=0.1)
    assert one.threshold == pytest.approx(stats.chi2.isf(0.01, 9) * scale, rel=0.15)
    assert one.p_value == pytest.approx(stats.chi2.sf(one.psi / scale, 9), abs=0.06)


def test_psi_is_that_of_the_pooled_shares() -> None:
    random = np.random.default_rng(3)
    reference, recent = random.normal(size=(800, 4)), random.normal(0.3, 1.0, (40, 4))
    edges = np.quantile(reference, np.arange(1, 10) / 10)
    p, q = (np.histogram(one, [-np.inf, *edges, np.inf])[0] / one.size for one in (reference, recent))
    assert found(reference, recent).psi == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), rel=0.02)


def test_a_bin_that_nothing_falls_into_counts_as_half_a_value() -> None:
    reference = np.tile(np.array([[0.0], [1.0], [2.0], [1.0]]), (100, 1))
    recent = np.tile(np.array([[0.0], [1.0]]), (10, 1))  # of 20 values none is 2
    p, q = np.array([0.25, 0.5, 0.25]), np.array([0.5, 0.5, 0.025])
    # Of such regular values no stretch differs from another, whatever its length: nothing can be said.
    assert judged(reference, recent) is None
    irregular = np.random.default_rng(4).permutation(reference)
    assert found(irregular, recent).psi == pytest.approx(((q - p) * np.log(q / p)).sum())


@pytest.mark.parametrize("shift", [{"loc": 1.0}, {"scale": 3.0}])
def test_a_planted_drift_is_found(shift: dict[str, float]) -> None:
    random = np.random.default_rng(5)
    one = found(random.normal(size=(1000, 20)), random.normal(**{"size": (60, 20)} | shift))
    assert one.drifted
    assert one.p_value < 1e-6


def test_a_stricter_level_has_a_higher_threshold() -> None:
    random = np.random.default_rng(6)
    reference, recent = wandering(random, 900, 5, 0.9), wandering(random, 60, 5, 0.9)
    strict, loose = found(reference, recent, 0.001), found(reference, recent, 0.2)
    assert strict.threshold > loose.threshold > strict.expected
    assert strict.p_value == loose.p_value
    for one, alpha in ((strict, 0.001), (loose, 0.2)):
        assert one.drifted == (one.p_value < alpha)


def test_false_alarms_on_autocorrelated_values_are_as_rare_as_promised() -> None:
    # 300 histories: at 5 % two standard errors are 2.5 %. The form for independent values calls most of them drifted.
    random = np.random.default_rng(7)
    n, m, symbols = 750, 60, 10
    alarms, published = [], []
    for _ in range(300):
        values = wandering(random, n + m, symbols, 0.9)
        one = found(values[:n], values[n:])
        alarms.append(one.p_value < 0.05)
        published.append(stats.chi2.sf(one.psi / (1 / (n * symbols) + 1 / (m * symbols)), 9) < 0.05)
    assert np.mean(alarms) < 0.1
    assert np.mean(published) > 0.8


@pytest.mark.parametrize(
    ("n", "m"),
    [(2000, LEAST_SESSIONS - 1), (LEAST_STRETCHES * 60 - 1, 60), (2000, 0), (0, 60)],
)
def test_spans_that_are_too_short(n: int, m: int) -> None:
    random = np.random.default_rng(8)
    assert judged(random.normal(size=(n, 3)), random.normal(size=(m, 3))) is None


def test_a_feature_that_never_varied_has_no_index() -> None:
    assert judged(np.zeros((900, 2)), np.ones((60, 2))) is None


def test_values_that_are_not_known_do_not_count() -> None:
    random = np.random.default_rng(9)
    reference, recent = random.normal(size=(800, 6)), random.normal(size=(60, 6))
    reference[:, 5], recent[:, 5] = np.nan, np.nan
    assert judged(reference, recent) == judged(reference[:, :5], recent[:, :5])


@pytest.mark.parametrize(("n", "freedom"), [(60, 6), (125, 10), (250, 15), (500, 25)])
def test_the_variance_of_a_mean_by_scipys_cosine_transform(n: int, freedom: int) -> None:
    # 0.4 n^(2/3): 6.1, 10, 15.9, 25.2
    x = np.random.default_rng(n).normal(3.0, 1.0, n).cumsum()
    waves = fft.dct(x, type=2, norm="ortho")[1 : freedom + 1]
    variance, found_freedom = cosine_variance(x)
    assert found_freedom == freedom
    assert variance == pytest.approx(np.mean(waves**2) / n, rel=1e-9)


def test_a_change_of_means_is_welchs_test_with_these_variances() -> None:
    random = np.random.default_rng(10)
    before, after = random.exponential(1.0, 250), random.exponential(1.2, 80)
    change = change_of_ratio((before, np.ones(250)), (after, np.ones(80)))
    assert change is not None
    assert (change.before, change.after) == pytest.approx((before.mean(), after.mean()))
    variances, freedoms = [], (15, 7)
    for x, freedom in ((before, 15), (after, 7)):
        variances.append(np.mean(fft.dct(x, type=2, norm="ortho")[1 : freedom + 1] ** 2) / len(x))
    welch = sum(variances) ** 2 / sum(v**2 / k for v, k in zip(variances, freedoms, strict=True))
    statistic = (after.mean() - before.mean()) / math.sqrt(sum(variances))
    assert change.p_value == pytest.approx(2 * stats.t.sf(abs(statistic), welch), rel=1e-9)


def test_a_ratio_is_that_of_the_means_whatever_the_units() -> None:
    random = np.random.default_rng(11)
    naive = random.exponential(1.0, 330)
    model = naive * random.uniform(0.9, 1.05, 330)
    old, new = (model[:250], naive[:250]), (model[250:], naive[250:])
    change = change_of_ratio(old, new)
    assert change is not None
    assert change.before == pytest.approx(old[0].mean() / old[1].mean())
    # A market five times as volatile is no drift of the model: the same ratio, and the same certainty.
    louder = change_of_ratio(old, (5 * new[0], 5 * new[1]))
    assert louder is not None
    assert (louder.after, louder.p_value) == pytest.approx((change.after, change.p_value))
    worse = change_of_ratio(old, (1.1 * new[0], new[1]))
    better = change_of_ratio(old, (0.9 * new[0], new[1]))
    assert worse is not None
    assert better is not None
    assert worse.worse
    assert better.p_value < 0.01
    assert not better.worse


def test_errors_of_too_few_sessions_or_none() -> None:
    x = np.random.default_rng(12).exponential(1.0, 250)
    one = np.ones(250)
    short = LEAST_OUTCOMES - 1
    assert change_of_ratio((x, one), (x[:short], one[:short])) is None
    assert change_of_ratio((x[:short], one[:short]), (x, one)) is None
    assert change_of_ratio((x, 0 * one), (x, one)) is None  # the last close was never wrong
    assert change_of_ratio((x, x), (2 * x, 2 * x)) is None  # the model is the last close
