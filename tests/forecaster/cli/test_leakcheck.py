"""`forecaster leakcheck`: exit codes, and what is said."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

import forecaster.cli.leakcheck as command
from data.bars import Bars
from data.features import FEATURES, Feature
from data.history import lag
from data.store import PriceStore
from forecaster.leakcheck import Report
from tests.forecaster.leakcheck.checking import TRAINING, shares, spec

SMALL = ("--set", "lookback=5", "--set", "validation=20", "--cuts", "1")
OF_CLOSE = (*SMALL, "--set", "features=['close']")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four shares with the dates of a year that every calendar knows."""
    made = tmp_path_factory.mktemp("home")
    PriceStore(made / "prices").upsert(shares())
    return made


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = Feature(lambda past: lag(past.close[::-1], 1)[::-1], 0, 0, minmax=True)
    monkeypatch.setitem(FEATURES, "close", ahead)


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command.leakcheck, arguments, env={"FORECASTER_HOME": str(home)})


def test_a_clean_pipeline_ends_with_0(home: Path) -> None:
    done = run(home, *SMALL)
    assert done.exit_code == 0, done.output
    assert "nothing looks ahead" in done.stdout
    assert "training set" in done.stdout
    assert "cut 1 of 1" in done.stderr


def test_a_leak_ends_with_3_and_is_named(home: Path, planted: None) -> None:
    done = run(home, *OF_CLOSE)
    assert done.exit_code == 3
    assert "leak  features: feature 'close': " in done.stdout
    assert "changed when the bars after" in done.stdout
    assert "nothing looks ahead" not in done.stdout


def test_a_document_for_scripts(home: Path, planted: None) -> None:
    done = run(home, *OF_CLOSE, "--json", "AAPL", "IBM")
    assert done.exit_code == 3
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert (found["clean"], found["symbols"]) == (False, 2)
    assert [one["stage"] for one in found["checked"]][:3] == ["calendar", "adjusted prices", "features"]
    assert [leak["name"] for leak in found["leaks"]] == ["feature 'close'"]
    assert found["leaks"][0]["cut"] == found["cuts"][0]
    assert {"truncated", "prices"} <= set(found["leaks"][0]["futures"])


def test_the_spec_of_a_version_is_checked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = SimpleNamespace(spec=spec("close"), train_spec=TRAINING)
    monkeypatch.setattr(command, "chosen", lambda models, version: (version, bundle))
    checked = []

    def check(bars: Bars, *specs: object, **rest: object) -> Report:
        checked.append(specs)
        return Report((), (), (), (), 0, 0)

    monkeypatch.setattr(command, "check", check)
    assert run(home, "--version", "2", "--set", "lookback=9").exit_code == 0
    assert checked == [(spec("close", lookback=9), TRAINING)]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--set", "lookback=1"), 2, "lookback"),
        (("--cuts", "0"), 2, "--cuts"),
        (("--spec", "missing.toml"), 2, "missing.toml"),
        (("ZZZZ",), 1, "unknown symbol ZZZZ"),
        (("--set", "validation=200"), 1, "fetch a longer history"),
    ],
)
def test_what_cannot_be_checked(home: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run(home, *arguments)
    assert done.exit_code == code
    assert said in done.output


def test_without_prices_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.exit_code == 1
    assert "fetch some first" in done.stderr
