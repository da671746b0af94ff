from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from forecaster.settings import Settings

VARIABLES = ("FORECASTER_HOME", "FORECASTER_STORE", "FORECASTER_MODEL", "MLFLOW_TRACKING_URI")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor a forecaster.toml of the one who runs the tests counts."""
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_by_default_everything_is_under_var(tmp_path: Path) -> None:
    found = Settings()
    assert (found.home, found.model) == (Path("var"), "next-close")
    assert found.store_uri == "var/prices"
    assert found.registry_uri == f"sqlite:///{tmp_path}/var/registry/mlflow.db"
    assert found.artifacts == tmp_path / "var" / "registry" / "models"


def test_a_home_moves_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECASTER_HOME", str(tmp_path / "there"))
    found = Settings()
    assert found.store_uri == f"{tmp_path}/there/prices"
    assert found.registry_uri == f"sqlite:///{tmp_path}/there/registry/mlflow.db"
    assert found.artifacts == tmp_path / "there" / "registry" / "models"


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    assert Settings() == Settings(home=Path("var"), model="next-close")
    assert Settings().store_uri == "var/prices"


def test_store_and_registry_can_be_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECASTER_STORE", "s3://bucket/prices")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    found = Settings()
    assert (found.store_uri, found.registry_uri) == ("s3://bucket/prices", "http://mlflow:5000")


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "forecaster.toml").write_text(
        'home = "of-the-file"\nmodel = "of-the-file"\ntracking_uri = "http://of-the-file"\n'
    )
    monkeypatch.setenv("FORECASTER_MODEL", "of-the-environment")
    found = Settings()
    assert (found.home, found.model) == (Path("of-the-file"), "of-the-environment")
    assert found.registry_uri == "http://of-the-file"
    assert Settings(home=Path("given")).home == Path("given")


@pytest.mark.parametrize("name", ["Next", "next close", "a/b", "../up", "-a", "a" * 64, "a'b", "a\n"])
def test_a_name_that_could_be_taken_for_something_else_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECASTER_MODEL", name)
    with pytest.raises(ValidationError):
        Settings()
