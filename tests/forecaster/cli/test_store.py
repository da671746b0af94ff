from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from data.store import PriceStore
from forecaster.errors import RegistryUnavailable
from tests.data.tables import checked, closes
from tests.forecaster.cli.conftest import Sample, registry_of
from tests.forecaster.cli.program import forecaster


@pytest.fixture
def home(priced_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(priced_home, tmp_path / "home"))


def test_the_tables_are_shown(sample: Sample) -> None:
    done = forecaster(sample.home, "store", "show", "--json")
    assert done.code == 0
    assert done.json["uri"] == str(sample.home / "prices")
    assert done.json["fingerprint"] == PriceStore(sample.home / "prices").fingerprint()
    (bars,) = (one for one in done.json["tables"] if one["name"] == "bars")
    # From 2000 to 2013: one file a year.
    assert (bars["rows"], bars["files"], bars["scattered"]) == (12154, 14, 0)
    text = forecaster(sample.home, "store", "show").out
    assert "12,154" in text
    assert f"fingerprint of the bars: {done.json['fingerprint']}" in text


def test_without_prices_there_is_nothing_to_show_or_do(tmp_path: Path) -> None:
    assert "there are no prices yet" in forecaster(tmp_path, "store", "show").out
    assert forecaster(tmp_path, "store", "compact").out == "nothing to compact\n"
    assert forecaster(tmp_path, "store", "clean").out == "nothing to clean\n"


def test_compacting_keeps_the_content(home: Path) -> None:
    store = PriceStore(home / "prices")
    for number in range(3):
        store.upsert(checked(closes([10.0, 11.0], symbol=f"S{number}", first="2012-01-02")))
    before = store.fingerprint()
    done = forecaster(home, "store", "compact")
    assert done.code == 0
    assert done.out == "bars: 1 parts rewritten, 17 files are 14 now\n"
    assert store.fingerprint() == before
    assert forecaster(home, "store", "compact", "--json").json == []


def test_cleaning_keeps_what_a_model_was_trained_on(copied_home: Path) -> None:
    store = PriceStore(copied_home / "prices")
    trained_on = store.fingerprint(version=0)
    assert registry_of(copied_home).data_versions() == {0}
    for number in range(3):  # version 0 is the models', 1 to 3 nobody's
        store.upsert(checked(closes([10.0 + number], symbol="AAPL", first="2012-01-03")))
    would = forecaster(copied_home, "store", "clean", "--keep-days", "0", "--dry-run", "--json")
    assert would.code == 0
    assert len(would.json["bars"]) == 2
    done = forecaster(copied_home, "store", "clean", "--keep-days", "0")
    assert done.out.startswith("bars: 2 files deleted")
    assert store.fingerprint(version=0) == trained_on
    assert forecaster(copied_home, "store", "clean", "--keep-days", "0").out == "nothing to clean\n"


def test_nothing_is_cleaned_while_the_registry_is_away(home: Path) -> None:
    done = forecaster(home, "store", "clean", "--keep-days", "0", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.code == 1
    assert (
        RegistryUnavailable.__name__
        in forecaster(home, "store", "clean", "--json", MLFLOW_TRACKING_URI="http://127.0.0.1:9").out
    )
