from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from forecaster.pipeline.record import Pass
from forecaster.pipeline.run import run_pass
from tests.forecaster.pipeline.passing import Days, settings_of

SPEC = "[model]\nunits = [4]\nlookback = 5\n[train]\nepochs = 1\nvalidation = 60\ntest = 80\n"
FIRST = "2013-02-13"


@dataclass(frozen=True)
class Begun:
    """A home after its first pass, which has trained and promoted version 1."""

    home: Path
    record: Pass
    lines: tuple[str, ...]


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """Read only: tests that write take `home`."""
    home = tmp_path_factory.mktemp("begun")
    (home / "spec.toml").write_text(SPEC, encoding="utf-8")
    lines: list[str] = []
    record = run_pass(settings_of(home), Days(FIRST), inline=True, tell=lines.append)
    return Begun(home, record, tuple(lines))


@pytest.fixture
def home(begun: Begun, tmp_path: Path) -> Path:
    """A copy of the begun home that a test may change."""
    return Path(shutil.copytree(begun.home, tmp_path / "home"))
