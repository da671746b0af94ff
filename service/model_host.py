"""Holds what is served: looks for a new model, prices, calendars, published forecasts or due sessions, then swaps.

The snapshot is one attribute that is replaced as a whole, so a reader sees the old answers or the new ones.
Where a refresh fails, the old answers stay and the error is remembered.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from data.errors import DataError, shown
from data.store import PriceStore
from forecaster.bundle import read_bundle
from forecaster.errors import ForecasterError
from forecaster.ledger.table import Ledger
from forecaster.registry import Registry, Version
from service.answers import model_facts
from service.due import due_sessions
from service.live import ledger_moved
from service.schemas.models import ModelFacts
from service.settings import ServiceSettings
from service.snapshot import Snapshot, build_snapshot

_log = logging.getLogger(__name__)


class HostError(Exception):
    """Base of errors of the host."""


class NotReady(HostError):
    """There are no answers, for a reason that has no name of its own."""


class UnknownModel(HostError):
    """The host has no model of that name."""

    def __init__(self, name: str, known: str) -> None:
        self.name = name
        super().__init__(f"unknown model {shown(name)}: this service has {known}")


class ModelHost:
    """The current snapshot, or the error why there is none.

    Attributes:
        settings: where things are, and how often to look.
        registry: the model's versions.
        snapshot: what is served now.
        last_error: why the latest refresh failed; None after one that succeeded.
        outcomes: how many refreshes were `rebuilt`, `unchanged` or `failed`.
        tried: set after the first refresh, whatever came of it.
    """

    def __init__(self, settings: ServiceSettings, clock: Callable[[], datetime]) -> None:
        """Reads nothing yet.

        Args:
            settings: where things are, and how often to look.
            clock: the present, with a time zone.
        """
        self.settings = settings
        self.clock = clock
        self.registry = Registry(settings.registry_uri, settings.artifacts, settings.model)
        self.snapshot: Snapshot | None = None
        self.last_error: Exception | None = None
        self.outcomes: Counter[str] = Counter(rebuilt=0, unchanged=0, failed=0)
        self.tried = threading.Event()
        self._store = PriceStore(settings.store_uri)
        self._ledger = Ledger(settings.ledger_uri)
        self._facts: dict[str, ModelFacts] = {}
        self._refreshing = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refresh", daemon=True)

    def start(self) -> None:
        """Load in the background, then refresh every `refresh_seconds`."""
        self._thread.start()

    def stop(self) -> None:
        """End the background thread; one that waits for a slow registry is left to the process's end."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def current(self) -> Snapshot:
        """What is served now.

        Raises:
            DataError, ForecasterError: why there is nothing.
            NotReady: there is nothing yet, or for a reason without a name.
        """
        if self.snapshot is not None:
            return self.snapshot
        if self.last_error is None:
            raise NotReady("the model and the prices are being loaded; ask again in a moment")
        if isinstance(self.last_error, DataError | ForecasterError):
            # It is raised again for every request, and would collect their stack frames.
            raise self.last_error.with_traceback(None)
        raise NotReady("the model or the prices cannot be loaded; the service's log says why")

    def refresh(self) -> None:
        """Look for news and rebuild the snapshot where there is some. Blocks; raises nothing."""
        with self._refreshing:
            try:
                outcome, failure = self._refresh(), None
            except Exception as error:  # whatever it is, one failed refresh must not end all later ones
                held = "not ready" if self.snapshot is None else "refresh failed, the earlier answers stay"
                _log.warning("%s: %s", held, error, exc_info=not isinstance(error, DataError | ForecasterError))
                # The stack frames hold the tables that were being worked on.
                outcome, failure = "failed", error.with_traceback(None)
            self.last_error = failure
            self.outcomes[outcome] += 1
        self.tried.set()

    def facts(self, version: Version) -> ModelFacts:
        """What the manifest of a version says; read once, since a version never changes. Blocks.

        Raises:
            BundleError, RegistryUnavailable: it cannot be read.
        """
        if version.run_id not in self._facts:
            self._facts[version.run_id] = model_facts(read_bundle(self.registry.bundle_path(version)))
        return self._facts[version.run_id]

    def _refresh(self) -> str:
        now = self.clock()
        version = self.registry.by_alias()
        calendars = self._store.calendars()
        held = self.snapshot
        if (
            held is not None
            and (held.version.version, held.version.run_id) == (version.version, version.run_id)
            and held.data_version == self._store.version()
            and held.calendars == calendars
            and held.due == due_sessions(held.due, calendars, now)
            and not ledger_moved(self._ledger, held.ledger_version)
        ):
            return "unchanged"
        bundle = read_bundle(self.registry.bundle_path(version))
        made = build_snapshot(
            bundle, version, self._store, calendars, now, threads=self.settings.threads, ledger=self._ledger
        )
        self._facts[version.run_id] = made.facts
        self.snapshot = made
        _log.info(
            "serving %s version %s: %d symbols, %d stale, data version %d",
            *(version.name, version.version, len(made.diagnostics), made.stale, made.data_version),
        )
        return "rebuilt"

    def _run(self) -> None:
        self.refresh()
        while not self._stopping.wait(self.settings.refresh_seconds):
            self.refresh()
