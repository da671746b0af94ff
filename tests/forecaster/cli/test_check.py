"""`forecaster fetch --check`: faults in stored prices, by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.store import PriceStore
from tests.data.tables import checked, closes
from tests.forecaster.cli.conftest import Sample
from tests.forecaster.cli.program import Done, forecaster


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A share that doubles its factor on a quiet day, and one that jumps beyond the limit; both ended in 2012."""
    made = tmp_path_factory.mktemp("faults")
    store = PriceStore(made / "prices")
    quiet = [10.0 + 0.01 * (day % 3) for day in range(40)]
    # 2012-02-06 begins the first week after the spring festival; no holiday lies in the eight weeks after it.
    store.upsert(checked(closes(quiet, symbol="600000.SH", factor=[1.0] * 20 + [2.0] * 20, first="2012-02-06")))
    store.upsert(checked(closes(quiet[:20] + [30.0] * 20, symbol="600001.SH", first="2012-02-06")))
    return made


def check(home: Path, *arguments: str) -> Done:
    return forecaster(home, "fetch", "--check", *arguments)


def test_faults_are_found_and_end_with_3(home: Path) -> None:
    done = check(home, "--json")
    assert done.code == 3
    problems = {(one["symbol"], one["kind"]) for one in done.json if one["severity"] == "problem"}
    assert {("600000.SH", "factor_jump"), ("600001.SH", "beyond_price_limit")} <= problems
    assert {symbol for symbol, kind in problems if kind == "stale"} == {"600000.SH", "600001.SH"}
    jump = next(one for one in done.json if one["kind"] == "factor_jump")
    # The twenty-first weekday from 2012-02-06 on.
    assert jump["first"] == "2012-03-05"


def test_only_the_symbols_that_were_asked_for_are_checked(home: Path) -> None:
    assert {one["symbol"] for one in check(home, "600001.SH", "--json").json} == {"600001.SH"}
    (home / "list.txt").write_text("600000.SH\n")
    assert {one["symbol"] for one in check(home, "--universe", "list.txt", "--json").json} == {"600000.SH"}
    unknown = check(home, "600009.SH")
    assert unknown.code == 1
    assert "unknown symbol 600009.SH" in unknown.err


def test_in_words(home: Path) -> None:
    done = check(home)
    assert "factor_jump" in done.out
    assert "problem  600000.SH: " in done.out


def test_the_sample_is_stale_and_nothing_else(sample: Sample) -> None:
    done = forecaster(sample.home, "fetch", "--check", "--json")
    assert done.code == 3
    assert {one["kind"] for one in done.json} == {"stale"}


def test_without_prices_it_says_what_to_do(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.code == 1
    assert "fetch some first" in done.err
