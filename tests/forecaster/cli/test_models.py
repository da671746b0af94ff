from __future__ import annotations

import json
from pathlib import Path

import pytest

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


def test_a_promoted_version_serves_until_it_is_rolled_back(copied_home: Path) -> None:
    promoted = forecaster(copied_home, "models", "promote", "2", "--json")
    assert (promoted.code, promoted.json) == (0, {"model": "next-close", "champion": "2"})
    answered = forecaster(copied_home, "predict", "AAPL", "--json")
    assert answered.json["forecasts"][0]["model"]["version"] == "2"
    back = forecaster(copied_home, "models", "rollback")
    assert (back.code, back.out) == (0, "next-close: the champion is version 1\n")
    assert registry_of(copied_home).by_alias().version == "1"


def test_a_damaged_version_is_not_promoted(copied_home: Path) -> None:
    models = registry_of(copied_home)
    file = models.bundle_path(models.get("2")) / "model.keras"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    done = forecaster(copied_home, "models", "promote", "2", "--json")
    assert (done.code, done.json["error"]["type"]) == (1, "CorruptBundle")
    assert models.by_alias().version == "1"
