"""Factors that were filled in from a later session, in the bars themselves."""

from __future__ import annotations

import numpy as np
import pytest

from data.bars import Bars
from forecaster.leakcheck.factors import early_steps
from tests.forecaster.leakcheck.checking import check, spec
from tests.forecaster.markets import make_bars, walk

N, EX = 120, 70


def split_in_two(early: int, *, ratio: float = 2.0, volatility: float = 0.01) -> Bars:
    """Two shares; the first costs `ratio` times less from bar `EX` on, and its factor knows it `early` bars before."""
    price = walk(3, N, volatility=volatility)
    after = np.arange(N)
    return make_bars(
        {"AAPL": price / np.where(after >= EX, ratio, 1.0), "IBM": walk(4, N, volatility=volatility)},
        factors={"AAPL": np.where(after >= EX - early, ratio, 1.0)},
    )


@pytest.mark.parametrize("early", [1, 5, 40])
@pytest.mark.parametrize("ratio", [2.0, 0.5, 1.1])
def test_a_factor_that_comes_too_early_is_found(early: int, ratio: float) -> None:
    bars = split_in_two(early, ratio=ratio, volatility=0.005)
    (found,) = early_steps(bars)
    days = bars.frame.loc[bars.frame["symbol"] == "AAPL", "session"].dt.strftime("%Y-%m-%d").tolist()
    assert (found.symbol, found.session, found.follows, found.bars) == ("AAPL", days[EX - early], days[EX], early)
    assert found.ratio == pytest.approx(ratio)


@pytest.mark.parametrize("early", [0, -1])
def test_a_factor_in_time_or_late_is_not(early: int) -> None:
    # One that comes late is wrong as well, and looks back: `forecaster fetch --check` tells.
    assert list(early_steps(split_in_two(early))) == []


def test_a_step_that_does_not_stand_out_is_not_judged() -> None:
    assert list(early_steps(split_in_two(5, ratio=1.05, volatility=0.03))) == []


def test_the_report_names_it() -> None:
    found = check(spec(), bars=split_in_two(3))
    (leak,) = found.leaks
    assert (leak.stage, leak.name, leak.symbol) == ("adjusted prices", "adjustment factor", "AAPL")
    assert leak.futures == ()
    assert leak.cut is None
    assert "multiplied by 2, and the price moves so only on" in leak.text
    assert "3 bars later" in leak.text
    assert leak.hint == "it was filled in from a later session"
