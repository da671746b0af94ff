from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.adjust import adjusted
from data.bars import PRICES
from data.errors import UnknownFeature
from data.features import FEATURES, VOLATILITY_MEMORY, check_features, features, memory, needs_universe, warmup
from data.history import History
from data.indicators import volatility
from tests.data.loops import OWN, SCALED, SHARED, by_loop
from tests.data.tables import checked, closes, limited, market, mixed, trusted

NAMES = list(FEATURES)
# Each universe holds symbols of several exchanges, and leaves some out.
UNIVERSES = [None, ("AAPL", "IBM", "600000.SH", "300001.SZ"), ("MSFT", "0700.HK", "300001.SZ", "TSLA")]


def test_every_feature_has_a_loop_to_be_held_against() -> None:
    assert {*OWN, *SHARED} == set(FEATURES)
    for name, feature in FEATURES.items():
        assert feature.universe == (name in SHARED)
        assert feature.minmax == (name in SCALED)


def assert_as_loops(table: pd.DataFrame, universe: tuple[str, ...] | None) -> None:
    found = features(table, NAMES, universe)
    assert found.shape == (len(table), len(NAMES))
    assert found.dtype == np.float64
    for position, name in enumerate(NAMES):
        # Sums by doubling and one by one round differently; a session without a move leaves a difference near zero.
        expected = by_loop(name, table, universe)
        np.testing.assert_allclose(found[:, position], expected, rtol=1e-9, atol=1e-10, err_msg=name)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    sessions=st.sampled_from([2, 15, 40]),
    suspended=st.sampled_from([0.0, 0.3]),
    universe=st.sampled_from(UNIVERSES),
)
def test_features_are_what_plain_loops_give(
    seed: int, sessions: int, suspended: float, universe: tuple[str, ...] | None
) -> None:
    assert_as_loops(adjusted(trusted(mixed(seed, sessions=sessions, suspended=suspended))), universe)


def test_features_of_a_long_history_are_what_plain_loops_give() -> None:
    # Longer than the longest span, 256 sessions.
    rows = mixed(2, sessions=300, suspended=0.05)
    rows = rows[rows["symbol"].isin(["AAPL", "MSFT", "600000.SH"])]
    assert_as_loops(adjusted(trusted(rows)), ("AAPL", "600000.SH"))


def shares(seed: int, sessions: int, suspended: float) -> pd.DataFrame:
    """Adjusted rows of shares of three exchanges, two of them with price limits."""
    rows = [market(seed, sessions=sessions, suspended=suspended, names=("AAPL", "MSFT", "0700.HK"))]
    for symbol in ("600000.SH", "000001.SZ"):
        seed += 1
        rows.append(limited(seed, symbol, 10, sessions=sessions, suspended=suspended))
    return adjusted(trusted(pd.concat(rows, ignore_index=True)))


@pytest.mark.parametrize("seed", range(3))
def test_the_first_value_comes_after_the_warmup(seed: int) -> None:
    table = shares(seed, 60, 0.0)
    found = features(table, NAMES)
    for position, name in enumerate(NAMES):
        for _, values in pd.Series(found[:, position]).groupby(table["symbol"].to_numpy()):
            missing = [True] * FEATURES[name].warmup + [False] * (60 - FEATURES[name].warmup)
            assert values.isna().tolist() == missing, name


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), suspended=st.sampled_from([0.0, 0.1, 0.5]))
def test_after_the_warmup_no_value_is_missing(seed: int, suspended: float) -> None:
    table = shares(seed, 50, suspended)
    bar = table.groupby("symbol").cumcount().to_numpy()
    found = features(table, NAMES)
    for position, name in enumerate(NAMES):
        assert not np.isnan(found[bar >= FEATURES[name].warmup, position]).any(), name


def newest(table: pd.DataFrame, symbol: str, bars: int, *, others: bool) -> pd.DataFrame:
    """The last bars of a symbol; with others, theirs of the same sessions and each one's last bar before."""
    own = table[table["symbol"] == symbol].tail(bars)
    if not others:
        return own.reset_index(drop=True)
    rest = table[table["symbol"] != symbol]
    earlier = rest[rest["session"] < own["session"].iloc[0]].groupby("symbol").tail(1)
    later = rest[rest["session"] >= own["session"].iloc[0]]
    found: pd.DataFrame = pd.concat([own, earlier, later]).sort_values(["symbol", "session"], ignore_index=True)
    return found


def last_of(table: pd.DataFrame, names: list[str], symbol: str, rows: int) -> np.ndarray:
    """The newest rows of the symbol: its features, and its volatility in the last column."""
    past = History(table)
    found = np.column_stack([features(table, names), past.flat(volatility(past))])
    return found[(table["symbol"] == symbol).to_numpy()][-rows:]


MEMORIES = sorted({(feature.memory, feature.universe) for feature in FEATURES.values()})


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**31), suspended=st.sampled_from([0.0, 0.1]), lookback=st.integers(1, 6), first=st.booleans()
)
def test_the_bars_of_its_memory_decide_a_feature_to_the_last_bit(
    seed: int, suspended: float, lookback: int, first: bool
) -> None:
    table = shares(seed, 320, suspended)
    symbol = "AAPL" if first else "600000.SH"
    whole = last_of(table, NAMES, symbol, lookback)
    for bars, universe in MEMORIES:
        names = [name for name in NAMES if (FEATURES[name].memory, FEATURES[name].universe) == (bars, universe)]
        tail = newest(table, symbol, lookback + bars, others=universe)
        found = last_of(tail, names, symbol, lookback)
        assert np.array_equal(found[:, :-1], whole[:, [NAMES.index(name) for name in names]], equal_nan=True), names
        # All names together say what the volatility needs, too.
        tail = newest(table, symbol, lookback + memory(names), others=universe)
        assert np.array_equal(last_of(tail, names, symbol, lookback)[:, -1], whole[:, -1])


def test_with_one_bar_less_a_feature_is_another() -> None:
    different = set()
    for seed in range(3):
        table = shares(seed, 300, 0.0)
        for symbol in ("AAPL", "600000.SH"):
            whole = last_of(table, NAMES, symbol, 1)[0]
            for bars, universe in MEMORIES:
                if bars:
                    found = last_of(newest(table, symbol, bars, others=universe), NAMES, symbol, 1)[0]
                    for name, one, other in zip([*NAMES, "volatility"], whole, found, strict=True):
                        if bars == (FEATURES[name].memory if name in FEATURES else VOLATILITY_MEMORY) and one != other:
                            different.add(name)
    # The oldest of 256 closes is seldom the highest: the next test has it so.
    assert different == {name for name in NAMES if FEATURES[name].memory} - {"drawdown"} | {"volatility"}


def test_a_drawdown_reaches_back_256_sessions() -> None:
    table = adjusted(checked(closes([100 * 0.998**age for age in range(300)])))
    found = features(table, ["drawdown"])[:, 0]
    assert found[-1] == pytest.approx(3 * 255 * math.log(0.998))
    assert found[-1] == features(table.tail(FEATURES["drawdown"].memory + 1), ["drawdown"])[-1, 0]
    assert found[-1] != features(table.tail(FEATURES["drawdown"].memory), ["drawdown"])[-1, 0]


def test_what_features_need_is_what_the_neediest_of_them_needs() -> None:
    assert memory(["close"]) == VOLATILITY_MEMORY
    assert memory(["close", "long_volatility", "move"]) == FEATURES["long_volatility"].memory
    assert warmup(["close"]) == 0
    assert warmup(["close", "month", "move"]) == FEATURES["month"].warmup
    assert not needs_universe(["close", "move"])
    assert needs_universe(["close", "dispersion"])


def test_columns_come_in_the_order_asked() -> None:
    table = adjusted(trusted(market(3, symbols=2)))
    found = features(table, ["close", "open", "close"])
    assert np.array_equal(found[:, 0], table["close"])
    assert np.array_equal(found[:, 1], table["open"])
    assert np.array_equal(found[:, 2], table["close"])


def test_days_of_a_known_week() -> None:
    rows = market(5, symbols=1, sessions=8, suspended=0.0)
    # Wednesday 27 November 2024, Thanksgiving and a weekend in between; 3 December is a Tuesday.
    days = ["2024-11-27", "2024-11-29", "2024-12-02", "2024-12-03"]
    own = adjusted(checked(rows.head(4).assign(session=days)))
    found = features(own, ["weekday", "pause_days", "day_of_week", "pause"])
    assert found[:, 0].tolist() == [2, 4, 0, 1]
    assert math.isnan(found[0, 1])
    assert found[1:, 1].tolist() == [2, 3, 1]
    assert found[:, 2].tolist() == [0, 1, -1, -0.5]
    assert found[1:, 3].tolist() == pytest.approx([math.log(2), math.log(3), 0])


def test_a_split_is_no_return() -> None:
    # Twice the shares at half the price: adjusted, nothing happened, in no feature of a price.
    rows = market(8, symbols=2, sessions=40, suspended=0.0, factors=False)
    split = rows.copy()
    half = split.index >= 25
    for name in PRICES:
        split.loc[half, name] /= 2
    split.loc[half, "volume"] *= 2
    split.loc[half, "adj_factor"] *= 2
    one, other = (features(adjusted(checked(table)), NAMES) for table in (rows, split))
    np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("names", [["closing"], ["close", "Close"], [""], ["close\n"]])
def test_an_unknown_feature_comes_with_those_there_are(names: list[str]) -> None:
    own = adjusted(trusted(market(3, symbols=1)))
    for ask in (lambda: check_features(names), lambda: features(own, names)):
        with pytest.raises(UnknownFeature) as caught:
            ask()
        assert caught.value.name == names[-1]
        assert set(caught.value.known) == {*OWN, *SHARED}
        assert "ewma_volatility" in str(caught.value)


def test_no_session_is_no_feature_row() -> None:
    own = adjusted(trusted(market(3, symbols=1))).iloc[:0]
    assert features(own, NAMES).shape == (0, len(FEATURES))


def test_what_a_feature_is_made_from_stays_as_it_was() -> None:
    table = adjusted(trusted(mixed(3)))
    before = table.copy(deep=True)
    found = features(table, NAMES)
    again = features(table, NAMES[::-1])
    assert np.array_equal(again[:, ::-1], found, equal_nan=True)
    found[:] = 0
    pd.testing.assert_frame_equal(table, before)
