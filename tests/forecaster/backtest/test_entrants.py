from __future__ import annotations

from pathlib import Path

import pytest

from forecaster.backtest import entrants as module
from forecaster.backtest.contestant import Network
from forecaster.backtest.entrants import entrants
from forecaster.baselines.protocol import LEVELS, Forecaster, Unavailable
from forecaster.baselines.registered import baseline
from forecaster.errors import SpecError, TrainingUnavailable
from forecaster.spec import ModelSpec, TrainSpec


def without_arch(name: str) -> Forecaster:
    if name == "garch":
        raise Unavailable("arch", "install it")
    return baseline(name)


def test_specs_are_named_by_their_files_and_share_levels(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text("[model]\nunits = [4]\nquantiles = [0.05, 0.2, 0.5, 0.8, 0.95]\n")
    found = entrants(("default", str(tmp_path / "small.toml")), None)
    assert [one.name for one in found.contestants] == ["naive", "drift", "ewma", "garch", "ets", "default", "small"]
    assert found.levels == (0.05, 0.5, 0.95)
    assert found.absent == {}
    default = found.contestants[5]
    assert isinstance(default, Network)
    assert (default.spec, default.training) == (ModelSpec(), TrainSpec())
    assert entrants(("default",), ["ewma"]).levels == LEVELS


def test_naive_always_takes_part() -> None:
    assert [one.name for one in entrants(("default",), ["ewma", " drift"]).contestants] == [
        "naive",
        "drift",
        "ewma",
        "default",
    ]
    assert [one.name for one in entrants(("default",), []).contestants] == ["naive", "default"]


def test_a_baseline_without_its_package_is_left_out_unless_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "baseline", without_arch)
    found = entrants(("default",), None)
    assert "garch" not in [one.name for one in found.contestants]
    assert found.absent == {"garch": "arch is not there: install it"}
    with pytest.raises(TrainingUnavailable, match="needs arch"):
        entrants(("default",), ["garch"])


def test_names_that_cannot_be(tmp_path: Path) -> None:
    for name in ("naive", "twice"):
        (tmp_path / f"{name}.toml").write_text("")
    (tmp_path / "other.toml").write_text("[model]\nquantiles = [0.2, 0.5, 0.8]\n")
    twice = str(tmp_path / "twice.toml")
    for specs, baselines, seeds, message in (
        (("default",), ["arima"], (), "--baselines: expected names of naive, drift"),
        (("default",), None, (-1,), "--seed: expected a number from 0"),
        ((twice, twice), None, (), "names that differ"),
        ((str(tmp_path / "naive.toml"),), None, (), "names that differ"),
        (("default", str(tmp_path / "other.toml")), None, (), "quantiles in common"),
        ((str(tmp_path / "nowhere.toml"),), None, (), "a readable TOML file"),
    ):
        with pytest.raises(SpecError, match=message):
            entrants(specs, baselines, seeds)
