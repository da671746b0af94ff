"""`forecaster fetch --provider tushare` as a user runs it, against a server that speaks the protocol."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from data.store import PriceStore
from tests.forecaster.cli.program import Done, forecaster
from tests.tushare_server import faults
from tests.tushare_server.market import Market, random_market
from tests.tushare_server.server import TushareServer

TOKEN = "open-sesame-0123456789"
# The past, so that the program's own clock does not matter: all of it has long been published.
FIRST, LAST = date(2023, 1, 3), date(2023, 12, 29)


@pytest.fixture
def market() -> Market:
    return random_market(symbols=12, first=FIRST, last=LAST, seed=5)


@pytest.fixture
def server(market: Market) -> Iterator[TushareServer]:
    with TushareServer(market, token=TOKEN) as made:
        yield made


def fetch(home: Path, server: TushareServer, *arguments: str | Path, **environment: str) -> Done:
    given = {"TUSHARE_TOKEN": TOKEN, "FORECASTER_TUSHARE_URL": server.url, **environment}
    done = forecaster(home, "fetch", "--provider", "tushare", *arguments, **given)
    # Whatever happens, the token is neither shown nor written.
    assert TOKEN not in done.out + done.err
    assert not [file for file in home.rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()]
    return done


def stored(home: Path) -> pd.DataFrame:
    return PriceStore(home / "prices").read().frame


def assert_true(home: Path, market: Market, symbols: list[str] | None = None) -> None:
    truth = market.expected_bars(symbols)
    pd.testing.assert_frame_equal(
        stored(home)[list(truth.columns)], truth.reset_index(drop=True), check_exact=True, check_dtype=False
    )


def test_everything_then_nothing_new(server: TushareServer, market: Market, tmp_path: Path) -> None:
    done = fetch(tmp_path, server, "--universe", "all", "--start", "2023-01-01")
    assert done.code == 0, done.err
    assert f"warning: {server.url} is not encrypted" in done.err
    assert "to fetch: 12 symbols, 2023-01-03 to 2023-12-29: " in done.err
    assert "calls, about a minute or less" in done.err
    assert "Tushare's own calendar ends with 2023-12-31" in done.out
    assert f"{len(market.daily):,} new, 0 changed" in done.out
    assert_true(tmp_path, market)
    before, calls = PriceStore(tmp_path / "prices").fingerprint(), len(server.calls)
    again = fetch(tmp_path, server, "--json")
    assert (again.code, again.json["inserted"], again.json["updated"], again.json["missing"]) == (0, 0, 0, [])
    assert again.json["error"] is None
    assert PriceStore(tmp_path / "prices").fingerprint() == before
    # The calendar, the listings by status, and what may have changed.
    assert len(server.calls) - calls <= 9


def test_the_plan_is_told_and_nothing_is_fetched(server: TushareServer, market: Market, tmp_path: Path) -> None:
    done = fetch(tmp_path, server, "600000.SH", "--start", "2023-01-01", "--plan")
    assert done.code == 0
    assert "to fetch: 1 symbols, 2023-01-03 to 2023-12-29: 1 x some symbols' history, 2 calls" in done.err
    assert server.count("daily") == 0
    assert PriceStore(tmp_path / "prices").version() is None


def test_members_of_an_index_become_a_universe(server: TushareServer, market: Market, tmp_path: Path) -> None:
    members = sorted(market.weights["con_code"].unique())
    (tmp_path / "forecaster.toml").write_text('[universes]\ncore = "000300.SH"\n')
    # Members are published month by month, and the program asks for those of today.
    today = datetime.now(UTC).date()
    market.weights = market.weights.assign(trade_date=f"{today:%Y%m%d}")
    done = fetch(tmp_path, server, "--universe", "core", "--start", "2023-06-01", "--json")
    assert done.code == 0, done.err
    assert done.json["symbols"] == members
    # What was fetched can be named again without asking.
    done = forecaster(tmp_path, "fetch", "--check", "--universe", "core", "--json")
    assert {one["symbol"] for one in done.json} <= set(members)


def test_no_symbols_and_none_known_is_wrong_usage(server: TushareServer, tmp_path: Path) -> None:
    done = fetch(tmp_path, server)
    assert done.code == 2
    assert "--universe all" in done.err
    assert server.calls == []


def test_a_share_that_is_not_listed_is_named_and_the_others_come(
    server: TushareServer, market: Market, tmp_path: Path
) -> None:
    done = fetch(tmp_path, server, market.symbols[0], "688999.SH", "--start", "2023-01-01")
    assert done.code == 1
    (line,) = (one for one in done.err.splitlines() if one.startswith("missing: "))
    assert line.startswith("missing: 688999.SH: 2023-01-01 to ")
    assert line.endswith(": Tushare lists no such share")
    assert_true(tmp_path, market, [market.symbols[0]])
    alone = fetch(tmp_path, server, "688999.SH")
    assert alone.code == 1
    assert "error: 688999.SH cannot be fetched" in alone.err


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TUSHARE_TOKEN": ""}, "no Tushare token: set TUSHARE_TOKEN, or TUSHARE_TOKEN_FILE"),
        ({"TUSHARE_TOKEN": "another"}, "the server refuses the token (code 40101"),
        ({"FORECASTER_TUSHARE_CALLS_PER_MINUTE": "0"}, "setting tushare_calls_per_minute"),
        ({"FORECASTER_TUSHARE_URL": "ftp://somewhere"}, "setting tushare_url"),
    ],
)
def test_an_account_that_cannot_call(
    server: TushareServer, tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    done = fetch(tmp_path, server, "600000.SH", **environment)
    assert done.code in (1, 2)
    assert message in done.err
    assert "Traceback" not in done.err


def test_the_token_may_lie_in_a_file(server: TushareServer, market: Market, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "token"
    secret.parent.mkdir()
    secret.write_text(f"{TOKEN}\n")
    home = tmp_path / "home"
    done = fetch(home, server, market.symbols[0], TUSHARE_TOKEN="", TUSHARE_TOKEN_FILE=str(secret))
    assert done.code == 0, done.err
    absent = fetch(home, server, TUSHARE_TOKEN="", TUSHARE_TOKEN_FILE=str(tmp_path / "absent"))
    assert absent.code == 1
    assert "absent" in absent.err


def test_what_came_before_the_quota_was_spent_is_kept_and_the_rest_is_listed(
    server: TushareServer, market: Market, tmp_path: Path
) -> None:
    assert fetch(tmp_path, server, market.symbols[0], "--start", "2023-01-01").code == 0
    server.per_day = len(server.calls) + 5
    done = fetch(tmp_path, server, "--universe", "all", "--start", "2023-01-01", "--json")
    assert done.code == 1
    assert done.json["error"]["type"] == "DayQuotaSpent"
    missing = {symbol for one in done.json["missing"] for symbol in one["symbols"]}
    assert missing | {market.symbols[0]} >= set(market.expected_bars()["symbol"])
    server.per_day = None
    assert fetch(tmp_path, server, "--universe", "all", "--start", "2023-01-01").code == 0
    assert_true(tmp_path, market)


def test_a_fault_in_between_is_overcome_and_told(server: TushareServer, market: Market, tmp_path: Path) -> None:
    server.misbehave(faults.status(503), times=1, api="daily")
    done = fetch(tmp_path, server, "--universe", "all", "--start", "2023-01-01")
    assert done.code == 0, done.err
    assert_true(tmp_path, market)


def test_two_writers_do_not_meet(server: TushareServer, market: Market, tmp_path: Path) -> None:
    store = PriceStore(tmp_path / "prices")
    with store.writing():
        done = fetch(tmp_path, server, "--universe", "all")
        assert done.code == 1
        assert f"{tmp_path}/prices is being written by process " in done.err
        assert "--wait SECONDS" in done.err
    assert server.calls == []


def test_ctrl_c_keeps_what_came(server: TushareServer, market: Market, tmp_path: Path) -> None:
    server.misbehave(faults.hang(), times=None, api="adj_factor", after=1)
    with subprocess.Popen(
        [sys.executable, "-m", "forecaster.cli.main", "fetch", "--provider", "tushare", *market.symbols[:3]],
        cwd=tmp_path,
        env={"PATH": "/usr/bin", "FORECASTER_HOME": str(tmp_path), "TUSHARE_TOKEN": TOKEN}
        | {"FORECASTER_TUSHARE_URL": server.url},
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        for _ in itertools.takewhile(lambda line: "to fetch" not in line, running.stderr or ()):
            pass
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "Traceback" not in said
    server.release()
    server.behave()
    assert fetch(tmp_path, server, *market.symbols[:3]).code == 0
    assert_true(tmp_path, market, market.symbols[:3])


def test_help_names_what_can_be_fetched(tmp_path: Path) -> None:
    done = forecaster(tmp_path, "fetch", "--help")
    assert done.code == 0
    for part in ("sample|files|tushare", "--universe all", "--recheck", "--plan", "--check", "--wait SECONDS"):
        assert part in done.out


def test_json_is_one_document_whatever_is_told_beside_it(server: TushareServer, market: Market, tmp_path: Path) -> None:
    done = fetch(tmp_path, server, market.symbols[0], "--json", "--start", "2023-01-01")
    assert json.loads(done.out)["plan"]["calls"] == 2
    assert done.json["calls"] >= 2
