from __future__ import annotations

import json
from pathlib import Path

import pytest

from forecaster.bundle import read_bundle
from tests.forecaster.cli.conftest import TINY, Sample, registry_of
from tests.forecaster.cli.program import Done, at_once, forecaster


def bundle_folder(home: Path, version: str) -> Path:
    models = registry_of(home)
    return models.bundle_path(models.get(version))


def test_the_first_version_serves_and_a_later_one_waits(sample: Sample) -> None:
    assert (sample.trained.code, sample.trained_levels.code) == (0, 0)
    made = sample.trained.json
    assert (made["model"], made["version"], made["alias"]) == ("next-close", "1", "champion")
    first = made["decision"]
    assert (first["version"], first["forced"]["who"], first["evidence"]["span"]) == ("1", "forecaster train", None)
    assert "next-close version 2 is now the challenger" in sample.trained_levels.out
    assert "to let it serve: forecaster models promote 2" in sample.trained_levels.out


def test_a_run_in_figures(sample: Sample) -> None:
    made = sample.trained.json
    assert list(made["diagnostics"]) == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    assert (made["epochs"], made["best_epoch"]) == (1, 1)
    assert made["training_seconds"] > 0
    assert 0 <= made["parity"] <= 1e-5
    # Four shares trade throughout; FB, listed in May 2012, has 196 sessions. The features look 20 sessions back: that
    # leaves 172 windows of 5, one without an outcome.
    assert made["windows"]["test"] == 4 * 250 + 171
    assert made["windows"]["validation"] == 4 * 60
    assert made["diagnostics"]["FB"]["sample"]["sessions"] == 171
    assert made["unjudged"] == []


def test_with_json_nothing_else_is_printed(sample: Sample) -> None:
    assert sample.trained.err == ""


def test_without_json_progress_goes_to_stderr_and_figures_to_stdout(sample: Sample) -> None:
    lines = sample.trained_levels.err.splitlines()
    assert lines[0] == "reading prices"
    assert any(line.startswith("training: epoch 1 of at most 1, loss ") for line in lines)
    # Not a word of tensorflow's own.
    assert not [line for line in lines if "cuda" in line.lower() or "onednn" in line.lower() or "Warning" in line]
    assert "skill vs naive" in sample.trained_levels.out
    assert "worse_than_naive" in sample.trained_levels.out or "echoes_yesterday" in sample.trained_levels.out


def test_levels_scaled_by_series_leave_out_a_share_that_was_listed_later(sample: Sample) -> None:
    assert "not judged, for too short a history or one that began too late: FB\n" in sample.trained_levels.out
    manifest = read_bundle(bundle_folder(sample.home, "2")).manifest
    assert (manifest["spec"]["target"], manifest["spec"]["scaling"]) == ("level", "series")
    assert sorted(manifest["scaling"]["ranges"]) == ["AAPL", "GOOG", "IBM", "MSFT"]
    assert "FB" not in manifest["diagnostics"]
    refused = forecaster(sample.home, "predict", "FB", "AAPL", "--version", "2", "--json")
    assert refused.code == 1
    assert [one["symbol"] for one in refused.json["forecasts"]] == ["AAPL"]
    assert "FB was not among the training rows" in refused.json["refused"]["FB"]


def test_a_spec_file_and_a_promotion_that_the_gate_refuses(copied_home: Path) -> None:
    (copied_home / "spec.toml").write_text(
        '[model]\nunits = [3]\nlookback = 4\nfeatures = ["close"]\n[train]\nepochs = 7\nvalidation = 60\ntest = 60\n'
    )
    arguments = ("train", "AAPL", "IBM", "--spec", "spec.toml", "--epochs", "1", "--seed", "9", "--promote", "--json")
    done = forecaster(copied_home, *arguments, FORECASTER_GATE__SESSIONS="61")
    assert done.code == 3, done.err
    assert (done.json["version"], done.json["alias"]) == ("3", "challenger")
    sessions = next(one for one in done.json["decision"]["checks"] if one["name"] == "sessions")
    assert (sessions["passed"], sessions["text"][:21]) == (False, "judged on 60 sessions")
    manifest = json.loads((bundle_folder(copied_home, "3") / "bundle.json").read_text())
    assert (manifest["spec"]["units"], manifest["spec"]["features"]) == ([3], ["close"])
    assert (manifest["train_spec"]["epochs"], manifest["train_spec"]["seed"]) == (1, 9)
    assert manifest["symbols"] == ["AAPL", "IBM"]


def test_the_same_seed_gives_the_same_model(copied_home: Path) -> None:
    done = forecaster(copied_home, "train", *TINY, "--json")
    assert done.code == 0, done.err
    one, other = (read_bundle(bundle_folder(copied_home, version)) for version in ("1", "3"))
    assert one.manifest["files"]["model.onnx"] == other.manifest["files"]["model.onnx"]
    assert one.manifest["calibration"] == other.manifest["calibration"]
    assert one.manifest["diagnostics"] == other.manifest["diagnostics"]
    assert one.evidence().equals(other.evidence())


def test_a_model_goes_on_from_the_champion(copied_home: Path) -> None:
    done = forecaster(copied_home, "train", "--from", "champion", "--seed", "3", "--json")
    assert done.code == 0, done.err
    assert (done.json["version"], done.json["alias"]) == ("3", "challenger")
    manifest, first = (read_bundle(bundle_folder(copied_home, version)).manifest for version in ("3", "1"))
    assert manifest["spec"] == first["spec"]
    assert manifest["training"]["from"]["version"] == "1"
    rate = first["train_spec"]["learning_rate"] / 10
    assert manifest["train_spec"] == {**first["train_spec"], "learning_rate": pytest.approx(rate), "seed": 3}
    assert list((copied_home / "training").iterdir()) == []
    refused = forecaster(copied_home, "train", "--from", "2", "--set", "target=change", "--json")
    assert refused.code == 2
    assert refused.json["error"]["type"] == "SpecError"
    assert "target: expected level, as version 2 has it" in refused.json["error"]["message"]


def test_each_symbol_has_a_network_of_its_own_and_one_that_fails_stops_no_other(copied_home: Path) -> None:
    done = forecaster(copied_home, "train", "--per-symbol", "MSFT", "FB", "AAPL", *TINY, "--json")
    assert (done.code, done.err) == (1, "")
    assert list(done.json["models"]) == ["AAPL", "MSFT"]
    for symbol, made in done.json["models"].items():
        assert (made["model"], made["version"], made["alias"]) == (f"next-close.{symbol}", "1", "champion")
        assert list(made["diagnostics"]) == [symbol]
    assert done.json["failed"]["FB"]["type"] == "TooFewSessions"
    asked = forecaster(copied_home, "predict", "AAPL", "--name", "next-close.AAPL", "--json")
    assert asked.code == 0, asked.err
    assert asked.json["forecasts"][0]["model"]["name"] == "next-close.AAPL"
    again = forecaster(copied_home, "train", "--per-symbol", "AAPL", "--name", "next-close.AAPL", "--json")
    assert again.code == 2
    assert "--name: expected a name without a symbol" in again.json["error"]["message"]


SPEC_ERRORS = {
    "units": (["--set", "units=0"], "ModelSpec.units: expected a list, got '0'"),
    "file": (["--spec", "absent.toml"], "--spec: expected a readable TOML file"),
}
CALLS = {name: (["train", *arguments], 2, "SpecError", message) for name, (arguments, message) in SPEC_ERRORS.items()}
CALLS |= {
    "malformed": (["train", "aapl"], 2, "MalformedSymbol", "malformed symbol 'aapl'"),
    "unknown": (["train", "ZZZ"], 1, "UnknownSymbol", "unknown symbol ZZZ"),
    "too few": (["train", "FB"], 1, "TooFewSessions", "needs more than 312 sessions with known outcomes and found 156"),
    "no bars": (["train", "FB", "--set", "lookback=500"], 1, "TooFewBars", "one window needs 500"),
}


@pytest.fixture(scope="module")
def refused(priced_home: Path, empty_home: Path) -> dict[str, Done]:
    calls = {name: (priced_home, [*arguments, "--json"]) for name, (arguments, _, _, _) in CALLS.items()}
    return at_once(calls | {"empty": (empty_home, ["train", "--json"]), "in words": (empty_home, ["train"])})


@pytest.mark.parametrize("name", CALLS)
def test_what_cannot_be_trained_is_refused_with_the_reason(refused: dict[str, Done], name: str) -> None:
    _, code, kind, message = CALLS[name]
    done = refused[name]
    assert done.code == code
    assert done.json["error"]["type"] == kind
    assert message in done.json["error"]["message"]
    assert done.err == ""


def test_without_prices_there_is_nothing_to_train(refused: dict[str, Done]) -> None:
    assert refused["empty"].code == 1
    assert refused["empty"].json["error"]["type"] == "EmptyStore"
    assert refused["in words"].code == 1
    assert refused["in words"].err.splitlines()[-1].startswith("error: no prices in ")
    assert refused["in words"].err.endswith("for example: forecaster fetch --provider sample\n")


def test_a_refused_run_registers_nothing(refused: dict[str, Done], priced_home: Path) -> None:
    assert registry_of(priced_home).versions() == []
