from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from forecaster.cli.console import registry
from forecaster.cli.main import main
from forecaster.settings import Settings
from tests.forecaster.cli.program import forecaster

COMMANDS = ("fetch", "train", "predict", "diagnose", "gates", "models", "doctor")
MODELS = ("list", "show", "promote", "rollback")


def help_of(name: str) -> str:
    done = CliRunner().invoke(main, [*name.split(), "--help"])
    assert done.exit_code == 0
    return done.output


def test_the_program_lists_its_commands_in_the_order_of_a_first_round(empty_home: Path) -> None:
    done = forecaster(empty_home, "--help")
    assert done.code == 0
    listed = done.out.partition("Commands:")[2]
    places = [listed.index(f"  {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a check." in done.out
    assert "FORECASTER_HOME" in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_an_example(name: str) -> None:
    assert f"  forecaster {name}" in help_of(name).partition("Examples:")[2]


@pytest.mark.parametrize("name", [*(one for one in COMMANDS if one != "models"), *(f"models {one}" for one in MODELS)])
def test_each_command_speaks_json(name: str) -> None:
    assert "--json" in help_of(name)


def test_the_version_is_that_of_the_distribution(empty_home: Path) -> None:
    done = forecaster(empty_home, "--version")
    assert (done.code, done.out) == (0, "forecaster, version 0.1.0\n")


@pytest.mark.parametrize("arguments", [["forecast"], ["predict", "--frobnicate"]])
def test_a_call_that_cannot_be_is_wrong_usage(empty_home: Path, arguments: list[str]) -> None:
    done = forecaster(empty_home, *arguments)
    assert done.code == 2
    assert "Usage:" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('model = "Next Close"\n', "setting model: String should match pattern"),
        ("model = \n", "forecaster.toml: expected TOML in UTF-8"),
    ],
)
def test_a_settings_file_that_cannot_be_is_wrong_usage(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "forecaster.toml").write_text(content)
    done = forecaster(tmp_path, "models", "list")
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_model_name_that_cannot_be_is_wrong_usage(empty_home: Path) -> None:
    done = forecaster(empty_home, "models", "list", "--name", "a'b")
    assert done.code == 2
    assert """--name: expected a name such as next-close, got "a'b\"""" in done.err


@pytest.mark.parametrize("name", ["", "Next Close", "a/b", "../a", "a:1", "a\n", "a" * 64])
def test_no_model_name_can_be_taken_for_something_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(click.UsageError, match="--name: expected a name such as next-close"):
        registry(Settings(home=tmp_path), name)
