"""The random market keeps the rules of the real one."""

from __future__ import annotations

import time
from datetime import date

import exchange_calendars
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from data.bars import COLUMNS, validate
from tests.tushare_server.market import Market, random_market

LIMITS = {"600": 0.10, "000": 0.10, "300": 0.20, "688": 0.20, "830": 0.30}
TABLES = ("daily", "factors", "calendar", "listings", "suspensions", "indices", "weights")


@pytest.fixture(scope="module")
def market() -> Market:
    """Lively, so that every kind of day is in it. Read only."""
    return random_market(
        symbols=60,
        first=date(2018, 3, 1),
        last=date(2023, 6, 15),
        seed=3,
        suspended_share=0.05,
        dividends_a_year=2.0,
        late_listings=0.3,
        delisted=0.2,
    )


def neighbours(market: Market) -> pd.DataFrame:
    """Bars with their factor, and with close and factor of the bar before."""
    bars = market.daily.merge(market.factors, on=["ts_code", "trade_date"], how="left")
    before = bars.groupby("ts_code")[["close", "adj_factor", "trade_date"]].shift().add_prefix("last_")
    return bars.join(before)


def test_the_same_arguments_give_the_same_market() -> None:
    one, same, other = (random_market(symbols=5, seed=seed) for seed in (1, 1, 2))
    for table in TABLES:
        assert_frame_equal(getattr(one, table), getattr(same, table))
    assert not one.daily["close"].equals(other.daily["close"])


def test_a_market_of_ten_years_is_made_in_seconds() -> None:
    begin = time.process_time()
    market = random_market(symbols=300, first=date(2016, 1, 1), last=date(2025, 12, 31))
    assert time.process_time() - begin < 5
    assert len(market.daily) > 600_000


def test_codes_are_of_every_board() -> None:
    symbols = random_market(symbols=20, first=date(2024, 1, 1), last=date(2024, 1, 31)).symbols
    assert {symbol[:3] + symbol[6:] for symbol in symbols} == {"600.SH", "000.SZ", "300.SZ", "688.SH", "830.BJ"}
    assert {"600000.SH", "000001.SZ"} <= set(symbols)
    assert random_market(symbols=["600519.SH"]).symbols == ("600519.SH",)


def test_sessions_are_shanghais_as_the_library_has_them(market: Market) -> None:
    sessions = exchange_calendars.get_calendar("XSHG").sessions
    true = sessions[(sessions >= "2018-03-01") & (sessions <= "2023-06-15")]
    assert list(market.sessions) == [day.date() for day in true]
    assert set(market.daily["trade_date"]) == set(true.strftime("%Y%m%d"))


def test_the_calendar_has_every_day_to_the_end_of_the_year(market: Market) -> None:
    calendar = market.calendar
    assert list(calendar["cal_date"]) == list(pd.date_range("2018-01-01", "2023-12-31").strftime("%Y%m%d"))
    days = calendar.set_index("cal_date")
    # From the exchange's published holidays: National Day 2022 from 1 to 7 October, and a weekend.
    assert days.loc["20220930":"20221010", "is_open"].tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert days.loc["20221005", "pretrade_date"] == "20220930"
    assert days.loc["20221010", "pretrade_date"] == "20220930"
    assert days.loc["20221011", "pretrade_date"] == "20221010"
    assert days.loc["20180101", "pretrade_date"] == "20171229"


def test_past_the_decreed_calendar_weekdays_count() -> None:
    calendar = random_market(symbols=2, first=date(2026, 12, 1), last=date(2027, 2, 1)).calendar.set_index("cal_date")
    assert calendar.index[-1] == "20271231"
    # 2027-01-01 is a Friday: without a decree it counts as any other.
    assert calendar.loc["20270101":"20270104", "is_open"].tolist() == [1, 0, 0, 1]
    assert calendar.loc["20270104", "pretrade_date"] == "20270101"


def assert_possible(market: Market) -> None:
    """References follow from closes and factors, and prices keep order, cents and limits."""
    bars = neighbours(market)
    for name in ("open", "high", "low", "close", "pre_close"):
        assert np.allclose(bars[name] * 100, (bars[name] * 100).round(), atol=1e-6)
    assert (bars["high"] >= bars[["open", "close"]].max(axis=1)).all()
    assert (bars["low"] <= bars[["open", "close"]].min(axis=1)).all()
    limit = bars["ts_code"].str[:3].map(LIMITS)
    limit[(bars["trade_date"] < "20200824") & (bars["ts_code"].str[:3] == "300")] = 0.10
    assert (bars["high"] / bars["pre_close"] - 1 <= limit + 1e-9).all()
    assert (1 - bars["low"] / bars["pre_close"] <= limit + 1e-9).all()
    later = bars[bars["last_close"].notna()]
    reference = later["last_close"] / (later["adj_factor"] / later["last_adj_factor"])
    assert (later["pre_close"] - reference).abs().max() <= 0.005 + 1e-9


def test_prices_and_factors_are_possible(market: Market) -> None:
    assert_possible(market)
    assert (market.daily["pct_chg"] > 15).any(), "some boards may move further than others"


def test_factors_rise_by_dividends_and_a_rare_split(market: Market) -> None:
    bars = neighbours(market).dropna()
    ratios = bars["adj_factor"] / bars["last_adj_factor"]
    assert (ratios >= 1).all()
    assert (ratios > 1.9).sum() >= 1
    dividends = ratios[(ratios > 1) & (ratios < 1.5)]
    # Two a year, 60 symbols, five years less the time that some are not listed.
    assert 400 < len(dividends) < 650
    assert 1.0099 < dividends.quantile(0.01) < dividends.median() < 1.04


def test_change_and_volume_agree_with_the_prices(market: Market) -> None:
    bars = market.daily
    assert np.allclose(bars["change"], bars["close"] - bars["pre_close"], atol=0.005)
    assert np.allclose(bars["pct_chg"], bars["change"] / bars["pre_close"] * 100, atol=1e-4)
    mean_price = bars["amount"] * 1000 / (bars["vol"] * 100)
    assert (mean_price <= bars["high"] + 0.01).all()
    assert (mean_price >= bars["low"] - 0.01).all()
    assert np.allclose(bars["vol"], bars["vol"].round(2))
    assert np.allclose(bars["amount"], bars["amount"].round(3))


def test_factors_cover_every_session_of_a_listing_and_bars_all_but_the_suspended(market: Market) -> None:
    sessions = np.array(sorted(market.factors["trade_date"].unique()))
    suspended = market.suspensions[market.suspensions["suspend_timing"].isna()]
    stopped = suspended[suspended["suspend_type"] == "S"].groupby("ts_code")["trade_date"].agg(set)
    factors = market.factors.groupby("ts_code")
    bars = market.daily.groupby("ts_code")["trade_date"].agg(list)
    ends = market.listings["delist_date"].fillna("99999999")
    for code, begin, end in zip(market.listings["ts_code"], market.listings["list_date"], ends, strict=True):
        own = factors.get_group(code)
        life = sessions[(sessions >= begin) & (sessions < end)]
        assert list(own["trade_date"]) == list(life)
        assert own["adj_factor"].iloc[0] == 1.0
        assert np.allclose(own["adj_factor"], own["adj_factor"].round(4))
        assert bars[code] == [day for day in life if day not in stopped.get(code, set())]


def test_some_come_late_and_some_go(market: Market) -> None:
    listings = market.listings
    assert (listings["list_date"] > "20180301").sum() == 18  # 30% of 60
    gone = listings["list_status"] == "D"
    assert 10 <= gone.sum() <= 12  # 20% of 60, but for those who came on the last day
    assert (listings["delist_date"].notna() == gone).all()
    assert (listings.loc[gone, "delist_date"] > listings.loc[gone, "list_date"]).all()
    exchanges = listings["ts_code"].str[-2:].map({"SH": "SSE", "SZ": "SZSE", "BJ": "BSE"})
    assert (listings["exchange"] == exchanges).all()


def test_suspensions_last_up_to_twenty_sessions_and_end_with_a_row(market: Market) -> None:
    rows, whole = market.suspensions, market.suspensions["suspend_timing"].isna()
    position = {day: number for number, day in enumerate(sorted(market.factors["trade_date"].unique()))}
    stops = rows[whole & (rows["suspend_type"] == "S")].assign(at=lambda table: table["trade_date"].map(position))
    new_run = (stops.groupby("ts_code")["at"].diff() != 1).cumsum()
    lengths = stops.groupby(new_run).size()
    assert lengths.min() == 1
    assert lengths.max() == 20
    assert 0.03 < len(stops) / len(market.factors) < 0.07
    ends = stops.groupby(new_run).last()
    bars, factors = (
        set(zip(table["ts_code"], table["trade_date"], strict=True)) for table in (market.daily, market.factors)
    )
    sessions = sorted(position)
    following = [
        (code, sessions[at + 1])
        for code, at in zip(ends["ts_code"], ends["at"], strict=True)
        if at + 1 < len(sessions) and (code, sessions[at + 1]) in factors
    ]
    resumed = rows[rows["suspend_type"] == "R"]
    assert sorted(following) == sorted(zip(resumed["ts_code"], resumed["trade_date"], strict=True))
    assert set(following) <= bars
    halts = rows[~whole]
    assert len(halts) > 0
    assert set(halts["suspend_timing"]) == {"09:30-10:00"}
    assert set(zip(halts["ts_code"], halts["trade_date"], strict=True)) <= bars


def test_an_index_has_a_bar_each_session_and_its_weights_add_up(market: Market) -> None:
    index = market.indices
    assert list(index["trade_date"]) == [f"{day:%Y%m%d}" for day in market.sessions]
    assert (index["pre_close"].iloc[1:].to_numpy() == index["close"].iloc[:-1].to_numpy()).all()
    assert (index["high"] >= index[["open", "close"]].max(axis=1)).all()
    assert (index["low"] <= index[["open", "close"]].min(axis=1)).all()
    weights = market.weights
    months = {f"{day:%Y%m}": f"{day:%Y%m%d}" for day in market.sessions}
    assert set(weights["trade_date"]) == set(months.values())
    totals = weights.groupby("trade_date")["weight"].sum()
    assert np.allclose(totals, 100, atol=0.05)
    members = weights.groupby("trade_date")["con_code"].agg(frozenset)
    assert len(members["20220228"] & members["20220630"]) > 0.9 * len(members["20220228"]), "the same half-year"
    assert len(members["20220630"] & members["20220729"]) < 0.8 * len(members["20220630"]), "the next one"


def test_expected_bars_by_hand() -> None:
    market = Market(
        daily=pd.DataFrame(
            {
                "ts_code": ["600000.SH", "000001.SZ", "600000.SH"],
                "trade_date": ["20240103", "20240102", "20240102"],
                "open": [5.0, 9.0, 10.0],
                "high": [5.5, 9.5, 10.5],
                "low": [4.9, 8.9, 9.9],
                "close": [5.1, 9.1, 10.0],
                "vol": [12.34, 5.0, 7.0],
                "amount": [6.293, 4.55, 7.0],
            }
        ),
        factors=pd.DataFrame(
            {
                "ts_code": ["600000.SH", "600000.SH", "600000.SH", "000001.SZ"],
                "trade_date": ["20240102", "20240103", "20240104", "20240102"],
                "adj_factor": [1.0, 2.0, 2.0, 3.5],
            }
        ),
    )
    expected = pd.DataFrame(
        {
            "symbol": ["000001.SZ", "600000.SH", "600000.SH"],
            "session": pd.to_datetime(["2024-01-02", "2024-01-02", "2024-01-03"]).astype("datetime64[s]"),
            "open": [9.0, 10.0, 5.0],
            "high": [9.5, 10.5, 5.5],
            "low": [8.9, 9.9, 4.9],
            "close": [9.1, 10.0, 5.1],
            "volume": [500.0, 700.0, 1234.0],
            "amount": [4550.0, 7000.0, 6293.0],
            "adj_factor": [3.5, 1.0, 2.0],
        }
    ).astype({"symbol": "str"})
    assert_frame_equal(market.expected_bars(), expected)
    one = market.expected_bars(["600000.SH"], date(2024, 1, 3), date(2024, 1, 4))
    assert_frame_equal(one, expected.iloc[2:].reset_index(drop=True))


def test_expected_bars_are_bars(market: Market) -> None:
    bars = market.expected_bars()
    assert tuple(bars.columns) == COLUMNS
    checked = validate(bars, source="market")
    assert checked.counts() == {}
    assert_frame_equal(checked.bars.frame, bars)


def test_a_restated_factor() -> None:
    market = random_market(symbols=2, first=date(2024, 1, 1), last=date(2024, 3, 1))
    before, daily = market.factors, market.daily
    market.restate_factor("600000.SH", 1.5, date(2024, 2, 1))
    ratio = market.factors["adj_factor"] / before["adj_factor"]
    later = (before["ts_code"] == "600000.SH") & (before["trade_date"] >= "20240201")
    assert later.any()
    assert np.allclose(ratio, np.where(later, 1.5, 1.0))
    market.restate_factor("600000.SH", 2.0)
    ratio = market.factors["adj_factor"] / before["adj_factor"]
    assert np.allclose(ratio, np.select([later, before["ts_code"] == "600000.SH"], [3.0, 2.0], 1.0))
    assert market.daily is daily
    with pytest.raises(ValueError, match=r"688999\.SH"):
        market.restate_factor("688999.SH", 2.0)


def test_a_dividend_changes_what_follows_and_nothing_before() -> None:
    market = random_market(symbols=4, seed=5, first=date(2023, 1, 1), last=date(2024, 12, 31), dividends_a_year=1)
    day, text = date(2024, 1, 15), "20240115"
    before = market.expected_bars()
    daily = market.daily
    last = daily[(daily["ts_code"] == "600000.SH") & (daily["trade_date"] < text)].iloc[-1]
    amount = round(last["close"] * 0.05, 2)
    market.add_dividend("600000.SH", day, amount)
    after = market.expected_bars()

    touched = (after["symbol"] == "600000.SH") & (after["session"] >= pd.Timestamp(day))
    assert_frame_equal(after[~touched], before[~touched])
    ratio = after["adj_factor"][touched] / before["adj_factor"][touched]
    assert np.allclose(ratio, last["close"] / (last["close"] - amount), atol=1e-4)
    # The first reference after a dividend is the last close less the dividend, as the exchange computes it.
    first = market.daily[(market.daily["ts_code"] == "600000.SH") & (market.daily["trade_date"] >= text)].iloc[0]
    assert first["pre_close"] == pytest.approx(last["close"] - amount, abs=0.011)
    assert_possible(market)
    # Whoever held the share has earned the same.
    earned, had = ((one["close"] * one["adj_factor"])[touched].pct_change().dropna() for one in (after, before))
    assert np.allclose(earned, had, atol=0.01)
    with pytest.raises(ValueError, match="expected a bar before"):
        market.add_dividend("600000.SH", date(2023, 1, 1), 0.1)


def test_a_change_of_regime() -> None:
    quiet = random_market(symbols=8, first=date(2023, 1, 1), last=date(2024, 12, 31), volatility=(0.005, 0.01))
    change = date(2024, 1, 2)
    wild = random_market(
        symbols=8, first=date(2023, 1, 1), last=date(2024, 12, 31), volatility=(0.005, 0.01), wilder_from=change
    )
    before = wild.daily["trade_date"] < "20240102"
    assert_frame_equal(wild.daily[before], quiet.daily[before])
    spread = [own["pct_chg"].std() for own in (wild.daily[~before], quiet.daily[~before])]
    assert 2.5 < spread[0] / spread[1] < 3.2  # three times, but for the exchanges' limits
