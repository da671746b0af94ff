from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from tests.service.asking import loaded
from tests.service.browser import KEYS, Visit, chromium, listening, visiting
from tests.service.tiny_model import make_home

if TYPE_CHECKING:
    from playwright.sync_api import Browser


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def base(trained_home: Path) -> Iterator[str]:
    """A server that anyone may read from."""
    with listening(loaded(trained_home, api_keys=KEYS)) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, base: str) -> Iterator[Visit]:
    with visiting(browser, base) as found:
        yield found
