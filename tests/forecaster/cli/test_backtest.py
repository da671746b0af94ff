"""The command `forecaster backtest`, in its own words; engines and kept results are tested beside the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from data.store import PriceStore
from forecaster.backtest import entrants as module
from forecaster.baselines.naive import Naive
from forecaster.baselines.protocol import Fold, Made, Say
from forecaster.cli.backtest import backtest
from tests.forecaster.markets import make_bars, walk


@dataclass(frozen=True)
class Stub:
    """Stands for a spec without its training: naive forecasts, a little narrower; a seed of 13 brings bad luck."""

    name: str
    spec: Any
    training: Any
    seeded: bool = True

    def settings(self) -> Mapping[str, Any]:
        return {}

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        if seed == 13 and fold.number == 2:
            raise ArithmeticError("bad luck")
        table = Naive().fit_predict(fold, levels, seed, say).table
        short = pd.Series(fold.origins["symbol"].iloc[-1:])
        return Made(table[~((table["symbol"].isin(short)) & (table["origin"] == table["origin"].min()))])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    PriceStore(made / "prices").upsert(make_bars({f"S{k}": walk(k, 200) for k in range(3)}))
    return made


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECASTER_HOME", str(home))
    monkeypatch.setattr(module, "Network", Stub)


def run(*arguments: str | Path) -> Result:
    """With two folds of 32 sessions and quick baselines, in this process."""
    span = ("--folds", "2", "--every", "32", "--baselines", "ewma", "--jobs", "1", "--seed", "1")
    return CliRunner().invoke(backtest, [*span, *map(str, arguments)])


def test_a_table_its_meaning_and_what_was_left_out(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    done = run("--report", page)
    assert done.exit_code == 0, done.output
    # An origin of each fold the spec did not forecast: none of the models is judged on them.
    assert "190 forecasts of 3 symbols, 2020-07-13 to 2020-10-08, 2 refits, store version 0" in done.stdout
    assert "left out, for not all forecast them: 2 of 192 (default (seed 1) 2)" in done.stdout
    for name in ("naive", "ewma", "default"):
        assert f"│ {name}" in done.stdout
    assert "6 of 6 done" in capfd.readouterr().err
    (folder,) = (home / "backtests").iterdir()
    assert f"forecasts in {folder / 'forecasts.parquet'}" in done.stdout
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    again = run("--json")
    assert again.stderr == ""
    found = json.loads(again.stdout)
    assert found["folder"] == str(folder)
    assert [one["model"] for one in found["summary"]["models"]] != []
    assert found["origins"] == {"asked": 192, "common": 190}


def test_several_seeds_are_one_model(tmp_path: Path) -> None:
    done = run("--seed", "2", "--json", "--out", tmp_path, "S0", "S1")
    assert done.exit_code == 0, done.output
    table = pd.read_parquet(tmp_path / "forecasts.parquet")
    assert table.groupby("model")["seed"].agg(lambda seeds: sorted(set(seeds))).to_dict() == {
        "default": [1, 2],
        "ewma": [0],
        "naive": [0],
    }
    assert {one["model"]: one["seeds"] for one in json.loads(done.stdout)["summary"]["models"]}["default"] == 2


def test_an_incomplete_table_is_a_failure(tmp_path: Path) -> None:
    done = run("--seed", "13", "--out", tmp_path)
    assert done.exit_code == 1
    assert "failed: default (seed 13), fold 2 of 2: ArithmeticError: bad luck" in done.stderr
    assert "incomplete: a contestant that failed in a fold is left out" in done.stderr
    assert json.loads((tmp_path / "backtest.json").read_text())["complete"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sessions", "40"), "--folds and --every: expected one of them"),
        (("--window", "some"), "expected expanding or a number of sessions, got 'some'"),
        (("--baselines", "arima"), "expected names of naive, drift, ewma, garch, ets, got 'arima'"),
        (("--from", "2031-01-01", "--to", "2030-01-01"), "expected a first session before the last"),
        (("--address", "tcp://there:8786"), "--address: expected --engine dask or --engine ray with it"),
        (("../etc",), "symbol"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_store_without_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECASTER_HOME", str(tmp_path))
    done = run("--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["type"] == "EmptyStore"
