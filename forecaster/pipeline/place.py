"""What a step is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from data.clock import Clock
from data.store import PriceStore
from forecaster.bundle import Bundle, read_bundle
from forecaster.errors import NoModel
from forecaster.ledger.table import Ledger
from forecaster.pipeline.due import chosen
from forecaster.pipeline.folder import Passes
from forecaster.pipeline.record import Pass
from forecaster.promotion.decisions import Decisions
from forecaster.registry import Registry
from forecaster.settings import Settings
from forecaster.version import Version


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step.

    Attributes:
        detail: in a sentence.
        evidence: JSON-ready figures, for the record and for later steps.
        skipped: there was nothing to do.
    """

    detail: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    skipped: bool = False


class Train(Protocol):
    """What trains a challenger."""

    def __call__(self, settings: Settings, tag: str, start: str, say: Callable[[str], None]) -> str:
        """Train and register a version without an alias; gives its number.

        Args:
            settings: with the model's name.
            tag: what the version is marked with.
            start: "scratch" or "champion".
            say: told how far it is.
        """
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Everything that a step works with.

    Attributes:
        settings: of the program; `settings.model` is the model's name.
        clock: the present.
        record: of the pass, with what the steps before found.
        train: what trains.
        say: told what goes on, a line at a time.
    """

    settings: Settings
    clock: Clock
    record: Pass
    train: Train
    say: Callable[[str], None]

    @property
    def store(self) -> PriceStore:
        """The prices."""
        return PriceStore(self.settings.store_uri)

    @property
    def registry(self) -> Registry:
        """The model's versions."""
        return Registry(self.settings.registry_uri, self.settings.artifacts, self.settings.model)

    @property
    def ledger(self) -> Ledger:
        """The published forecasts."""
        return Ledger(self.settings.ledger_uri)

    @property
    def decisions(self) -> Decisions:
        """What was decided about versions."""
        return Decisions(self.settings.decisions)

    @property
    def passes(self) -> Passes:
        """The records of the model's passes."""
        return Passes(self.settings.home, self.settings.model)

    def symbols(self) -> tuple[str, ...] | None:
        """Whose prices count; None for all that are stored."""
        return chosen(self.settings, self.store)

    def champion(self) -> tuple[Version, Bundle] | None:
        """The version that serves, and its verified bundle; None where none does.

        Raises:
            RegistryUnavailable, BundleError: it cannot be had.
        """
        registry = self.registry
        try:
            version = registry.by_alias()
        except NoModel:
            return None
        return version, read_bundle(registry.bundle_path(version))


Perform = Callable[[Place], Outcome]
