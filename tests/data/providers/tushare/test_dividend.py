"""A dividend, from the vendor's tables to a window that a network is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd
import pytest

from data.adjust import adjusted
from data.bars import COLUMNS
from data.features import FEATURES
from data.scaling import WindowScaling
from data.store import PriceStore
from data.windows import cut, panel
from tests.data.providers.tushare.bench import Bench, assert_equal, evening
from tests.tushare_server.market import Market, random_market

FIRST, BEFORE, EX, LAST = date(2024, 1, 2), date(2024, 3, 15), date(2024, 3, 18), date(2024, 3, 29)
SHARE = "000001.SZ"


@pytest.fixture(scope="module")
def dividend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, pd.DataFrame, pd.DataFrame]]:
    """A store that got a dividend's ex-date: what it held the day before, raw and forward-adjusted."""
    market = random_market(symbols=3, first=FIRST, last=LAST, seed=3, dividends_a_year=0, suspended_share=0)
    with Bench(tmp_path_factory.mktemp("dividend") / "prices", market, now=evening(BEFORE), today=BEFORE) as bench:
        bench.fetch(everything=True, start=FIRST)
        held = bench.held()
        forward = adjusted(bench.store.read(), "forward")
        # A tenth of its price.
        market.add_dividend(SHARE, EX, round(close_of(market, BEFORE) / 10, 2))
        for day in (EX, LAST):
            bench.until(day)
            report = bench.fetch()
            assert (report.missing, report.failure, report.updated) == ([], None, 0)
        yield bench, held, forward


def close_of(market: Market, day: date, column: str = "close") -> float:
    daily = market.daily
    return float(daily.loc[(daily["ts_code"] == SHARE) & (daily["trade_date"] == f"{day:%Y%m%d}"), column].iloc[0])


def own(store: PriceStore) -> pd.DataFrame:
    return adjusted(store.read([SHARE])).set_index("session")


def test_what_is_held_stays_and_the_rest_follows(dividend: tuple[Bench, pd.DataFrame, pd.DataFrame]) -> None:
    bench, held, _ = dividend
    bench.assert_holds()
    now = bench.held()
    assert_equal(now[now["session"] <= pd.Timestamp(BEFORE)][list(COLUMNS)], held[list(COLUMNS)])


def test_backward_adjusted_history_stays_and_forward_adjusted_history_is_derived_anew(
    dividend: tuple[Bench, pd.DataFrame, pd.DataFrame],
) -> None:
    bench, held, forward = dividend
    before = bench.held()["session"] <= pd.Timestamp(BEFORE)
    backward_then = held["close"] * held["adj_factor"]
    backward_now = adjusted(bench.store.read())["close"][before].reset_index(drop=True)
    assert backward_now.tolist() == backward_then.tolist()
    forward_now = adjusted(bench.store.read(), "forward")["close"][before].reset_index(drop=True)
    lower = (forward_now / forward["close"])[held["symbol"] == SHARE]
    # A tenth was paid out, and the factor has four decimals.
    assert np.allclose(lower, 0.9, atol=2e-3)
    assert (forward_now[held["symbol"] != SHARE] == forward["close"][held["symbol"] != SHARE]).all()


def test_the_return_over_the_ex_date_is_the_one_that_the_exchange_reckons(
    dividend: tuple[Bench, pd.DataFrame, pd.DataFrame],
) -> None:
    bench, _, _ = dividend
    market = bench.market
    true = close_of(market, EX) / close_of(market, EX, "pre_close") - 1
    close = own(bench.store)["close"]
    found = close[pd.Timestamp(EX)] / close[pd.Timestamp(BEFORE)] - 1
    # pre_close has two decimals.
    assert found == pytest.approx(true, abs=0.01 / close_of(market, EX, "pre_close"))
    assert close_of(market, EX) / close_of(market, BEFORE) - 1 < -0.05, "as traded it looks like a crash"


def test_windows_across_the_ex_date_see_the_true_return(dividend: tuple[Bench, pd.DataFrame, pd.DataFrame]) -> None:
    bench, _, _ = dividend
    market = bench.market
    true = np.log(close_of(market, EX) / close_of(market, EX, "pre_close"))
    room = 0.02 / close_of(market, EX, "pre_close")
    rows = panel(bench.store.read([SHARE]), FEATURES)
    at = int(np.flatnonzero(rows.session == np.datetime64(EX))[0])
    assert rows.values[at, list(FEATURES).index("log_return")] == pytest.approx(true, abs=room)
    windows = cut(rows, lookback=10, horizon=1, target="change", scaling=WindowScaling())
    # The window that ends the day before, and its target: the change over the ex-date.
    before = int(np.flatnonzero(windows.origin == np.datetime64(BEFORE))[0])
    target = windows.prices(windows.y)[before, 0] / windows.last_close[before]
    assert np.log(target) == pytest.approx(true, abs=room)
    # Windows that hold the ex-date: no step between the rows of the day before and of the day itself.
    for last in range(at, at + 5):
        (window,) = np.flatnonzero(windows.last == last)
        raw = windows.raw[last - 9][:, list(FEATURES).index("log_return")]
        assert raw[9 - (last - at)] == pytest.approx(true, abs=room)
        assert np.isfinite(windows.inputs(np.array([window]))).all()
