"""The providers by the name that `--provider` takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from data.errors import UnreadableSource
from data.providers.base import Provider
from data.providers.files import FilesProvider
from data.providers.sample import SampleProvider

NAMES: Final = ("sample", "files")


def provider(name: str, *, path: Path | None = None, mapping: Mapping[str, str] | None = None) -> Provider:
    """The provider called `name`, one of `NAMES`.

    Raises:
        UnreadableSource: the files provider without a path, or with one that it cannot read.
    """
    if name == SampleProvider.name:
        return SampleProvider()
    if name == FilesProvider.name:
        if path is None:
            raise UnreadableSource("nowhere", "the provider 'files' needs --path FILE_OR_FOLDER")
        return FilesProvider(path, mapping)
    raise ValueError(f"expected a provider of {', '.join(NAMES)}, got {name!r}")
