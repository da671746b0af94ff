"""The tables of the store, and the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from data.delta import KeyedTable
from data.errors import DataError
from data.store import PriceStore
from forecaster.errors import ForecasterError
from forecaster.ledger.table import SCHEMA, Ledger
from forecaster.migration.artefact import NEWER_TEXT, Artefact, Kind, State


def tables_of(store: PriceStore) -> Iterator[Artefact]:
    """Every table of a store that there is."""
    for name, table in store.tables.items():
        try:
            found = table.schema_version()
        except DataError as error:
            yield Artefact("prices", name, table.uri, None, table.supported, State.UNREADABLE, str(error))
            return  # a store that is away is away for all of them
        if found is None:
            continue
        if found < table.supported:
            text = f"to be laid out as schema {table.supported} has it; older versions of the table stay readable"
            migrate = partial(_migrated, store, table)
            yield Artefact("prices", name, table.uri, found, table.supported, State.OLDER, text, migrate)
        else:
            yield _told("prices", name, table.uri, found, table.supported)


def ledger_of(ledger: Ledger) -> Iterator[Artefact]:
    """The ledger, where there is one. Its first schema is the only one so far."""
    try:
        found = ledger.schema_version()
    except (DataError, ForecasterError) as error:
        yield Artefact("ledger", "forecasts", ledger.uri, None, SCHEMA, State.UNREADABLE, str(error))
        return
    if found is not None:
        yield _told("ledger", "forecasts", ledger.uri, found, SCHEMA)


def _told(kind: Kind, name: str, uri: str, found: int, supported: int) -> Artefact:
    if found > supported:
        return Artefact(kind, name, uri, found, supported, State.NEWER, NEWER_TEXT)
    return Artefact(kind, name, uri, found, supported, State.CURRENT)


def _migrated(store: PriceStore, table: KeyedTable) -> str:
    with store.writing():
        table.migrate()
    return f"laid out as schema {table.supported} has it, version {table.version()}"
