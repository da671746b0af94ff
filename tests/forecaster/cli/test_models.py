from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from forecaster.cli.promoting import promote
from tests.forecaster.cli.conftest import Sample, registry_of
from tests.forecaster.cli.program import Done, at_once, forecaster


@pytest.fixture(scope="module")
def asked(sample: Sample, empty_home: Path) -> dict[str, Done]:
    home = sample.home
    return at_once(
        {
            "list": (home, ["models", "list", "--json"]),
            "list in words": (home, ["models", "list"]),
            "show": (home, ["models", "show"]),
            "show 2": (home, ["models", "show", "2", "--json"]),
            "show 9": (home, ["models", "show", "9", "--json"]),
            "promote 9": (home, ["models", "promote", "9", "--json"]),
            "rollback": (home, ["models", "rollback", "--json"]),
            "empty list": (empty_home, ["models", "list", "--json"]),
            "empty rollback": (empty_home, ["models", "rollback"]),
        }
    )


def test_versions_are_listed_newest_first(asked: dict[str, Done]) -> None:
    found = asked["list"].json
    assert [(one["model"], one["version"], one["aliases"]) for one in found] == [
        ("next-close", "2", ["challenger"]),
        ("next-close", "1", ["champion"]),
    ]
    assert {one["tags"]["trained_through"] for one in found} == {"2012-02-29"}
    assert len({one["tags"]["spec_hash"] for one in found}) == 2
    for part in ("challenger", "champion", "trained through", "2012-02-29"):
        assert part in asked["list in words"].out


def test_a_manifest_is_shown_in_full(asked: dict[str, Done], sample: Sample) -> None:
    shown = asked["show"].json
    assert (shown["version"], shown["aliases"]) == ("1", ["champion"])
    file = sample.home / "registry" / "models" / shown["run_id"] / "artifacts" / "bundle" / "bundle.json"
    assert shown["manifest"] == json.loads(file.read_text())
    assert asked["show 2"].json["manifest"]["spec"]["target"] == "level"


def test_no_manifest_says_where_it_was_made(asked: dict[str, Done], sample: Sample) -> None:
    for name in ("show", "show 2"):
        manifest = json.dumps(asked[name].json["manifest"])
        assert str(sample.home) not in manifest
        assert str(Path.home()) not in manifest
        assert "/tmp" not in manifest


@pytest.mark.parametrize(
    ("name", "kind"), [("show 9", "UnknownVersion"), ("promote 9", "UnknownVersion"), ("rollback", "NoModel")]
)
def test_a_version_that_there_is_not_is_refused(asked: dict[str, Done], name: str, kind: str) -> None:
    assert (asked[name].code, asked[name].json["error"]["type"]) == (1, kind)


def test_without_a_model_each_command_says_so(asked: dict[str, Done]) -> None:
    assert (asked["empty list"].code, asked["empty list"].json) == (0, [])
    assert asked["empty rollback"].code == 1
    assert asked["empty rollback"].err.startswith("error: the model next-close has no earlier champion yet")


def test_a_version_that_is_forced_serves_until_it_is_rolled_back(copied_home: Path) -> None:
    why = ("--force", "--why", "a trial", "--who", "Ann")
    promoted = forecaster(copied_home, "models", "promote", "2", *why, "--json")
    assert promoted.code == 0
    assert {**promoted.json, "decision": None} == {
        "model": "next-close",
        "champion": "2",
        "promoted": True,
        "decision": None,
    }
    assert promoted.json["decision"]["forced"] == {"who": "Ann", "why": "a trial"}
    answered = forecaster(copied_home, "predict", "AAPL", "--json")
    assert answered.json["forecasts"][0]["model"]["version"] == "2"
    back = forecaster(copied_home, "models", "rollback")
    assert (back.code, back.out) == (0, "next-close: the champion is version 1\n")
    assert registry_of(copied_home).by_alias().version == "1"
    told = forecaster(copied_home, "models", "decisions")
    for part in ("promoted by force", "Ann: a trial", "forecaster train: the first version"):
        assert part in told.out


def test_the_gate_refuses_what_is_not_shown(copied_home: Path) -> None:
    """Levels echo yesterday's close, and do so worse than the champion."""
    done = forecaster(copied_home, "models", "promote", "2")
    assert (done.code, done.err) == (3, "")
    assert "version 2 beside 1: refused" in done.out
    assert "version 2 is not promoted; what serves stays" in done.out
    assert registry_of(copied_home).by_alias().version == "1"
    (kept,) = forecaster(copied_home, "models", "decisions", "2", "--json").json
    assert (kept["by"], kept["promote"], kept["evidence"]["champion"]) == ("forecaster models promote", False, "1")
    assert "naive" in [one["name"] for one in kept["checks"] if not one["passed"]]


def test_what_passes_the_gate_serves(copied_home: Path) -> None:
    """Where nothing serves, whatever a network of four units shows is made to be enough."""
    models = registry_of(copied_home)
    MlflowClient(models.uri, models.uri).delete_registered_model_alias("next-close", "champion")
    lenient = {"FORECASTER_GATE__NAIVE_MARGIN": "0.9", "FORECASTER_GATE__COVERAGE": "0.9"}
    weighed = forecaster(copied_home, "models", "weigh", "1", "--json", **lenient)
    assert (weighed.code, weighed.json["promote"], weighed.json["evidence"]["champion"]) == (0, True, None)
    done = forecaster(copied_home, "models", "promote", "1", "--json", **lenient)
    assert (done.code, done.json["promoted"], done.json["decision"]["forced"]) == (0, True, None)
    assert registry_of(copied_home).by_alias().version == "1"


@pytest.mark.parametrize("wrong", [("--force",), ("--force", "--why", " "), ("--why", "no force"), ("--who", "Ann")])
def test_force_needs_a_reason_and_a_reason_force(empty_home: Path, wrong: tuple[str, ...]) -> None:
    done = CliRunner().invoke(promote, ["2", *wrong], env={"FORECASTER_HOME": str(empty_home)})
    assert (done.exit_code, "--why" in done.stderr) == (2, True)


def test_a_damaged_version_is_not_promoted(copied_home: Path) -> None:
    models = registry_of(copied_home)
    file = models.bundle_path(models.get("2")) / "model.keras"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    done = forecaster(copied_home, "models", "promote", "2", "--json")
    assert (done.code, done.json["error"]["type"]) == (1, "CorruptBundle")
    assert models.by_alias().version == "1"
