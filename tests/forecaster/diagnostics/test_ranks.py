from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats

from forecaster.diagnostics.long_run import automatic_lags
from forecaster.diagnostics.ranks import LEAST_DAYS, LEAST_SYMBOLS, cross_section, daily_ranks

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]


def market(seed: int, days: int, symbols: int = 8, *, ties: bool = True) -> tuple[Floats, Floats, Days]:
    """Forecasts with some skill, outcomes, and the days, in no order; each day has `symbols` shares or a few more."""
    random = np.random.default_rng(seed)
    counts = random.integers(symbols, symbols + 4, days)
    day = np.repeat(np.datetime64("2024-01-01", "D") + np.arange(days), counts)
    r = random.normal(0.0, 0.02, len(day))
    p = 0.1 * r + random.normal(0.0, 0.004, len(day))
    order = random.permutation(len(day))
    # Rounded, so that some of a day's forecasts are equal.
    return (np.round(p, 3) if ties else p)[order], r[order], day[order]


@pytest.mark.parametrize("ties", [True, False])
def test_each_day_is_as_scipy_says(ties: bool) -> None:
    p, r, day = market(1, 40, ties=ties)
    found = daily_ranks(p, r, day)
    assert found.day.tolist() == np.unique(day).tolist()
    for at, one in enumerate(found.day):
        own = day == one
        assert found.symbols[at] == own.sum()
        assert found.ic[at] == pytest.approx(stats.pearsonr(p[own], r[own]).statistic, rel=1e-10, abs=1e-12)
        assert found.rank_ic[at] == pytest.approx(stats.spearmanr(p[own], r[own]).statistic, rel=1e-10, abs=1e-12)


def test_means_with_their_errors_are_those_of_statsmodels() -> None:
    p, r, day = market(2, 150)
    daily, found = daily_ranks(p, r, day), cross_section(p, r, day)
    assert found is not None
    assert (found.days, found.symbols) == (150, np.median(daily.symbols))
    settings = {"maxlags": automatic_lags(150), "use_correction": True}
    for values, figures in (
        (daily.ic, (found.ic, found.ic_error, found.ic_statistic, found.ic_p_value)),
        (daily.rank_ic, (found.rank_ic, found.rank_ic_error, found.rank_ic_statistic, found.rank_ic_p_value)),
    ):
        fit = sm.OLS(values, np.ones(150)).fit(cov_type="HAC", cov_kwds=settings, use_t=True)
        assert figures == pytest.approx((fit.params[0], fit.bse[0], fit.tvalues[0], fit.pvalues[0]), rel=1e-8)
    assert found.icir == pytest.approx(np.mean(daily.ic) / np.std(daily.ic, ddof=1))
    assert found.rank_icir == pytest.approx(np.mean(daily.rank_ic) / np.std(daily.rank_ic, ddof=1))


def test_days_that_do_not_count() -> None:
    p, r, day = market(3, 6, symbols=LEAST_SYMBOLS, ties=False)
    days = np.unique(day)
    keep = (day != days[0]) | (np.cumsum(day == days[0]) < LEAST_SYMBOLS)  # one share too few
    p[day == days[1]] = 0.003  # one forecast for all
    r[day == days[2]] = 0.0  # nothing moved
    r[np.flatnonzero(day == days[3])[LEAST_SYMBOLS - 1 :]] = np.nan  # outcomes not known yet
    p[day == days[4]] = 0.001 + 1e-16 * np.arange((day == days[4]).sum())  # nothing but rounding
    assert daily_ranks(p[keep], r[keep], day[keep]).day.tolist() == [days[5].item()]


def test_unknown_outcomes_leave_the_rest_of_their_day() -> None:
    p, r, day = market(4, 1, symbols=12, ties=False)
    r[3], p[5] = np.nan, np.inf
    known = np.isfinite(r) & np.isfinite(p)
    found = daily_ranks(p, r, day)
    assert found.symbols.tolist() == [known.sum()]
    assert found.rank_ic[0] == pytest.approx(stats.spearmanr(p[known], r[known]).statistic)


def test_a_perfect_order_and_its_opposite() -> None:
    _, r, day = market(5, LEAST_DAYS, ties=False)
    for sign in (1.0, -1.0):
        found = cross_section(sign * r, r, day)
        assert found is not None
        assert found.rank_ic == found.ic == pytest.approx(sign)
        # No day differs from another: there is nothing to estimate an error from.
        assert (found.rank_ic_error, found.rank_ic_p_value, found.rank_icir) == (None, None, None)


def test_too_few_days_have_no_figure() -> None:
    p, r, day = market(6, LEAST_DAYS)
    assert cross_section(p, r, day) is not None
    assert cross_section(*(values[day > day.min()] for values in (p, r, day))) is None
    assert cross_section(p[:0], r[:0], day[:0]) is None


def test_days_may_be_of_any_kind() -> None:
    p, r, day = market(7, 70)
    numbers = day.astype(np.int64) * 1_000_003
    assert cross_section(p, r, numbers) == cross_section(p, r, day) == cross_section(p, r, day.astype("datetime64[s]"))


def test_more_days_than_fit_into_16_bits() -> None:
    random = np.random.default_rng(8)
    day = np.repeat(np.arange(70_000), 5)
    r = random.normal(size=len(day))
    found = daily_ranks(r, r, day)
    assert len(found.day) == 70_000
    assert found.ic == pytest.approx(np.ones(70_000))


def test_autocorrelated_days_have_a_larger_error() -> None:
    # The days' correlation wanders slowly: neighbours hold little new.
    random = np.random.default_rng(9)
    day = np.repeat(np.arange(400), 30)
    r = random.normal(size=len(day))
    skill = np.repeat(np.sin(np.arange(400) / 8.0), 30)
    p = skill * r + random.normal(size=len(day))
    daily, found = daily_ranks(p, r, day), cross_section(p, r, day)
    assert found is not None
    assert found.rank_ic_error is not None
    assert found.rank_ic_error > 1.8 * daily.rank_ic.std(ddof=1) / math.sqrt(400)


def test_rows_of_different_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one shape \(n,\)"):
        daily_ranks(np.zeros(3), np.zeros(4), np.zeros(3))
