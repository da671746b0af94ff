"""Verdicts on simulated markets where it is known what they should say."""

from __future__ import annotations

import numpy as np
from scipy import stats

from forecaster.diagnostics.block import Block
from forecaster.diagnostics.diagnostics import diagnose_block
from forecaster.diagnostics.verdict import VerdictCode

SYMBOLS, SESSIONS = 2_000, 250
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def told(*, shift: float = 0.0, factor: float = 1.0, width: float = 1.0) -> dict[VerdictCode, float]:
    """How often each code is told of forecasts that know 10 % of each move's standard deviation.

    Args:
        shift: added to every forecast, relative to the price.
        factor: by which every forecast move is too large.
        width: of the intervals, 1 being honest.
    """
    random = np.random.default_rng(8)
    known = random.normal(0.0, 0.002, (SYMBOLS, SESSIONS))
    change = known + 0.0155 * stats.t.rvs(5, size=known.shape, random_state=random)  # standard deviation 2 %
    previous = np.full(known.shape, 100.0)
    guess = factor * known + shift
    block = Block(
        session=np.broadcast_to(np.datetime64("2024-01-01", "D") + np.arange(SESSIONS), known.shape),
        actual=previous * (1.0 + change),
        previous_close=previous,
        quantiles=np.stack([previous * (1.0 + guess + width * 0.0155 * q) for q in stats.t.ppf(LEVELS, 5)]),
        levels=LEVELS,
        naive_quantiles=None,
    )
    unknown = np.full(SYMBOLS, np.nan)
    codes = [code for one in diagnose_block(block, unknown, unknown) for code in one.verdict.codes]
    return {code: codes.count(code) / SYMBOLS for code in VerdictCode}


def test_honest_forecasts_are_seldom_accused() -> None:
    found = told()
    # One in a hundred may be by the error rate; the Mincer-Zarnowitz test takes a little more in small samples.
    assert found[VerdictCode.BIASED] < 0.02
    assert found[VerdictCode.OVERCONFIDENT] < 0.01
    assert found[VerdictCode.WORSE_THAN_NAIVE] < 0.025


def test_faults_that_were_planted_are_found() -> None:
    # The mean's standard error is 0.02 / sqrt(250) = 0.0013: a shift of 0.006 is 4.7 of them, and 2.6 are asked for.
    assert told(shift=0.006)[VerdictCode.BIASED] > 0.95
    assert told(factor=-3.0)[VerdictCode.BIASED] > 0.95
    # How often an interval of 0.8 of the width holds so few closes that Kupiec's test is sure.
    inside = 2.0 * stats.t.cdf(0.8 * stats.t.ppf(0.95, 5), 5) - 1.0
    power = stats.binom.cdf(211, SESSIONS, inside)  # 211 hits have a p-value of 0.0059, 212 of 0.0103
    assert abs(told(width=0.8)[VerdictCode.OVERCONFIDENT] - power) < 0.03
