from __future__ import annotations

from pathlib import Path

import click
import pytest
from pydantic import ValidationError

from data.providers.tushare.account import Account
from forecaster.cli.console import settings
from forecaster.settings import Settings

VARIABLES = (
    "FORECASTER_HOME",
    "FORECASTER_STORE",
    "FORECASTER_MODEL",
    "FORECASTER_TUSHARE_URL",
    "FORECASTER_TUSHARE_CALLS_PER_MINUTE",
    "FORECASTER_TUSHARE_CALLS_PER_DAY",
    "MLFLOW_TRACKING_URI",
    "TUSHARE_TOKEN",
    "TUSHARE_TOKEN_FILE",
)


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


def test_an_account_at_tushare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().tushare_account == Account("", memory=Path("var/tushare-calls.json"))
    monkeypatch.setenv("TUSHARE_TOKEN", "open-sesame")
    monkeypatch.setenv("FORECASTER_TUSHARE_URL", "https://mirror.example/dataapi")
    monkeypatch.setenv("FORECASTER_TUSHARE_CALLS_PER_MINUTE", "500")
    monkeypatch.setenv("FORECASTER_TUSHARE_CALLS_PER_DAY", "8000")
    found = Settings()
    assert found.tushare_account == Account(
        "open-sesame", "https://mirror.example/dataapi", 500, 8000, memory=Path("var/tushare-calls.json")
    )
    assert "sesame" not in f"{found!r}{found}{found.model_dump()}{found.tushare_account!r}"


def test_a_token_may_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text(" open-sesame\n")
    monkeypatch.setenv("TUSHARE_TOKEN_FILE", str(tmp_path / "secret"))
    assert Settings().tushare_account.token == "open-sesame"
    monkeypatch.setenv("TUSHARE_TOKEN", "of-the-environment")
    assert Settings().tushare_account.token == "of-the-environment"
    monkeypatch.delenv("TUSHARE_TOKEN")
    (tmp_path / "secret").unlink()
    with pytest.raises(FileNotFoundError):
        _ = Settings().tushare_account


def test_a_token_that_cannot_be_one_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "forecaster.toml").write_text("tushare_token = 123454321\n")
    with pytest.raises(click.UsageError) as refused:
        settings()
    assert "TUSHARE_TOKEN" in str(refused.value)
    assert "123454321" not in str(refused.value)


def test_universes_have_names(tmp_path: Path) -> None:
    (tmp_path / "forecaster.toml").write_text('[universes]\ncore = "000300.SH"\n')
    assert Settings().universes == {"core": "000300.SH"}
