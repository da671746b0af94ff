"""Whatever a server does, the table is right in the end, and until then what is lacking is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from data.errors import RequestError
from data.ingest import IngestReport
from tests.data.providers.tushare.bench import Bench, evening
from tests.tushare_server import faults
from tests.tushare_server.market import Market, random_market
from tests.tushare_server.wire import Fault, Wire

FIRST, LAST = date(2024, 2, 1), date(2024, 3, 29)
EARLIER = date(2024, 3, 15)
INDEX = "000300.SH"


def market() -> Market:
    return random_market(symbols=6, first=FIRST, last=LAST, seed=3, suspended_share=0.05)


def one_code() -> Fault:
    """Rows of the first symbol only, as from a server that does not know commas."""

    def fault(wire: Wire) -> None:
        codes = str(wire.params.get("ts_code") or "").split(",")
        wire.answer(wire.ask({**wire.params, "ts_code": codes[0]}))

    return fault


def no_row_of(symbol: str) -> Fault:
    """Everything but one symbol's rows."""

    def fault(wire: Wire) -> None:
        data = wire.right["data"]
        if "ts_code" in data["fields"]:
            at = data["fields"].index("ts_code")
            data = data | {"items": [row for row in data["items"] if row[at] != symbol]}
        wire.answer(wire.right | {"data": data})

    return fault


FAULTS: dict[str, Callable[[], Fault]] = {
    "404": lambda: faults.status(404),
    "429": lambda: faults.status(429, 5),
    "502": lambda: faults.status(502),
    "redirect": faults.redirect,
    "hang": faults.hang,
    "drip": lambda: faults.drip(0.05),
    "reset": faults.reset,
    "half_body": faults.half_body,
    "half_body_without_length": faults.half_body_without_length,
    "html": faults.html,
    "empty_body": faults.empty_body,
    "list": lambda: faults.json_of([]),
    "data_null": faults.data_null,
    "short_row": faults.short_row,
    "no_fields": faults.no_fields,
    "lacks_code": lambda: faults.lacks("ts_code"),
    "lacks_close": lambda: faults.lacks("close"),
    "lacks_factor": lambda: faults.lacks("adj_factor"),
    "code_as_text": faults.code_as_text,
    "throttled_minute": lambda: faults.throttled(200, "minute"),
    "throttled_hour": lambda: faults.throttled(10, "hour"),
    "throttled_day": lambda: faults.throttled(8000, "day"),
    "not_entitled": faults.not_entitled,
    "bad_token": faults.bad_token,
    "refused": lambda: faults.refused(-2001, "bad call"),
    "full_page": faults.full_page,
    "cut_to_0": lambda: faults.cut_to(0),
    "cut_to_1": lambda: faults.cut_to(1),
    "cut_to_3": lambda: faults.cut_to(3),
    "other_symbols": faults.other_symbols,
    "echo_token": faults.echo_token,
    "one_code": one_code,
    "no_row_of_one": lambda: no_row_of("600000.SH"),
}
POINTS = ("trade_cal", "stock_basic", "daily", "adj_factor", "suspend_d", "index_daily")
SLOW = {"hang", "drip"}
# What the client meets by trying again or giving up is the same for every interface: one gets all of it, the others
# what may pass for an answer, and one of each other kind.
SOME = {"502", "not_entitled", "full_page", "cut_to_0", "cut_to_3"}
OF_FACTORS = {"other_symbols", "one_code", "no_row_of_one", "lacks_factor"}
CASES = [
    (name, api)
    for name in FAULTS
    for api in POINTS
    if api == "daily" or name in SOME or (api == "adj_factor" and name in OF_FACTORS)
]


def fetch(bench: Bench, symbols: list[str] | None) -> IngestReport | RequestError:
    try:
        return bench.fetch(symbols, everything=symbols is None, start=FIRST)
    except RequestError as error:
        return error


def is_right(bench: Bench, symbols: list[str] | None) -> bool:
    try:
        bench.assert_holds(symbols, last=bench.server.today)
    except AssertionError:
        return False
    return True


@pytest.fixture(scope="module")
def made() -> Market:
    return market()


@pytest.mark.parametrize(("name", "api"), CASES)
def test_the_table_is_right_or_what_it_lacks_is_said(name: str, api: str, made: Market, tmp_path: Path) -> None:
    """The first fetch meets the fault for ever, the update of prices once more."""
    symbols = [*made.symbols, INDEX] if api == "index_daily" else None
    timeout = 0.1 if name in SLOW else 5.0
    with Bench(tmp_path, made, now=evening(EARLIER), today=EARLIER, timeout=timeout) as bench:
        for day, times in ((EARLIER, None), (LAST, 1)) if api in ("daily", "adj_factor") else ((EARLIER, None),):
            bench.until(day)
            bench.server.misbehave(FAULTS[name](), times=times, api=api)
            told = fetch(bench, symbols)
            bench.server.behave()
            bench.assert_true_as_far_as_it_goes(symbols)
            complains = isinstance(told, RequestError) or told.failure is not None or bool(told.missing)
            assert complains or is_right(bench, symbols), "shorter without complaint"
        bench.until(LAST)
        told = fetch(bench, symbols)
        assert not isinstance(told, RequestError)
        assert (told.failure, told.missing) == (None, [])
        bench.assert_holds(symbols)


@pytest.mark.parametrize("name", ["cut_to_3", "cut_to_0", "404"])
@pytest.mark.parametrize("api", ["daily", "adj_factor"])
def test_in_the_midst_of_a_run(
    name: str, api: str, made: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many small pieces, of which the third meets the fault."""
    monkeypatch.setattr("data.providers.tushare.told._QUOTE_ROWS", 40)
    with Bench(tmp_path, made, now=evening(LAST), today=LAST) as bench:
        bench.server.misbehave(FAULTS[name](), times=1, api=api, after=2)
        told = bench.fetch(everything=True, start=FIRST)
        assert bench.asked[api] > 3
        bench.server.behave()
        bench.assert_true_as_far_as_it_goes()
        assert told.missing or is_right(bench, None), "shorter without complaint"
        again = bench.fetch(everything=True, start=FIRST)
        assert (again.failure, again.missing) == (None, [])
        bench.assert_holds()


@pytest.mark.parametrize("limit", [7, 50])
def test_a_row_limit_that_is_lower_than_documented_costs_calls_and_no_rows(
    limit: int, made: Market, tmp_path: Path
) -> None:
    with Bench(tmp_path, made, now=evening(LAST), today=LAST) as bench:
        for api in ("daily", "adj_factor", "suspend_d", "trade_cal"):
            bench.server.row_limits[api] = limit
        report = bench.fetch(everything=True, start=FIRST)
        assert (report.missing, report.failure) == ([], None)
        bench.assert_holds()


def test_a_server_that_knows_one_symbol_a_call_is_asked_for_each_alone(made: Market, tmp_path: Path) -> None:
    with Bench(tmp_path, made, now=evening(EARLIER), today=EARLIER) as bench:
        for day in (EARLIER, LAST):
            bench.until(day)
            for api in ("daily", "adj_factor"):
                bench.server.misbehave(one_code(), times=None, api=api)
            report = bench.fetch(everything=True, start=FIRST)
            assert report.failure is None
            bench.server.behave()
            bench.assert_holds(last=day)
