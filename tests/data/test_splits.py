from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data.errors import TooFewSessions
from data.scaling import WindowScaling
from data.splits import Split, chronological
from data.windows import cut, panel
from tests.data.tables import market, trusted

FIRST = np.datetime64("2024-01-01", "D")


def days(*places: int) -> np.ndarray:
    return FIRST + np.array(places, dtype="timedelta64[D]")


def split(origin: np.ndarray, **spans: int) -> Split:
    """Where every outcome is known at once, only origins decide."""
    return chronological(origin, origin, **spans)


def test_by_hand() -> None:
    found = split(days(*range(10)), validation=2, test=3, gap=1)
    assert found.train.tolist() == [0, 1, 2]
    assert found.validation.tolist() == [4, 5]
    assert found.test.tolist() == [7, 8, 9]


def test_the_cut_is_one_day_for_all_symbols() -> None:
    # Symbol after symbol, as a panel has them; the second is listed late.
    origin = days(0, 1, 2, 3, 4, 5, 3, 4, 5)
    found = split(origin, validation=1, test=1, gap=1)
    assert found.train.tolist() == [0, 1]
    assert found.validation.tolist() == [3, 6]
    assert found.test.tolist() == [5, 8]


def test_without_spans_all_is_training() -> None:
    found = split(days(0, 1, 2), validation=0, test=0, gap=0)
    assert found.train.tolist() == [0, 1, 2]
    assert not len(found.validation)
    assert not len(found.test)


@pytest.mark.parametrize(("validation", "test", "gap"), [(4, 4, 1), (10, 0, 0), (0, 0, 5), (100, 100, 100)])
def test_too_few_sessions_say_how_many_are_needed(validation: int, test: int, gap: int) -> None:
    with pytest.raises(TooFewSessions) as caught:
        split(days(*range(10), *range(10)), validation=validation, test=test, gap=gap)
    assert caught.value.needed == validation + test + 2 * gap
    assert caught.value.found == 10
    # One session more than the spans take is enough.
    assert len(split(days(*range(11)), validation=4, test=4, gap=1).train) == 1


def test_no_window_is_no_split() -> None:
    with pytest.raises(TooFewSessions) as caught:
        split(days(), validation=0, test=0, gap=0)
    assert caught.value.found == 0


spans = st.integers(0, 6)


@settings(max_examples=200, deadline=None)
@given(
    sessions=st.integers(1, 40),
    symbols=st.integers(1, 3),
    validation=spans,
    test=spans,
    gap=spans,
    shuffled=st.randoms(use_true_random=False),
)
def test_spans_follow_each_other_with_their_gaps(
    sessions: int, symbols: int, validation: int, test: int, gap: int, shuffled: object
) -> None:
    assume(sessions > validation + test + 2 * gap)
    places = list(range(sessions)) * symbols
    shuffled.shuffle(places)  # type: ignore[attr-defined]
    found = split(days(*places), validation=validation, test=test, gap=gap)
    spans_ = [sorted({places[at] for at in span}) for span in (found.train, found.validation, found.test)]
    train, held, last = spans_
    # By hand, from the end: the test, a gap, validation, a gap, and the rest.
    assert last == list(range(sessions - test, sessions))
    assert held == list(range(sessions - test - gap - validation, sessions - test - gap))
    assert train == list(range(sessions - test - gap - validation - gap))
    assert train
    # All windows of a session go together, and none is in two spans.
    everything = [*found.train, *found.validation, *found.test]
    assert len(everything) == len(set(everything)) == symbols * sum(map(len, spans_))


@settings(max_examples=200, deadline=None)
@given(
    sessions=st.integers(3, 40),
    horizon=st.integers(1, 4),
    validation=spans,
    test=spans,
    extra=st.integers(0, 2),
)
def test_with_a_gap_of_the_horizon_an_outcome_is_known_before_the_next_span(
    sessions: int, horizon: int, validation: int, test: int, extra: int
) -> None:
    gap = horizon + extra
    assume(sessions > validation + test + 2 * gap)
    places = np.arange(sessions)
    found = split(days(*places), validation=validation, test=test, gap=gap)
    order = [span for span in (found.train, found.validation, found.test) if len(span)]
    for one, following in itertools.pairwise(order):
        assert (places[one] + horizon).max() < places[following].min()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    symbols=st.integers(1, 4),
    suspended=st.sampled_from([0.0, 0.2, 0.6]),
    horizon=st.integers(1, 3),
    validation=st.integers(1, 6),
    test=st.integers(1, 6),
)
def test_with_its_outcomes_no_suspended_symbol_carries_one_into_the_next_span(
    seed: int, symbols: int, suspended: float, horizon: int, validation: int, test: int
) -> None:
    rows = panel(trusted(market(seed, symbols=symbols, suspended=suspended)), ["close"])
    assume(np.bincount(rows.series).max() >= 2)
    windows = cut(rows, lookback=2, horizon=horizon, target="change", scaling=WindowScaling())
    origin, outcome = windows.origin, windows.outcome
    assume(len(np.unique(origin)) > validation + test + 2 * horizon)
    found = chronological(origin, outcome, validation=validation, test=test, gap=horizon)
    plain = split(origin, validation=validation, test=test, gap=horizon)
    for one, following, without in (
        (found.train, plain.validation, plain.train),
        (found.validation, plain.test, plain.validation),
    ):
        until = origin[following].min()
        # Exactly the windows whose outcome came in time, and none whose outcome is unknown.
        assert one.tolist() == [at for at in without if outcome[at] < until]
    assert found.test.tolist() == plain.test.tolist()


def test_a_suspension_over_the_gap_keeps_a_window_out_of_training() -> None:
    # The second symbol's window of day 1 has its outcome on day 8, within the test span.
    origin = days(0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 8)
    outcome = days(1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 8, 9)
    without = split(origin, validation=2, test=2, gap=1)
    assert 10 in without.train
    found = chronological(origin, outcome, validation=2, test=2, gap=1)
    assert found.train.tolist() == [0, 1, 2, 9]
    assert found.validation.tolist() == [4, 5]
    assert found.test.tolist() == [7, 8, 11]


def test_an_outcome_that_is_not_known_teaches_nothing() -> None:
    origin, outcome = days(0, 1, 2, 3), days(1, 2, 3, 4)
    outcome[[0, 2]] = np.datetime64("NaT")
    found = chronological(origin, outcome, validation=2, test=0, gap=0)
    assert found.train.tolist() == []
    assert found.validation.tolist() == [3]
