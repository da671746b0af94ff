from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.keys_cli import keys


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("FORECASTER_API_KEYS", "FORECASTER_API_KEYS_FILE", "FORECASTER_OPEN_READ"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(keys, arguments)


def made(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run("new", *arguments, "--json").stdout)
    return document


def test_new_prints_a_key_and_what_to_configure() -> None:
    document = made("desk")
    assert document["scope"] == "read"
    assert document["entry"] == f"desk:read:{hashlib.sha256(document['key'].encode()).hexdigest()}"
    assert made("desk")["key"] != document["key"]
    assert made("ops", "--scope", "admin")["entry"].startswith("ops:admin:")

    told = run("new", "desk").stdout.split()
    (key,) = (one for one in told if one.startswith("forecaster_"))
    assert f"desk:read:{hashlib.sha256(key.encode()).hexdigest()}" in told


def test_new_refuses_what_cannot_be_a_name() -> None:
    result = run("new", "a:b")
    assert result.exit_code == 2
    assert "a name of 1 to 40" in result.stderr
    assert run("new", "desk", "--scope", "write").exit_code == 2


def test_check_shows_names_and_scopes_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = made("desk")
    monkeypatch.setenv("FORECASTER_API_KEYS", document["entry"])
    result = run("check")
    assert "desk" in result.stdout
    assert document["entry"][-20:] not in result.stdout
    assert json.loads(run("check", "--json").stdout) == {
        "keys": [{"name": "desk", "scope": "read"}],
        "reading": "keys",
    }
    monkeypatch.setenv("FORECASTER_OPEN_READ", "true")
    assert "open to everyone" in run("check").stdout

    file = tmp_path / "keys"
    file.write_text(made("ops", "--scope", "admin")["entry"])
    shown = json.loads(run("check", "--file", str(file), "--json").stdout)
    assert shown == {"keys": [{"name": "ops", "scope": "admin"}], "reading": "everyone"}


def test_check_without_keys_and_with_bad_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no keys are configured" in run("check").stdout
    monkeypatch.setenv("FORECASTER_API_KEYS", "my-secret-text")
    result = run("check")
    assert result.exit_code == 2
    assert "entry 1 of 1" in result.stderr
    assert "my-secret-text" not in result.output
