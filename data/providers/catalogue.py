"""The providers by the name that `--provider` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from data.clock import Clock, SystemClock
from data.errors import MissingPackage, UnreadableSource
from data.providers.base import Provider
from data.providers.files import FilesProvider
from data.providers.sample import SampleProvider
from data.providers.tushare.account import Account

if TYPE_CHECKING:
    from data.providers.tushare.provider import TushareProvider

TUSHARE: Final = "tushare"
NAMES: Final = (SampleProvider.name, FilesProvider.name, TUSHARE)


def provider(name: str, *, path: Path | None = None, mapping: Mapping[str, str] | None = None) -> Provider:
    """The provider called `name`, which needs no account.

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


def tushare(
    account: Account, *, clock: Clock | None = None, on_wait: Callable[[float, str], None] = lambda seconds, why: None
) -> TushareProvider:
    """Tushare Pro, called with an account. Its package is imported here: it takes half a second.

    Raises:
        MissingPackage: the package is not installed.
    """
    try:
        from data.providers.tushare.client import TushareClient
        from data.providers.tushare.limits import CallLimits
        from data.providers.tushare.provider import TushareProvider
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "data":
            raise
        raise MissingPackage(TUSHARE, error.name, TUSHARE) from None
    clock = clock or SystemClock()
    limits = CallLimits(clock, account.per_minute, account.per_day, memory=account.memory)
    client = TushareClient(
        account.token, limits=limits, clock=clock, url=account.url, timeout=account.timeout, on_wait=on_wait
    )
    return TushareProvider(client, limits)
