"""Fine-tuning: a version whose network is trained on, instead of one that starts from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from data.scaling import SeriesScaling
from data.splits import Split
from data.windows import Windows
from forecaster.bundle import Bundle, read_bundle, scaling_from_dict
from forecaster.errors import AlreadyLearnt, SpecError
from forecaster.registry import Registry
from forecaster.spec import ModelSpec, TrainSpec, load_specs, to_dict
from forecaster.version import CHALLENGER, CHAMPION, Version

# Weights that are nearly right are lost again at the rate that found them.
_SLOWER: Final = 0.1


@dataclass(frozen=True, slots=True)
class Start:
    """A version to go on from, and its verified bundle."""

    version: Version
    bundle: Bundle

    @property
    def facts(self) -> dict[str, str]:
        """What a model that starts here remembers of it."""
        return {
            "name": self.version.name,
            "version": self.version.version,
            "run_id": self.version.run_id,
            "sha256": self.bundle.manifest["files"]["model.keras"],
        }

    @property
    def scaling(self) -> SeriesScaling | None:
        """The per-series ranges that its network knows; None where each window has its own."""
        found = scaling_from_dict(self.bundle.manifest["scaling"])
        return found if isinstance(found, SeriesScaling) else None

    def specs(self, path: Path | None, settings: Sequence[str]) -> tuple[ModelSpec, TrainSpec]:
        """Its own specs, as changed by a file and by settings.

        The rate is a tenth of that which its weights were found with, unless the file or a setting says otherwise. A
        version that was fine-tuned itself passes its rate on.

        Raises:
            SpecError: a change is not allowed, or asks for another network than the weights are of.
        """
        training = self.bundle.train_spec
        if "from" not in self.bundle.manifest["training"]:
            training = replace(training, learning_rate=training.learning_rate * _SLOWER)
        own = self.bundle.spec
        spec, training = load_specs(path, settings, base=(own, training))
        for key, value in to_dict(own).items():
            if to_dict(spec)[key] != value:
                reason = f"{value}, as version {self.version.version} has it, since its weights are taken over"
                raise SpecError(f"ModelSpec.{key}", reason, to_dict(spec)[key])
        return spec, training

    def weights(self) -> list[np.ndarray[Any, Any]]:
        """Its weights, in the order of `get_weights`.

        Raises:
            CorruptBundle: the archive is not the one that was written.
        """
        from forecaster.networks.archive import read_weights

        return read_weights(self.bundle.archive(), self.bundle.spec)

    def check(self, windows: Windows, split: Split) -> None:
        """That the spans a model would be judged on are new to it.

        Raises:
            AlreadyLearnt: they are not.
        """
        facts = self.bundle.manifest["training"]
        seen = {
            "validation": (facts.get("weights_through", facts["trained_through"]), split.validation),
            "held-out": (facts["trained_through"], split.test),
        }
        for span, (through, index) in seen.items():
            begins = str(windows.origin[index].min())
            if through >= begins:
                raise AlreadyLearnt(self.version.version, through, span, begins)


def read_start(registry: Registry, wanted: str) -> Start:
    """The version that an alias or a number names.

    Raises:
        NoModel, UnknownVersion: there is none.
        RegistryUnavailable: the registry does not answer.
        BundleError: its bundle cannot be read.
    """
    aliases = (CHAMPION, CHALLENGER)
    found = registry.by_alias(wanted) if wanted in aliases else registry.get(wanted)
    return Start(found, read_bundle(registry.bundle_path(found)))
