import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr

from benchmarks.walkforward import metrics
from benchmarks.walkforward.scores import over_seeds, score
from benchmarks.walkforward.targets import targets
from forecaster.backtest.table import compared

P = np.array([0.01, 0.0, -0.02, 0.01])
R = np.array([0.02, -0.01, -0.01, 0.0])


def test_errors_against_no_change_by_hand():
    # |r - p| = .01 .01 .01 .01, |r| = .02 .01 .01 0
    assert metrics.mae_ratio(P, R) == pytest.approx(0.04 / 0.04)
    # squares: 4e-4 in all against 4e-4 + 1e-4 + 1e-4 = 6e-4
    assert metrics.rmse_ratio(P, R) == pytest.approx(math.sqrt(4 / 6))
    assert metrics.r2_out_of_sample(P, R) == pytest.approx(1 - 4 / 6)


def test_direction_leaves_out_unchanged_closes_and_halves_forecasts_of_no_change():
    # right, half, right; the last close did not move
    assert metrics.directional_accuracy(P, R) == pytest.approx(2.5 / 3)
    assert math.isnan(metrics.directional_accuracy(P, np.zeros(4)))


def test_pinball_by_hand():
    quantiles = np.array([[-0.1, 0.0, 0.2], [-0.1, 0.0, 0.2]])
    # r = .1: .2 * .2, .5 * .1, .2 * .1; r = -.2: .8 * .1, .5 * .2, .2 * .4
    expected = (0.04 + 0.05 + 0.02 + 0.08 + 0.10 + 0.08) / 6
    assert metrics.pinball(quantiles, np.array([0.1, -0.2]), (0.2, 0.5, 0.8)) == pytest.approx(expected)


def test_coverage_counts_the_ends():
    lower, upper = np.array([0.0, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0])
    assert metrics.coverage(lower, upper, np.array([0.0, 1.0, 0.5, 1.1])) == 0.75


def test_quarters():
    days = np.array(["2016-12-30", "2017-01-03", "2017-03-31", "2017-04-05"], dtype="datetime64[D]")
    assert metrics.quarter(days) == ["2016Q4", "2017Q1", "2017Q1", "2017Q2"]


def test_daily_correlations_are_scipys_on_days_with_enough_symbols_that_vary():
    random = np.random.default_rng(3)
    sizes = {"2020-01-06": 8, "2020-01-07": 4, "2020-01-08": 7, "2020-01-09": 6}
    day = np.repeat(np.array(list(sizes), dtype="datetime64[D]"), list(sizes.values()))
    p, r = random.integers(0, 4, len(day)) / 100, random.normal(size=len(day))  # with ties in p
    p[day == np.datetime64("2020-01-09")] = 0.0  # says nothing that day
    shuffled = random.permutation(len(day))
    for ranks, reference in ((True, spearmanr), (False, pearsonr)):
        expected = [reference(p[day == one], r[day == one])[0] for one in np.unique(day)[[0, 2]]]
        found = metrics.daily_correlations(p[shuffled], r[shuffled], day[shuffled], ranks=ranks)
        np.testing.assert_allclose(found, expected)


def test_means_and_ratio_of_daily_values_by_hand():
    values = np.array([0.1, 0.0, 0.2])  # standard deviation .1
    mean, error = metrics.mean_and_error(values)
    assert (mean, error) == (pytest.approx(0.1), pytest.approx(0.1 / math.sqrt(3)))
    assert metrics.information_ratio(values) == pytest.approx(1.0)
    assert math.isnan(metrics.information_ratio(np.array([0.1])))


def _outcomes(actual):
    days = pd.bdate_range("2020-01-01", periods=len(actual) + 1)
    return pd.DataFrame(
        {"symbol": "A", "origin": days[:-1], "session": days[1:], "previous_close": 100.0, "actual": actual}
    )


LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def _table(outcomes, moves):
    prices = {f"{level:g}": 100.0 * (1 + move) for level, move in zip(LEVELS, moves, strict=True)}
    return outcomes[["symbol", "origin"]].assign(**prices)


def test_scores_compare_what_all_forecast_and_are_relative_to_the_last_close():
    outcomes = _outcomes([103.0, 98.0, 100.0, 120.0])
    wide = _table(outcomes, (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3))
    short = _table(outcomes.iloc[:3], (-0.025, -0.02, -0.01, 0.01, 0.02, 0.03, 0.04))
    table = compared(outcomes, {("wide", 0): wide, ("short", 0): short}, LEVELS).table
    assert table.groupby("model").size().to_dict() == {"wide": 3, "short": 3}  # the fourth only one gave
    values = score(table[table["model"] == "short"], LEVELS).values
    assert values["mae_ratio"] == pytest.approx((0.02 + 0.03 + 0.01) / (0.03 + 0.02))
    assert values["coverage_80"] == pytest.approx(1.0)
    assert values["coverage_50"] == pytest.approx(1 / 3)
    assert values["width_90"] == pytest.approx(0.065)
    log = np.log([1.03, 0.98, 1.0])
    assert values["mae_ratio_log"] == pytest.approx(np.abs(log - np.log(1.01)).sum() / np.abs(log).sum())


def test_seeds_are_averaged_with_their_standard_error_and_quarters_judged_by_their_mean():
    outcomes = _outcomes([101.0, 99.0] * 20)  # 40 sessions from 2020-01-02: one quarter
    never = _table(outcomes, (-0.003, -0.002, -0.001, 0.0, 0.001, 0.002, 0.003))
    always = _table(outcomes, (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3))
    mean, errors = over_seeds([score(outcomes.merge(table), LEVELS) for table in (never, always)])
    assert mean.values["coverage_90"] == pytest.approx(0.5)
    assert errors["coverage_90"] == pytest.approx(math.sqrt(0.5) / math.sqrt(2))  # of 0 and 1
    assert [(quarter.name, quarter.forecasts, quarter.coverage) for quarter in mean.quarters] == [("2020Q1", 40, 0.5)]
    mean.values["pinball_ratio"] = float("nan")
    found = {target.text: target.met for target in targets(mean)}
    assert found["MAE below naive"] is False  # equal is not below
    assert found["90 % coverage 0.85 to 0.95 in every quarter"] is False
    assert found["pinball at most 0.985 of GARCH-t's"] is None
    assert found["RankIC at least 0.04"] is None  # one symbol has no cross-section
