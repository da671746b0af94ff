from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from forecaster.registry import Registry
from tests.forecaster.cli.program import Done, forecaster

TINY = ("--set", "units=[4]", "--set", "lookback=5", "--epochs", "1")


def registry_of(home: Path) -> Registry:
    """The registry of a home, without the command line."""
    return Registry(f"sqlite:///{home}/registry/mlflow.db", home / "registry" / "models", "next-close")


@dataclass(frozen=True)
class Sample:
    """A home with the sample prices and two tiny models, and what the program said while it was made.

    Version 1 is the default form (changes, scaled by window) and the champion, version 2 the classic one (levels,
    scaled by series) and the challenger.
    """

    home: Path
    fetched: Done
    trained: Done
    trained_levels: Done


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Read only: tests that write take `copied_home`."""
    home = tmp_path_factory.mktemp("sample")
    return Sample(
        home=home,
        fetched=forecaster(home, "fetch", "--provider", "sample", "--json"),
        trained=forecaster(home, "train", *TINY, "--json"),
        trained_levels=forecaster(home, "train", *TINY, "--set", "target=level", "--set", "scaling=series"),
    )


@pytest.fixture
def copied_home(sample: Sample, tmp_path: Path) -> Path:
    """A copy of the sample home that a test may change."""
    return Path(shutil.copytree(sample.home, tmp_path / "home"))


@pytest.fixture(scope="session")
def priced_home(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample prices and no model."""
    home = tmp_path_factory.mktemp("priced")
    shutil.copytree(sample.home / "prices", home / "prices")
    return home


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("empty")
