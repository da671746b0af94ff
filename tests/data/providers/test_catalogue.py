from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UnreadableSource
from data.providers.catalogue import NAMES, provider


def test_every_name_leads_to_the_provider_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("date\n", encoding="utf-8")
    assert [provider(name, path=tmp_path).name for name in NAMES] == list(NAMES)


def test_files_need_a_path() -> None:
    with pytest.raises(UnreadableSource, match="--path FILE_OR_FOLDER"):
        provider("files")


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"sample, files.*'bloomberg'"):
        provider("bloomberg")
