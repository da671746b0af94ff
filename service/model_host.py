"""Holds what is served: looks for a new model, new prices, calendars or due sessions, then swaps.

The snapshot is one attribute that is replaced as a whole, so a reader sees the old answers or the new ones. A candidate
that is not whole, or says something else than it did when it was written, never becomes one: the old answers stay, and
the error is remembered. Where the registry or the prices are away, the answers go on and say that they may be old.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from data.errors import DataError, EmptyStore, StoreUnavailable, shown
from data.store import PriceStore
from forecaster.bundle import read_bundle
from forecaster.errors import BundleError, ForecasterError, NoModel, RegistryUnavailable
from forecaster.ledger.table import Ledger
from forecaster.noted import State, noted, state_of
from forecaster.version import Version
from service.answers import model_facts
from service.builder import Builder, BuilderEnded
from service.building import Order, first_made, made_apart, make
from service.diagnoses import Diagnoses
from service.due import due_sessions
from service.loaded import Loaded, verified
from service.memory import give_back
from service.schemas.models import ModelFacts
from service.settings import ServiceSettings
from service.snapshot import Snapshot, build_snapshot
from service.standby import Standby

if TYPE_CHECKING:
    from forecaster.registry import Registry

_log = logging.getLogger(__name__)

# What it means for an answer that something cannot be asked; where it is stays inside.
_AWAY: Final[Mapping[type[Exception], str]] = {
    RegistryUnavailable: "the model registry does not answer, so that a newer model may be missing",
    StoreUnavailable: "the price store cannot be read, so that newer prices may be missing",
    EmptyStore: "the price store is gone, so that newer prices are missing",
}


# Somebody may repair or replace what is broken.
_AGAIN_SECONDS: Final = 30.0

# How soon a change of a local registry is seen: somebody may go back from a version because it is wrong.
_GLANCE_SECONDS: Final = 0.1

# While prices come in, or versions change, nothing is made for later.
_QUIET_SECONDS: Final = 10.0


class HostError(Exception):
    """Base of errors of the host."""


class NotReady(HostError):
    """There are no answers, for a reason that has no name of its own."""


class UnknownModel(HostError):
    """The host has no model of that name."""

    def __init__(self, name: str, known: str) -> None:
        self.name = name
        super().__init__(f"unknown model {shown(name)}: this service has {known}")


class UnusableVersion(HostError):
    """A version cannot serve, so it was not made the champion."""

    def __init__(self, version: Version, reason: str) -> None:
        self.name = version.name
        self.version = version.version
        self.reason = reason
        super().__init__(
            f"version {version.version} of {version.name} is damaged: {reason}. What serves stays; "
            "restore the file, or promote another version"
        )


class NoEarlierChampion(HostError):
    """There is nothing to go back to."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no version of {name} was the champion before this one; promote the one that you mean")


class DecisionsUnwritable(HostError):
    """Who forced a promotion cannot be kept, so nothing was promoted."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"who forces this, and why, cannot be written down: {reason}; what serves stays. "
            "The service needs to write to decisions under FORECASTER_HOME"
        )


class ModelHost:
    """The current snapshot, or the error why there is none.

    Attributes:
        settings: where things are, and how often to look.
        store: the prices.
        diagnoses: makes diagnostics of what is served.
        snapshot: what is served now.
        last_error: why the latest refresh failed; None after one that succeeded.
        outcomes: how many refreshes were `rebuilt`, `unchanged` or `failed`.
        tried: set after the first refresh, whatever came of it.
        changing: held by whoever moves the champion, so that two who do are one after the other.
    """

    def __init__(
        self, settings: ServiceSettings, clock: Callable[[], datetime], builder: Builder | None = None
    ) -> None:
        """Reads nothing yet.

        Args:
            settings: where things are, and how often to look.
            clock: the present, with a time zone.
            builder: the process that makes answers of large markets, where it was started before.
        """
        self.settings = settings
        self.clock = clock
        self.store = PriceStore(settings.store_uri)
        self.diagnoses = Diagnoses(self.store, Ledger(settings.ledger_uri))
        self.snapshot: Snapshot | None = None
        self.last_error: Exception | None = None
        self.outcomes: Counter[str] = Counter(rebuilt=0, unchanged=0, failed=0)
        self.tried = threading.Event()
        self._builder = builder or Builder()
        self._standby = Standby()
        # When the answers were made for which the champion before theirs was looked for, and when the last were made.
        self._stood_by: datetime | None = None
        self._quiet_since = time.monotonic()
        # A version that could not serve, why, and when to try it again.
        self._refused: tuple[tuple[str, str], BundleError, float] | None = None
        # The snapshot as it was made, while the one that is served is marked as stale.
        self._made: Snapshot | None = None
        self._facts: dict[str, ModelFacts] = {}
        self.changing = threading.Lock()
        self._refreshing = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refresh", daemon=True)

    @cached_property
    def registry(self) -> Registry:
        """The model's versions. Made when it is asked for, since that loads MLflow."""
        from forecaster.registry import Registry

        return Registry(self.settings.registry_uri, self.settings.artifacts, self.settings.model)

    def start(self) -> None:
        """Load in the background, then refresh every `refresh_seconds`. Once is enough."""
        if not self._thread.ident:
            self._thread.start()

    def stop(self) -> None:
        """End the background thread; one that waits for a slow registry is left to the process's end."""
        self._stopping.set()
        self._builder.stop()
        self._standby.stop()
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
                # The stack frames hold the tables that were being worked on.
                outcome, failure = "failed", error.with_traceback(None)
                if repr(error) != repr(self.last_error):  # once, not with every look
                    self._tell(error)
            self._serve(failure)
            self.last_error = failure
            self.outcomes[outcome] += 1
            if outcome == "rebuilt":
                give_back()
        self.tried.set()
        self._builder.asked.set()  # whether or not there was anything to ask it

    def move_to(self, version: Version, move: Callable[[], object]) -> None:
        """Make the answers of a version, have it made the champion, and serve them. Blocks.

        Args:
            version: which.
            move: makes it the champion; called once it is known that it can serve.

        Raises:
            BundleError: it cannot serve, and nothing was moved.
            RegistryUnavailable: its bundle cannot be had, or it cannot be moved.
        """
        with self._refreshing:
            self._refused = None  # who asks for it by name wants it looked at now
            path = self.registry.bundle_path(version)
            try:
                order = Order(
                    version, path, self.settings.threads, self.store.uri, self.store.calendars(), self.clock()
                )
                made = self._build(order, None)
            except (DataError, BuilderEnded):
                # Without its answers, as whoever goes back while the prices are away has to.
                verified(path, version, threads=self.settings.threads)
                made = None
            move()
            if made is not None:
                self._take_over(made)
                self._serve(None)
                self.last_error = None
                self.outcomes["rebuilt"] += 1
                give_back()
        if made is None:
            self.refresh()

    def wait_until_busy(self, seconds: float) -> None:
        """Wait until nothing more is done here for the first answers, or for so long."""
        self._builder.asked.wait(seconds)

    def facts(self, version: Version) -> ModelFacts:
        """What the manifest of a version says; read once, since a version never changes. Blocks.

        Raises:
            BundleError, RegistryUnavailable: it cannot be read.
        """
        if version.run_id not in self._facts:
            self._facts[version.run_id] = model_facts(read_bundle(self.registry.bundle_path(version)))
        return self._facts[version.run_id]

    def _refresh(self) -> str:
        now, held, away = self.clock(), self._made, None
        if held is None and self._builder.begun:
            # The registry is asked while the other process is at work, on what it takes for what serves.
            made = first_made(self._builder, self._champion())
            if made is not None:
                self._take_over(made)
                return "rebuilt"
        if held is None and self._builds_apart():
            self._builder.prepare()  # while the registry is asked, which takes a while the first time
        try:
            version = self.registry.by_alias()
        except RegistryUnavailable as error:
            if held is None:
                raise
            version, away = held.version, error  # new prices need no registry
        calendars = self.store.calendars()
        same_model = held is not None and held.loaded.is_version(version)
        if (
            held is not None
            and same_model
            and held.data_version == self.store.version()
            and held.calendars == calendars
            and held.due == due_sessions(held.due, calendars, now)
        ):
            outcome = "unchanged"
        else:
            loaded = held.loaded if held is not None and same_model else None
            path = self.registry.bundle_path(version) if loaded is None else loaded.bundle.path
            order = Order(version, path, self.settings.threads, self.store.uri, calendars, now)
            self._take_over(self._build(order, loaded))
            outcome = "rebuilt"
        if away is not None:
            raise away
        return outcome

    def _champion(self) -> Version:
        """What serves, by the note of it where that is current: to ask the registry takes a second the first time."""
        where = self.settings
        found = None if where.tracking_uri else noted(where.artifacts, where.registry_file, where.model)
        return found.version if found is not None and found.current else self.registry.by_alias()

    def _take_over(self, made: Snapshot) -> None:
        """Serve it from now on."""
        version, before = made.version, self._made
        if before is not None and self._builds_apart() and not before.loaded.is_version(version):
            self._standby.keep(before, self.settings.threads)
        self._made, self._quiet_since = made, time.monotonic()
        self._facts[version.run_id] = made.loaded.facts
        _log.info(
            "serving %s version %s: %d symbols, %d stale, data version %d, made in %.1f s",
            *(version.name, version.version, len(made.listed), made.stale, made.data_version, made.seconds),
        )

    def _builds_apart(self) -> bool:
        return self.store.rows() > self.settings.build_apart_rows

    def _build(self, order: Order, held: Loaded | None) -> Snapshot:
        """Verify a bundle and make all its answers: here where they are few, else in a process of its own.

        A version that cannot serve is not looked at again at once, since that reads all of it.
        """
        key = (order.version.version, order.version.run_id)
        if self._refused is not None and self._refused[0] == key and time.monotonic() < self._refused[2]:
            raise self._refused[1].with_traceback(None)
        try:
            if self._builds_apart():
                ready = None if held is not None else self._standby.take(order, self.store.version())
                return made_apart(self._builder, order, held) if ready is None else ready
            if held is not None:
                # What answers are made from must be whole on disk, too: the next start would find it there.
                read_bundle(order.path)
                return build_snapshot(held, self.store, order.calendars, order.now)
            return make(order)
        except BundleError as error:
            self._refused = (key, error, time.monotonic() + _AGAIN_SECONDS)
            raise

    def _serve(self, failure: Exception | None) -> None:
        """Swap in what was made, marked where newer things may be missing."""
        reason = next((said for kind, said in _AWAY.items() if isinstance(failure, kind)), None)
        if self._made is None or (reason is None and self.snapshot is self._made):
            return
        if reason is None:
            self.snapshot = self._made
        elif type(failure) is not type(self.last_error) or self.snapshot is None or self._changed():
            self.snapshot = self._made.marked(reason)

    def _changed(self) -> bool:
        """Whether the served answers were made of others than the latest ones."""
        made, served = self._made, self.snapshot
        return made is None or served is None or made.built_at != served.built_at or made.loaded is not served.loaded

    def _tell(self, error: Exception) -> None:
        held = "not ready" if self.snapshot is None else "refresh failed, the earlier answers stay"
        _log.warning("%s: %s", held, error, exc_info=not isinstance(error, DataError | ForecasterError))

    def _run(self) -> None:
        while not self._stopping.is_set():
            seen = self._registry_state()
            self.refresh()
            self._stand_by()
            self._wait(seen)

    def _wait(self, seen: State | None) -> None:
        """Until it is time to look again, or somebody has written to the registry's file since."""
        until = time.monotonic() + self.settings.refresh_seconds
        while (left := until - time.monotonic()) > 0 and self._registry_state() == seen:
            if self._stopping.wait(min(left, _GLANCE_SECONDS)):
                return

    def _registry_state(self) -> State | None:
        """What tells whether a local registry was written to."""
        return None if self.settings.tracking_uri else state_of(self.settings.registry_file)

    def _stand_by(self) -> None:
        """Have the answers of the champion before this one made, once nothing has changed for a while."""
        held, quiet = self._made, time.monotonic() - self._quiet_since
        if held is None or held.built_at == self._stood_by or quiet < _QUIET_SECONDS or not self._builds_apart():
            return
        self._stood_by = held.built_at
        try:
            version = self.registry.earlier()
            if self._standby.is_of(version) and self._standby.fits(held):
                return
            path = self.registry.bundle_path(version)
        except (NoModel, RegistryUnavailable):
            return
        self._standby.make(Order(version, path, self.settings.threads, self.store.uri, held.calendars, self.clock()))
