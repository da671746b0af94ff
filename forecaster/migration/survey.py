"""All that carries a schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from data.store import PriceStore
from forecaster.bundle import SCHEMA as BUNDLE
from forecaster.errors import RegistryError
from forecaster.ledger.table import Ledger
from forecaster.migration.artefact import Artefact, State
from forecaster.migration.bundles import bundles_of
from forecaster.migration.records import records_in
from forecaster.migration.tables import ledger_of, tables_of
from forecaster.pipeline.record import SCHEMA as PASS
from forecaster.promotion.decisions import SCHEMA as DECISION
from forecaster.registry import Registry
from forecaster.settings import Settings
from forecaster.step import Step


def survey(
    where: Settings, store: PriceStore, *, name: str | None = None, progress: Callable[[Step], None] = lambda step: None
) -> Iterator[Artefact]:
    """What there is under the settings; what is not there yet is left out.

    Args:
        where: the settings.
        store: the one that they name; who migrates writes by it.
        name: the model whose versions are looked at; None takes all of the registry's.
        progress: is told what a migration is at.
    """
    yield from tables_of(store)
    yield from ledger_of(Ledger(where.ledger_uri))
    yield from _bundles(where, name, progress)
    yield from records_in("decisions", where.decisions, DECISION)
    yield from records_in("passes", where.home / "passes", PASS)


def _bundles(where: Settings, name: str | None, progress: Callable[[Step], None]) -> Iterator[Artefact]:
    if not where.tracking_uri and not where.registry_file.exists():
        return
    registry_of = partial(Registry, where.registry_uri, where.artifacts)
    try:
        for one in [name] if name is not None else registry_of(where.model).names():
            yield from bundles_of(registry_of(one), progress)
    except RegistryError as error:
        shown = registry_of(where.model).shown_uri
        yield Artefact("bundle", name or "all models", shown, None, BUNDLE, State.UNREADABLE, str(error))
