"""Nothing of the product's own is flagged."""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import TooFewSessions
from data.features import FEATURES
from forecaster.leakcheck import leakcheck
from forecaster.leakcheck.cuts import HELD_OUT, LEAST_FUTURE, LEAST_TRAINING, choose_cuts
from forecaster.leakcheck.tables import Stage
from forecaster.step import Step
from tests.data.tables import market, trusted
from tests.forecaster.leakcheck.checking import TRAINING, check, shares, spec
from tests.forecaster.markets import make_windows

FORMS = [("change", "volatility"), ("change", "range"), ("level", "range")]


@pytest.mark.parametrize(
    ("form", "scaling", "horizon"), list(itertools.product(FORMS, ("window", "series"), (1, 5))), ids=str
)
def test_nothing_of_the_product_is_flagged(form: tuple[str, str], scaling: str, horizon: int) -> None:
    target, unit = form
    found = check(spec(*FEATURES, target=target, unit=unit, scaling=scaling, horizon=horizon))
    assert [leak.text for leak in found.leaks] == []
    assert found.clean
    # Nothing was left out: every stage was compared in every future.
    assert [one.stage for one in found.checked] == list(Stage)
    assert {one.comparisons for one in found.checked} == {len(found.futures)}
    idle = {one.stage for one in found.checked if not one.values}
    assert idle == ({Stage.SCALING} if scaling == "window" else set())


def test_what_was_checked_is_told() -> None:
    steps: list[Step] = []
    found = leakcheck(shares(), spec(), TRAINING, cuts=2, progress=steps.append)
    assert (found.symbols, found.bars) == (4, len(shares()))
    assert found.futures == ("unchanged", "truncated", "prices", "reversed", "volumes", "split", "suspended", "listed")
    days = [stamp.date() for stamp in shares().frame["session"].unique()]
    assert len(found.cuts) == 2
    assert all(min(days) < cut < max(days) and isinstance(cut, date) for cut in found.cuts)
    assert len(steps) == 1 + 2 * len(found.futures) + 1
    assert [step.done for step in steps] == sorted(step.done for step in steps if step.done is not None)
    assert steps[-1].done == 1.0


def test_the_seed_decides_the_cuts() -> None:
    windows = make_windows(shares(), lookback=5)
    one, same, other = (choose_cuts(windows, spec(), TRAINING, 3, seed) for seed in (1, 1, 2))
    assert one == same
    assert [cut.day for cut in one] != [cut.day for cut in other]


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 40), seed=st.integers(0, 2**32), horizon=st.integers(1, 4))
def test_cuts_have_a_past_and_a_future(count: int, seed: int, horizon: int) -> None:
    windows = make_windows(shares(), lookback=5, horizon=horizon)
    found = choose_cuts(windows, spec(horizon=horizon), TRAINING, count, seed)
    assert 1 <= len(found) <= count
    days = [cut.day for cut in found]
    assert days == sorted(set(days))
    for cut in found:
        known = np.unique(windows.origin[windows.outcome <= cut.day])
        assert (known >= cut.held_from).sum() == HELD_OUT
        # Training, a gap, validation and a gap lie before the held-out span.
        assert (known <= cut.through).sum() >= LEAST_TRAINING
        assert ((known > cut.through) & (known < cut.held_from)).sum() == TRAINING.validation + 2 * horizon
        assert (np.unique(windows.origin) > cut.day).sum() >= LEAST_FUTURE - 1
        assert cut.day < cut.until


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(TooFewSessions, match="found"):
        check(spec(), bars=shares(sessions=60))


def test_what_a_market_did_together_rests_on_no_late_outcome() -> None:
    # A suspended share has its outcome weeks after the others', when theirs are long learnt from.
    names = [f"{600000 + number}.SH" for number in range(36)]
    rows = market(3, sessions=110, suspended=0.0, names=names)
    number, session = rows["symbol"].map(names.index), rows.groupby("symbol").cumcount()
    begins = 20 + 4 * number
    rows = rows[~((number < 20) & (session > begins) & (session <= begins + 40))]
    found = check(spec("move"), bars=trusted(rows))
    assert [leak.text for leak in found.leaks] == []
