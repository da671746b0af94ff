"""The true SDK works against the server, traps and all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest
from tushare.pro.client import DataApi

from tests.tushare_server import faults
from tests.tushare_server.market import random_market
from tests.tushare_server.server import TushareServer


@pytest.fixture
def server() -> Iterator[TushareServer]:
    market = random_market(symbols=40, first=date(2023, 1, 1), last=date(2024, 12, 31), delisted=0.1)
    with TushareServer(market) as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def sdk(server: TushareServer, path: str = "") -> DataApi:
    api = DataApi("token")
    api._DataApi__http_url = server.url + path
    return api


@pytest.mark.parametrize("path", ["", "/dataapi"])
def test_the_sdk_reads_daily(server: TushareServer, path: str) -> None:
    api, market = sdk(server, path), server.market
    found = api.daily(ts_code="600000.SH,000001.SZ", start_date="20240101", end_date="20241231")
    daily = market.daily
    expected = daily[daily["ts_code"].isin(["600000.SH", "000001.SZ"]) & daily["trade_date"].str.startswith("2024")]
    expected = expected.sort_values(["trade_date", "ts_code"], ascending=[False, True], ignore_index=True)
    assert len(expected) > 400
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_the_sdk_reads_the_other_interfaces(server: TushareServer) -> None:
    api, market = sdk(server), server.market
    assert len(api.adj_factor(ts_code="", trade_date="20240102")) == (market.factors["trade_date"] == "20240102").sum()
    calendar = api.trade_cal(exchange="", start_date="20240101", end_date="20241231", is_open="1")
    assert len(calendar) == 242  # sessions of 2024, as the exchange counts them
    listings = api.stock_basic(list_status="L", fields="ts_code,delist_date")
    assert list(listings.columns) == ["ts_code", "delist_date"]
    assert len(listings) == (market.listings["list_status"] == "L").sum()
    assert set(api.suspend_d(suspend_type="R", start_date="20240101")["suspend_type"]) == {"R"}
    assert len(api.index_daily(ts_code="000300.SH")) == len(market.indices)
    weights = api.index_weight(index_code="000300.SH", start_date="20240101", end_date="20240131")
    assert weights["weight"].sum() == pytest.approx(100, abs=0.1)


def test_the_sdk_meets_refusals_and_outages(server: TushareServer) -> None:
    api = sdk(server)
    with pytest.raises(Exception, match="请指定正确的接口名"):
        api.nonsense()
    server.misbehave(faults.status(500))
    assert api.daily(trade_date="20240102").empty  # the trap: it takes an outage for no data
    assert not api.daily(trade_date="20240102").empty
