"""Points and calls a minute, an hour and a day, on a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from data.clock import Clock
from tests.tushare_server.asking import ask
from tests.tushare_server.clock import SimulatedClock
from tests.tushare_server.limits import most_within
from tests.tushare_server.market import Market, random_market
from tests.tushare_server.server import TushareServer

# 15:59:30 UTC is 23:59:30 in Shanghai.
START = datetime(2024, 3, 1, 15, 59, 30, tzinfo=UTC)
ALL = {"start_date": "20240101"}


@pytest.fixture(scope="module")
def market() -> Market:
    return random_market(symbols=2, first=date(2024, 1, 1), last=date(2024, 1, 31))


def test_the_clock_moves_without_waiting() -> None:
    clock = SimulatedClock(START)
    seam: Clock = clock
    seam.sleep(90)
    seam.sleep(0.5)
    clock.advance(10)
    assert clock.now() - START == timedelta(seconds=100.5)
    assert clock.slept == [90, 0.5]
    with pytest.raises(ValueError, match="at least 0"):
        clock.sleep(-1)
    with pytest.raises(ValueError, match="time zone"):
        SimulatedClock(datetime(2024, 1, 1))


@pytest.mark.parametrize(
    ("points", "open_to"),
    # As the documents of the interfaces say.
    [
        (0, set()),
        (119, set()),
        (120, {"daily", "suspend_d"}),
        (1999, {"daily", "suspend_d"}),
        (2000, {"daily", "suspend_d", "adj_factor", "trade_cal", "stock_basic", "index_daily", "index_weight"}),
    ],
)
def test_interfaces_need_points(market: Market, points: int, open_to: set[str]) -> None:
    params = {"start_date": "20240101", "ts_code": "000300.SH", "index_code": "000300.SH"}
    with TushareServer(market, points=points) as server:
        codes = {api: ask(server, api, **params)["code"] for api in server.row_limits}
    assert {api for api, code in codes.items() if code == 0} == open_to
    assert {code for api, code in codes.items() if api not in open_to} <= {40203}


def test_the_message_and_the_code_of_too_few_points(market: Market) -> None:
    with TushareServer(market, points=120) as server:
        answer = ask(server, "adj_factor", **ALL)
        assert (answer["code"], answer["data"]) == (40203, None)
        assert answer["msg"].startswith("抱歉，您没有接口(adj_factor)访问权限，")  # noqa: RUF001
        server.permission_code = 2002
        assert ask(server, "adj_factor", **ALL)["code"] == 2002


def test_a_minute_is_any_sixty_seconds(market: Market) -> None:
    clock = SimulatedClock(START)
    with TushareServer(market, clock=clock, per_minute=3) as server:
        came = []
        for pause in (0, 20, 20, 19.999, 0.001, 0, 20):
            clock.advance(pause)
            came.append(ask(server, "daily", **ALL)["code"])
        # Calls at 0, 20 and 40 fill it; at 60 the first has gone, and at 80 the second.
        assert came == [0, 0, 0, 40203, 0, 40203, 0]
        message = ask(server, "daily", **ALL)["msg"]
        assert message.startswith("抱歉，您每分钟最多访问该接口3次，")  # noqa: RUF001
        assert [call.refused for call in server.calls] == [False, False, False, True, False, True, False, True]
        # From 40 on: at 40, 59.999, 60, 60, 80 and 80.
        assert server.worst_minute() == 6


def test_the_limit_counts_all_interfaces_together(market: Market) -> None:
    with TushareServer(market, clock=SimulatedClock(START), per_minute=2) as server:
        apis = ("daily", "adj_factor", "trade_cal")
        assert [ask(server, api, **ALL)["code"] for api in apis] == [0, 0, 40203]


def test_limits_of_single_interfaces(market: Market) -> None:
    clock = SimulatedClock(START)
    with TushareServer(market, clock=clock) as server:
        server.per_minute_of = {"stock_basic": 1}
        server.per_hour_of = {"trade_cal": 2}
        assert [ask(server, "stock_basic")["code"] for _ in range(2)] == [0, 40203]
        assert "每分钟最多访问该接口1次" in ask(server, "stock_basic")["msg"]
        assert [ask(server, "trade_cal")["code"] for _ in range(3)] == [0, 0, 40203]
        clock.sleep(60)
        assert ask(server, "stock_basic")["code"] == 0
        assert "每小时最多访问该接口2次" in ask(server, "trade_cal")["msg"]
        clock.sleep(3540)
        assert ask(server, "trade_cal")["code"] == 0


def test_a_day_ends_at_midnight_in_shanghai(market: Market) -> None:
    clock = SimulatedClock(START)
    with TushareServer(market, clock=clock) as server:
        server.per_day = 2
        assert [ask(server, "daily", **ALL)["code"] for _ in range(3)] == [0, 0, 40203]
        clock.sleep(29)
        assert "每天最多访问该接口2次" in ask(server, "daily", **ALL)["msg"]
        clock.sleep(1)
        assert ask(server, "daily", **ALL)["code"] == 0


def test_a_client_that_sleeps_on_the_same_clock_keeps_the_limit(market: Market) -> None:
    clock = SimulatedClock(START)
    with TushareServer(market, clock=clock, per_minute=5) as server:
        for _ in range(23):
            while ask(server, "daily", **ALL)["code"] == 40203:
                clock.sleep(61)
        assert clock.slept == [61] * 4  # five calls after each sleep, and the last three
        assert server.count() == 23 + 4
        assert sum(not call.refused for call in server.calls) == 23


def test_the_most_within_a_minute_by_hand() -> None:
    at = [START + timedelta(seconds=second) for second in (0, 59.9, 60, 61, 119.9, 200)]
    assert most_within(at) == 3  # 59.9, 60 and 61: 119.9 is a whole minute after the first of them
    assert most_within(at[:3]) == 2
    assert most_within([]) == 0
