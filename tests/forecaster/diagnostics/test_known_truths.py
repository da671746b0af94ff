"""What the tests say of forecasts whose worth is known: no skill gives uniform p-values, planted skill is found.

2,000 simulated records each, at fixed seeds; what is found may differ from what is expected by three standard errors.
Where a test is asymptotic, or counts, its size is not exactly what it says. The sizes expected here are then those of
40,000 other records made in the same way, so that nobody need take them on trust.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.signal import lfilter

from forecaster.diagnostics.bias import mean_test, mincer_zarnowitz
from forecaster.diagnostics.block import Block
from forecaster.diagnostics.coverage import christoffersen, kupiec_block
from forecaster.diagnostics.multiple import benjamini_hochberg, one_sided
from forecaster.diagnostics.ranks import cross_section
from forecaster.diagnostics.significance import (
    block_significance,
    diebold_mariano_block,
    pesaran_timmermann_block,
)

Floats = NDArray[np.float64]

RECORDS = 2000
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
VOLATILITY = 0.01


def block_of(r: Floats, p: Floats) -> Block:
    """Records whose closes change by r and were forecast to change by p, `(m, n)`, with naive quantiles."""
    previous = 100.0 * np.cumprod(np.column_stack([np.ones(len(r)), 1.0 + r]), axis=1)[:, :-1]
    spread = VOLATILITY * stats.norm.ppf(LEVELS)[:, None, None]
    session = np.broadcast_to(np.datetime64("2024-01-01", "D") + np.arange(r.shape[1]), r.shape)
    return Block(
        session, previous * (1 + r), previous, previous * (1 + p + spread), LEVELS, previous * (1 + spread) + 0 * p
    )


def share_below(p_values: Floats, level: float) -> float:
    return float((p_values < level).mean())


def about(share: float, records: int = RECORDS) -> object:
    """A share within three standard errors."""
    return pytest.approx(share, abs=3 * math.sqrt(share * (1 - share) / records))


def uniform(p_values: Floats) -> float:
    """The p-value of Kolmogorov and Smirnov's test."""
    return float(stats.kstest(p_values, "uniform").pvalue)


@pytest.mark.parametrize("n", [60, 250])
def test_equally_good_forecasts_give_uniform_diebold_mariano_p_values(n: int) -> None:
    # The model's error r - p and the last close's, r, are exchangeable, so that neither is better: p = r - s, s as r.
    random = np.random.default_rng(n)
    r = VOLATILITY * random.normal(size=(RECORDS, n))
    s = 0.9 * r + math.sqrt(1 - 0.9**2) * VOLATILITY * random.normal(size=(RECORDS, n))
    tests = block_significance(block_of(r, r - s))
    for name in ("dm_p_value", "dm_squared_p_value", "dm_pinball_p_value"):
        p_values = np.array([getattr(one, name) for one in tests])
        assert uniform(p_values) > 0.01, name
        assert share_below(p_values, 0.05) == about(0.05), name


@pytest.mark.parametrize("n", [250, 500])
def test_forecasts_that_know_no_direction_give_uniform_pesaran_timmermann_p_values(n: int) -> None:
    # Neither side need be balanced: closes rise in 54 % of the sessions, forecasts in 69 %.
    random = np.random.default_rng(n)
    r, p = random.normal(0.1, 1.0, (RECORDS, n)), random.normal(0.5, 1.0, (RECORDS, n))
    p_values = pesaran_timmermann_block(p, r)[1]
    assert uniform(p_values) > 0.01
    assert share_below(p_values, 0.05) == about(0.05)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
@pytest.mark.parametrize(("n", "most"), [(60, 0.068), (250, 0.058), (500, 0.055)])
def test_the_exact_size_of_kupiecs_test(n: int, most: float, level: float) -> None:
    # Hits are binomial, so that its size is known and needs no simulation; with counts it cannot be 5 % exactly.
    hits = np.arange(n + 1)
    found = stats.binom.pmf(hits, n, level)[kupiec_block(hits, n, level) < 0.05].sum()
    assert 0.045 < found < most


@pytest.mark.parametrize(
    ("n", "level", "alone", "both"),
    # With six misses the test of independence says too little, with 25 too much.
    [(60, 0.9, 0.0214, 0.0381), (250, 0.8, 0.0522, 0.0519), (250, 0.9, 0.0752, 0.0548), (500, 0.9, 0.0554, 0.0511)],
)
def test_the_size_of_christoffersens_tests(n: int, level: float, alone: float, both: float) -> None:
    inside = np.random.default_rng(n).random((RECORDS, n)) < level
    independence, conditional = christoffersen(inside, level)
    assert np.isfinite(independence).mean() > 0.99
    assert share_below(independence, 0.05) == about(alone)
    assert share_below(conditional, 0.05) == about(both)


def test_misses_in_runs_are_found() -> None:
    # After a miss the next comes with probability 0.4, after a hit with 0.0667: 10 % in all.
    random = np.random.default_rng(1)
    draws, inside = random.random((500, 500)), np.ones((500, 500), dtype=bool)
    for t in range(1, 500):
        inside[:, t] = draws[:, t] >= np.where(inside[:, t - 1], 0.6 / 9, 0.4)
    independence, _ = christoffersen(inside, 0.9)
    assert share_below(independence, 0.05) > 0.98


@pytest.mark.parametrize(
    ("n", "persistence", "mean", "joint"),
    # Newey-West errors are too small in small samples, more so where the forecast itself changes slowly.
    [(60, 0.0, 0.0627, 0.0905), (60, 0.9, 0.0644, 0.1046), (250, 0.9, 0.0538, 0.0694), (500, 0.9, 0.0536, 0.0619)],
)
def test_the_size_of_the_tests_of_bias(n: int, persistence: float, mean: float, joint: float) -> None:
    random = np.random.default_rng(n)
    p = lfilter([1.0], [1.0, -persistence], 0.002 * random.normal(size=(RECORDS, n)), axis=1)
    u = VOLATILITY * random.normal(size=(RECORDS, n))
    assert share_below(mean_test(-u)[2], 0.05) == about(mean)
    assert share_below(mincer_zarnowitz(p + u, p)[3], 0.05) == about(joint)


@pytest.mark.parametrize("signal", [0.1, 0.2])
def test_planted_skill_is_found_with_the_power_of_the_noncentral_t(signal: float) -> None:
    # r = s + u and p = s, s and u normal with variances signal^2 and 1: d = (r - p)^2 - r^2 = -s^2 - 2 s u has the
    # mean -signal^2 and the variance 2 signal^4 + 4 signal^2.
    n, random = 500, np.random.default_rng(2)
    s, u = signal * random.normal(size=(RECORDS, n)), random.normal(size=(RECORDS, n))
    statistic, p_values = diebold_mariano_block(u**2, (s + u) ** 2)
    noncentral = -math.sqrt(n) * signal**2 / math.sqrt(2 * signal**4 + 4 * signal**2)
    critical = stats.t.ppf(0.025, n - 1)
    expected = float(stats.nct.cdf(critical, n - 1, noncentral))
    found = float(((p_values < 0.05) & (statistic < 0)).mean())
    assert found == about(expected)


@pytest.mark.parametrize("correlation", [0.1, 0.2])
def test_planted_direction_is_found_with_the_power_of_the_normal_approximation(correlation: float) -> None:
    # Normal r and p of this correlation agree in sign with probability 1/2 + asin(correlation) / pi (Sheppard 1899),
    # and both rise half of the time: P - 1/2 has that mean, and S is it over sqrt(1 / 4n).
    n, random = 500, np.random.default_rng(3)
    r = random.normal(size=(RECORDS, n))
    p = correlation * r + math.sqrt(1 - correlation**2) * random.normal(size=(RECORDS, n))
    p_values = pesaran_timmermann_block(p, r)[1]
    agree = 0.5 + math.asin(correlation) / math.pi
    deviation = math.sqrt(4 * agree * (1 - agree))
    expected = stats.norm.sf((stats.norm.isf(0.05) - 2 * math.sqrt(n) * (agree - 0.5)) / deviation)
    assert share_below(p_values, 0.05) == about(float(expected))


def test_rank_correlations_of_noise_have_uniform_p_values() -> None:
    # Shares that move together, and forecasts that stay for weeks: a day is one observation all the same.
    random = np.random.default_rng(4)
    days, symbols, records = 120, 10, 400
    day = np.repeat(np.arange(days), symbols)
    p_values = []
    for _ in range(records):
        r = random.normal(size=(days, 1)) + random.normal(size=(days, symbols))
        p = np.cumsum(random.normal(size=(days, symbols)), axis=0)
        found = cross_section(p.ravel(), r.ravel(), day)
        assert found is not None
        assert found.rank_ic_p_value is not None
        p_values.append(found.rank_ic_p_value)
    assert uniform(np.array(p_values)) > 0.01
    assert share_below(np.array(p_values), 0.05) == about(0.05, records)


def test_a_planted_rank_correlation_is_within_its_errors() -> None:
    # Spearman's correlation of normal values is 6/pi asin(rho/2) (Pearson 1907); of few shares it is smaller by a
    # term of order 1 / symbols, which 200 of them leave below 0.001.
    random, days, symbols, rho = np.random.default_rng(5), 250, 200, 0.1
    r = random.normal(size=(days, symbols))
    p = rho * r + math.sqrt(1 - rho**2) * random.normal(size=(days, symbols))
    found = cross_section(p.ravel(), r.ravel(), np.repeat(np.arange(days), symbols))
    assert found is not None
    assert found.rank_ic_error is not None
    # One day's correlation has the standard error of about 1 / sqrt(symbols).
    assert found.rank_ic_error == pytest.approx(1 / math.sqrt(symbols * days), rel=0.25)
    assert abs(found.rank_ic - 6 / math.pi * math.asin(rho / 2)) < 3 * found.rank_ic_error
    assert abs(found.ic - rho) < 3 * found.rank_ic_error


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_false_discoveries_among_symbols_stay_within_their_share(shared: float) -> None:
    # 60 universes of 300 symbols; on 30 of them the model has skill, on the others it is as good as the last close.
    # Symbols of one universe share a part of their sessions' luck.
    universes, symbols, skilled, n = 60, 300, 30, 250
    random, false, discoveries, naive = np.random.default_rng(6), [], 0, 0
    for _ in range(universes):
        luck = math.sqrt(shared) * random.normal(size=(1, n)) + math.sqrt(1 - shared) * random.normal(size=(symbols, n))
        luck[:skilled] -= 0.3
        statistic, p_values = diebold_mariano_block(
            np.maximum(luck, 0), np.maximum(-luck, 0)
        )  # their difference is luck
        found = benjamini_hochberg(one_sided(statistic, p_values))
        false.append(found[skilled:].sum() / max(int(found.sum()), 1))
        discoveries += int(found[:skilled].sum())
        naive += int(((p_values < 0.05) & (statistic < 0))[skilled:].sum())
    # The expected share is at most 0.05 x 270 / 300; without correction 2.5 % of the 270 look better by luck.
    assert np.mean(false) < 0.05 * 270 / 300 + 3 * np.std(false) / math.sqrt(universes)
    assert discoveries > 0.9 * universes * skilled
    assert naive / universes == pytest.approx(0.025 * 270, rel=0.5)
