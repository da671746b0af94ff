from __future__ import annotations

from pathlib import Path

import click
import pytest

from forecaster.cli.console import settings

TABLE = """
[retrain]
provider = "files"
path = "prices.csv"
columns = { close = "Settle" }
every_sessions = 20

[retrain.limits]
train = 900
"""


def test_a_table_of_the_file_and_the_environment_over_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "forecaster.toml").write_text(TABLE, encoding="utf-8")
    monkeypatch.setenv("FORECASTER_RETRAIN__LIMITS__PUBLISH", "60")
    monkeypatch.setenv("FORECASTER_RETRAIN__UNIVERSE", "")
    found = settings().retrain
    assert (found.provider, found.path, found.columns) == ("files", Path("prices.csv"), {"close": "Settle"})
    assert (found.every_sessions, found.universe) == (20, None)
    assert (found.limits.train, found.limits.publish, found.limits.clean) == (900, 60, 1800)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PROVIDER", "files", "the file or folder to read, got none"),
        ("PATH", "prices.csv", "beside a path, got 'none'"),
        ("START", "zero", "setting retrain.start: Input should be 'scratch' or 'champion'"),
        ("LIMITS__LUNCH", "60", "setting retrain.limits.lunch"),
        ("KEEP_PASSES", "1", "setting retrain.keep_passes"),
    ],
)
def test_what_cannot_be_is_named(
    name: str, value: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"FORECASTER_RETRAIN__{name}", value)
    with pytest.raises(click.UsageError) as refused:
        settings()
    assert told in refused.value.message
