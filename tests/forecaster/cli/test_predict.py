from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.errors import UnknownSymbol
from data.scaling import WindowScaling
from data.store import PriceStore
from forecaster.calibration import Calibration
from forecaster.cli.console import bars_for
from forecaster.model import Model
from forecaster.spec import ModelSpec
from tests.forecaster.cli.conftest import Sample
from tests.forecaster.cli.program import Done, at_once, forecaster
from tests.forecaster.markets import make_bars, walk
from tests.forecaster.predictors import Constant

# The example of the REST surface in the architecture, which the command line answers with, too.
EXAMPLE = {
    "symbol": "600519.SH",
    "as_of": "2026-11-20",
    "target_session": "2026-11-23",
    "last_close": 1700.0,
    "forecast": {
        "close": 1702.3,
        "change": 0.00135,
        "probability_up": 0.53,
        "quantiles": {"0.05": 1658.1, "0.5": 1702.3, "0.95": 1747.9},
        "interval": {"level": 0.9, "lower": 1658.1, "upper": 1747.9},
    },
    "baseline": {"name": "last_close", "close": 1700.0},
    "diagnostics": {
        "sample": {"first": "2025-11-03", "last": "2026-11-20", "sessions": 250},
        "errors": {
            "mae": 21.4,
            "rmse": 29.8,
            "mape": 0.0126,
            "bias": -0.4,
            "mase": 0.998,
            "skill_vs_naive": 0.002,
            "directional_accuracy": 0.516,
        },
        "lag": {"best_lag": 1, "correlation": 0.97, "echo": 0.96, "level_lag": 1},
        "significance": {"diebold_mariano": -0.41, "dm_p_value": 0.68, "pt_p_value": 0.31},
        "coverage": {"level": 0.9, "observed": 0.896},
    },
    "verdict": {"code": "no_better_than_naive", "text": "Over 250 sessions this model did not beat ..."},
    "model": {"name": "next-close", "version": "3", "trained_through": "2026-11-13"},
    "stale": False,
}
AS_OF = "2012-06-29"
SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")


@pytest.fixture(scope="module")
def asked(
    sample: Sample, priced_home: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Done]:
    """All calls that only read."""
    damaged = Path(shutil.copytree(sample.home, tmp_path_factory.mktemp("damaged") / "home"))
    for model in damaged.glob("registry/models/*/artifacts/bundle/model.onnx"):
        content = bytearray(model.read_bytes())
        content[len(content) // 2] ^= 1
        model.write_bytes(content)
    home = sample.home
    return at_once(
        {
            "json": (home, ["predict", "AAPL", "GOOG", "FB", "--json"]),
            "in words": (home, ["predict", "AAPL", "MSFT"]),
            "as of": (home, ["predict", "AAPL", "GOOG", "--as-of", AS_OF, "--json"]),
            "too early": (home, ["predict", "FB", "IBM", "--as-of", "2012-05-21", "--json"]),
            "before": (home, ["predict", "FB", "--as-of", "2001-01-02"]),
            "malformed": (home, ["predict", "aapl", "--json"]),
            "unknown": (home, ["predict", "AAPL", "ZZZ", "--json"]),
            "damaged": (damaged, ["predict", "AAPL", "--json"]),
            "no model": (priced_home, ["predict", "AAPL", "--json"]),
            "nothing": (empty_home, ["predict", "AAPL"]),
        }
    )


@pytest.fixture(scope="module")
def closes() -> pd.DataFrame:
    """The sample's closes as traded, as its package ships them."""
    return pd.read_csv(str(distribution("bokeh-sampledata").locate_file("bokeh_sampledata/_data/stocks.csv.gz")))


def by_symbol(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.err
    assert done.json["refused"] == {}
    return {one["symbol"]: one for one in done.json["forecasts"]}


def leaves(document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(document, dict):
        for name, value in document.items():
            yield from leaves(value, (*path, name))
    else:
        yield path, document


def test_an_answer_has_every_field_of_the_documented_example(asked: dict[str, Done]) -> None:
    for answer in by_symbol(asked["json"]).values():
        found = dict(leaves(answer))
        for path, example in leaves(EXAMPLE):
            assert path in found, path
            # Not enough data for a test is said with null.
            assert isinstance(found[path], type(example)) or (found[path] is None and path[1] == "significance"), path


def test_symbols_are_answered_in_order_with_nothing_on_stderr(asked: dict[str, Done]) -> None:
    assert list(by_symbol(asked["json"])) == ["AAPL", "FB", "GOOG"]
    assert asked["json"].err == ""


def test_an_answer_in_figures(asked: dict[str, Done], closes: pd.DataFrame) -> None:
    for symbol, answer in by_symbol(asked["json"]).items():
        last = closes[closes["Ticker"] == symbol].iloc[-1]
        assert (answer["as_of"], answer["last_close"]) == (last["Date"], pytest.approx(last["Close"], rel=1e-12))
        assert answer["target_session"] == "2013-03-04"  # the Monday after the last Friday
        forecast = answer["forecast"]
        levels = ["0.05", "0.1", "0.25", "0.4", "0.5", "0.6", "0.75", "0.9", "0.95"]
        assert list(forecast["quantiles"]) == levels
        prices = list(forecast["quantiles"].values())
        assert prices == sorted(prices)
        assert forecast["close"] == forecast["quantiles"]["0.5"]
        assert forecast["change"] == pytest.approx(forecast["close"] / answer["last_close"] - 1)
        assert forecast["interval"] == {"level": 0.9, "lower": prices[0], "upper": prices[-1]}
        assert 0.05 <= forecast["probability_up"] <= 0.95
        assert (forecast["probability_up"] > 0.5) == (forecast["close"] > answer["last_close"])
        assert answer["stale"] is True
        assert answer["stale_reason"].startswith("the prices end with 2013-03-01")
        assert answer["model"] == {"name": "next-close", "version": "1", "trained_through": "2012-02-29"}
        assert answer["path"] == []


def test_in_words_it_says_how_far_to_trust_it(asked: dict[str, Done]) -> None:
    done = asked["in words"]
    assert (done.code, done.err) == (0, "")
    for part in ("AAPL", "MSFT", "2013-03-01", "2013-03-04", "430.47", "90% interval", "stale", "Over 250 sessions"):
        assert part in done.out


def test_as_of_a_day_is_as_if_the_store_ended_there(asked: dict[str, Done], copied_home: Path) -> None:
    shutil.rmtree(copied_home / "prices")
    # All five: the outcomes of each tell how wide intervals should be.
    fetched = forecaster(copied_home, "fetch", *SYMBOLS, "--end", AS_OF)
    assert fetched.code == 0
    truncated = forecaster(copied_home, "predict", "AAPL", "GOOG", "--json")
    assert truncated.json == asked["as of"].json
    assert {one["as_of"] for one in truncated.json["forecasts"]} == {AS_OF}
    assert {one["target_session"] for one in truncated.json["forecasts"]} == {"2012-07-02"}


def test_as_of_a_day_it_answers_what_the_evidence_holds_for_the_next(sample: Sample, asked: dict[str, Done]) -> None:
    # GOOG paid nothing and was not split in these years, so that its prices need no adjusting.
    answer = by_symbol(asked["as of"])["GOOG"]
    tables = [pd.read_parquet(file) for file in sample.home.glob("registry/models/*/artifacts/bundle/evidence.parquet")]
    (table,) = (one for one in tables if "FB" in set(one["symbol"]))
    row = table[(table["symbol"] == "GOOG") & (table["origin"] == AS_OF)].iloc[0]
    assert f"{row['session']:%Y-%m-%d}" == answer["target_session"]
    assert answer["last_close"] == pytest.approx(row["previous_close"], rel=1e-12)
    for name, price in answer["forecast"]["quantiles"].items():
        assert price == pytest.approx(row[name], rel=1e-6)


def test_what_cannot_be_forecast_is_refused_beside_what_can(asked: dict[str, Done]) -> None:
    done = asked["too early"]
    assert done.code == 1
    assert [one["symbol"] for one in done.json["forecasts"]] == ["IBM"]
    # FB was listed on 18 May 2012, a Friday. The longest look back is that of a month, 20 sessions.
    assert done.json["refused"] == {"FB": "FB: the model needs 25 sessions and 2 are stored; fetch a longer history"}
    assert (asked["before"].code, asked["before"].out) == (1, "")
    assert asked["before"].err == "error: FB: no bars up to 2001-01-02\n"


@pytest.mark.parametrize(
    ("name", "code", "kind", "message"),
    [
        ("malformed", 2, "MalformedSymbol", "malformed symbol 'aapl': expected 1 to 12 of A-Z, 0-9"),
        ("unknown", 1, "UnknownSymbol", "unknown symbol ZZZ: the store holds 5 symbols (AAPL, FB, GOOG, IBM, MSFT)"),
        ("no model", 1, "NoModel", "the model next-close has no champion yet: train one with forecaster train"),
        (
            "damaged",
            1,
            "CorruptBundle",
            "model.onnx does not match its sha256 in bundle.json. Nothing of it was loaded",
        ),
    ],
)
def test_with_json_an_error_is_json(asked: dict[str, Done], name: str, code: int, kind: str, message: str) -> None:
    done = asked[name]
    assert done.code == code
    assert done.json.keys() == {"error"}
    assert done.json["error"].keys() == {"type", "message"}
    assert done.json["error"]["type"] == kind
    assert message in done.json["error"]["message"]
    assert done.err == ""


def test_without_json_an_error_is_one_line_on_stderr(asked: dict[str, Done]) -> None:
    done = asked["nothing"]
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: the model next-close has no champion yet")
    assert len(done.err.splitlines()) == 1


def test_a_registry_that_is_away_is_named(sample: Sample) -> None:
    away = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    done = forecaster(sample.home, "predict", "AAPL", "--json", **away)
    assert done.code == 1
    assert done.json["error"]["type"] == "RegistryUnavailable"
    assert "the model registry at http://127.0.0.1:9 does not answer" in done.json["error"]["message"]


def test_it_reads_what_moves_the_intervals_and_does_without_what_has_left_the_store(tmp_path: Path) -> None:
    bars = make_bars({symbol: walk(seed, 40) for seed, symbol in enumerate(("AAA", "BBB", "CCC", "DDD"))})
    store = PriceStore(tmp_path)
    store.upsert(bars)
    spec = ModelSpec(units=(1,), lookback=3, features=("close",), quantiles=(0.1, 0.5, 0.9))
    calibration = Calibration(np.zeros((1, 3)), 0)
    model = Model(spec, WindowScaling(), calibration, Constant([[-1.0, 0.0, 1.0]]), ("AAA", "BBB", "GONE"))
    read, asked = bars_for(model, ("CCC",), store, None)
    assert (read.symbols, asked) == (("AAA", "BBB", "CCC"), ("CCC",))
    read, asked = bars_for(model, None, store, bars.frame["session"].iloc[9].date())
    assert (read.symbols, asked) == (("AAA", "BBB", "CCC", "DDD"), ("AAA", "BBB", "CCC", "DDD"))
    assert read.frame.groupby("symbol").size().tolist() == [10] * 4
    with pytest.raises(UnknownSymbol):
        bars_for(model, ("GONE",), store, None)
