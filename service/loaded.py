"""A model version as the service holds it: verified, asked once, and without what answers do not need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from forecaster.bundle import Bundle, read_bundle
from forecaster.held_out import HeldOut
from forecaster.model import Model
from forecaster.probe import check_probe
from forecaster.version import Version
from service.answers import model_facts, model_name
from service.schemas.models import ModelFacts, ModelName


@dataclass(frozen=True, slots=True)
class Verified:
    """One version, as far as it takes to make its forecasts.

    Attributes:
        version: its entry in the registry.
        name: how answers name it.
        facts: what its manifest says.
        bundle: it on disk; the manifest's diagnostics are in `figures`.
        network: ready to be asked.
        figures: symbol -> its diagnostics on the held-out span as JSON, which takes a tenth of the memory.
    """

    version: Version
    name: ModelName
    facts: ModelFacts
    bundle: Bundle
    network: Model
    figures: Mapping[str, bytes]

    def is_version(self, other: Version) -> bool:
        """Whether a registry's entry is this version; a registry made anew counts from 1 again."""
        return (self.version.version, self.version.run_id) == (other.version, other.run_id)

    def figures_of(self, symbol: str) -> dict[str, Any] | None:
        """How the version did with a symbol on the held-out span; None where it was not judged."""
        told = self.figures.get(symbol)
        return None if told is None else from_json(told)


@dataclass(frozen=True, slots=True)
class Loaded(Verified):
    """One version as it serves.

    Attributes:
        held_out: the forecasts behind its diagnostics.
    """

    held_out: HeldOut


def verified(path: Path, version: Version, *, threads: int = 1) -> Verified:
    """Verify a version's bundle, load it, and compare what it says with what it said when it was written.

    Args:
        path: the bundle's directory.
        version: which one it is.
        threads: ONNX Runtime's threads.

    Raises:
        BundleError: a file is missing or not the one that was written, or it says something else now.
    """
    bundle = read_bundle(path)
    network = bundle.model(threads=threads)
    check_probe(network.predictor, bundle.spec, bundle.manifest, bundle.path)
    manifest = {name: value for name, value in bundle.manifest.items() if name != "diagnostics"}
    return Verified(
        version=version,
        name=model_name(bundle, version),
        facts=model_facts(bundle),
        bundle=replace(bundle, manifest=manifest),
        network=network,
        figures={symbol: to_json(one) for symbol, one in bundle.figures().items()},
    )


def opened(known: Verified) -> Loaded:
    """The same with the forecasts behind its diagnostics. Raises as `verified`."""
    parts = {part.name: getattr(known, part.name) for part in fields(known)}
    return Loaded(**parts, held_out=known.bundle.held_out())
