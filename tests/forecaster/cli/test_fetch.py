from __future__ import annotations

import shutil
from importlib.metadata import distribution
from pathlib import Path

import pandas as pd
import pytest

from data.store import PriceStore
from tests.forecaster.cli.conftest import Sample
from tests.forecaster.cli.program import Done, at_once, forecaster

HEADER = "Ticker,Date,Open,High,Low,Close,Volume\n"
GOOD = "AAA,2024-01-02,10,11,9,10.5,1000\nAAA,2024-01-03,10,11,9,10.6,1000\n"
BAD = "AAA,2024-01-04,10,9,11,10.5,1000\nAAA,2024-01-05,10,11,9,-1,1000\nAAA,2024-01-08,ten,11,9,10,1000\n"


@pytest.fixture(scope="module")
def source() -> pd.DataFrame:
    """The sample as its package ships it."""
    return pd.read_csv(str(distribution("bokeh-sampledata").locate_file("bokeh_sampledata/_data/stocks.csv.gz")))


def test_the_whole_sample_arrives(sample: Sample, source: pd.DataFrame) -> None:
    assert sample.fetched.code == 0
    report = sample.fetched.json
    assert report["rows"] == report["inserted"] == len(source)
    assert (report["updated"], report["unchanged"], report["quarantined"]) == (0, 0, {})
    assert report["symbols"] == sorted(source["Ticker"].unique())
    stored = PriceStore(sample.home / "prices").read(["AAPL"]).frame
    there = source[source["Ticker"] == "AAPL"]
    assert stored["close"].tolist() == there["Close"].tolist()
    assert [f"{day:%Y-%m-%d}" for day in stored["session"]] == there["Date"].tolist()


def test_fetching_again_changes_nothing(priced_home: Path, source: pd.DataFrame, tmp_path: Path) -> None:
    home = Path(shutil.copytree(priced_home, tmp_path / "home"))
    before = PriceStore(home / "prices").version()
    done = forecaster(home, "fetch", "--json")
    assert done.code == 0
    assert (done.json["inserted"], done.json["updated"], done.json["unchanged"]) == (0, 0, len(source))
    assert done.json["data_version"] == before


def test_only_what_was_asked_for_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "universe.txt").write_text("# our shares\nIBM\n\nMSFT  # since 1986\n")
    done = forecaster(
        tmp_path, "fetch", "GOOG", "--universe", "universe.txt", "--start", "2012-01-01", "--end", "20120131"
    )
    assert done.code == 0
    assert done.out.startswith("60 rows of 3 symbols: 60 new, 0 changed, 0 as before, 0 set aside\n")
    held = PriceStore(tmp_path / "prices").summary()
    assert held["symbol"].tolist() == ["GOOG", "IBM", "MSFT"]
    # January 2012 had 20 sessions in New York, from the 3rd to the 31st.
    assert held["sessions"].tolist() == [20, 20, 20]
    assert {f"{day}" for day in held["first"]} == {"2012-01-03"}
    assert {f"{day}" for day in held["last"]} == {"2012-01-31"}


def test_rows_that_are_no_prices_are_set_aside_and_counted(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(HEADER + GOOD + BAD)
    done = forecaster(tmp_path, "fetch", "--provider", "files", "--path", "prices.csv", "--json")
    assert done.code == 0
    assert (done.json["rows"], done.json["inserted"]) == (5, 2)
    assert done.json["quarantined"] == {"high_low_inconsistent": 1, "not_a_number": 1, "price_not_positive": 1}
    assert "factor 1" in done.json["notes"][0]
    in_words = forecaster(tmp_path, "fetch", "--provider", "files", "--path", "prices.csv")
    assert "5 rows of 1 symbols: 0 new, 0 changed, 2 as before, 3 set aside" in in_words.out
    assert "set aside: 1 x price_not_positive" in in_words.out


def test_without_a_usable_row_it_fails(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(HEADER + BAD)
    done = forecaster(tmp_path, "fetch", "--provider", "files", "--path", "prices.csv")
    assert done.code == 1
    assert "error: no usable row was left" in done.err


def test_columns_under_other_names_are_mapped(tmp_path: Path) -> None:
    (tmp_path / "aaa.csv").write_text("Day;x,Open,High,Low,Settle,Volume\n2024-01-02,10,11,9,10.5,1000\n")
    arguments = ("fetch", "--provider", "files", "--path", "aaa.csv", "--json")
    assert forecaster(tmp_path, *arguments).json["error"]["type"] == "MissingColumns"
    done = forecaster(tmp_path, *arguments, "--map", "close=Settle", "--map", "session=Day;x")
    assert (done.code, done.json["symbols"]) == (0, ["AAA"])


REFUSED = {
    "malformed": (["fetch", "aapl"], 2, "malformed symbol 'aapl'"),
    "unknown": (["fetch", "ZZZ"], 1, "unknown symbol ZZZ"),
    "no path": (["fetch", "--provider", "files"], 1, "needs --path"),
    "no file": (["fetch", "--provider", "files", "--path", "absent.csv"], 1, "there is no such file or folder"),
    "order": (["fetch", "--start", "2012-02-01", "--end", "2012-01-01"], 2, "--start 2012-02-01 is later than --end"),
    "universe": (["fetch", "--universe", "absent.txt"], 2, "'absent.txt' does not exist"),
    "map": (["fetch", "--provider", "files", "--path", ".", "--map", "close"], 2, "expected OURS=THEIRS"),
}


@pytest.fixture(scope="module")
def refused(empty_home: Path) -> dict[str, Done]:
    return at_once({name: (empty_home, arguments) for name, (arguments, _, _) in REFUSED.items()})


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_fetched_is_refused_with_the_reason(refused: dict[str, Done], name: str) -> None:
    _, code, message = REFUSED[name]
    assert refused[name].code == code
    assert message in refused[name].err
    assert refused[name].out == ""
    assert "Traceback" not in refused[name].err
