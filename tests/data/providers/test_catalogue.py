from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import UnreadableSource
from data.providers.catalogue import NAMES, TUSHARE, provider, tushare
from data.providers.tushare.account import Account


def test_every_name_leads_to_the_provider_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("date\n", encoding="utf-8")
    without = [provider(name, path=tmp_path).name for name in NAMES if name != TUSHARE]
    assert [*without, tushare(Account("a-token")).name] == list(NAMES)


def test_an_account_does_not_show_its_token() -> None:
    assert "a-token" not in repr(Account("a-token"))


def test_without_its_package_the_provider_says_what_to_install() -> None:
    # In a process of its own: what is imported here already would hide that the package is not there.
    code = (
        "import sys; sys.modules['tushare'] = None\n"
        "from data.providers.catalogue import tushare\n"
        "from data.providers.tushare.account import Account\n"
        "tushare(Account('a-token'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingPackage" in done.stderr
    assert "pip install 'stock-forecaster[tushare]'" in done.stderr


def test_files_need_a_path() -> None:
    with pytest.raises(UnreadableSource, match="--path FILE_OR_FOLDER"):
        provider("files")


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"sample, files.*'bloomberg'"):
        provider("bloomberg")
