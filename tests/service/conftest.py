from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.service.asking import loaded
from tests.service.tiny_model import make_home


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with sample prices and tiny champions. Read only: tests that write take `home`."""
    home = tmp_path_factory.mktemp("trained")
    make_home(home)
    return home


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Path:
    """A copy of `trained_home` that a test may change."""
    return Path(shutil.copytree(trained_home, tmp_path / "home"))


@pytest.fixture(scope="session")
def app(trained_home: Path) -> FastAPI:
    """A loaded app on the Friday that the prices end with. Read only."""
    return loaded(trained_home)
