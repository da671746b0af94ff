"""Where prices come from, as the settings and a caller say: for `forecaster fetch` and for a pass of the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from data.clock import Clock
from data.providers.base import Incremental, Provider
from data.providers.catalogue import TUSHARE, provider, tushare
from data.store import PriceStore
from data.universes import universe
from forecaster.settings import Settings

if TYPE_CHECKING:
    from data.providers.tushare.provider import TushareProvider


def opened(
    name: str,
    where: Settings,
    *,
    path: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    on_wait: Callable[[float, str], None] = lambda seconds, why: None,
) -> Provider | TushareProvider:
    """The provider called `name`.

    Args:
        name: one of `data.providers.catalogue.NAMES`.
        where: the settings, with Tushare's account.
        path, mapping: of the files provider.
        clock: what Tushare's calls are paced by; None takes the machine's.
        on_wait: told where Tushare's limits make it pause: for how many seconds, and why.

    Raises:
        ProviderError: it cannot be used as it is set up.
        OSError: the file that should hold the token cannot be read.
    """
    if name != TUSHARE:
        return provider(name, path=path, mapping=mapping)
    return tushare(where.tushare_account, clock=clock, on_wait=on_wait)


def to_fetch(
    source: Provider | TushareProvider,
    store: PriceStore,
    where: Settings,
    *,
    symbols: Sequence[str] = (),
    name: str | None = None,
    day: date,
) -> tuple[list[str] | None, bool]:
    """The symbols to fetch, None for the provider's own choice; and whether all are meant that there are.

    Args:
        source: who is asked, also for the members of an index.
        store: where the members that were told last are kept.
        where: the settings, with the names of universes.
        symbols: which, beside those of the universe.
        name: of a universe; None for none.
        day: whose members of an index count.

    Raises:
        UnknownUniverse, MalformedSymbol: the universe is none.
        ProviderError: the source does not tell its members.
    """
    if name is None:
        return list(symbols) or None, False
    members = partial(source.members, day=day) if isinstance(source, Incremental) else None
    found = universe(name, store.facts, named=where.universes, members=members)
    if found.symbols is None:
        return None, True
    return sorted({*symbols, *found.symbols}), False
