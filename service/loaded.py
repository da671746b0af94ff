"""A model version as the service holds it: verified, loaded, asked once, and without what answers do not need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic_core import from_json, to_json

from forecaster.bundle import Bundle, read_bundle
from forecaster.diagnostics.diagnostics import Diagnostics, from_dict
from forecaster.held_out import HeldOut
from forecaster.model import Model
from forecaster.probe import check_probe
from forecaster.version import Version
from service.answers import model_facts, model_name
from service.schemas.models import ModelFacts, ModelName


@dataclass(frozen=True, slots=True)
class Loaded:
    """One version.

    Attributes:
        version: its entry in the registry.
        name: how answers name it.
        facts: what its manifest says.
        bundle: it on disk; the manifest's diagnostics are in `figures`.
        network: ready to be asked.
        held_out: the forecasts behind its diagnostics.
        figures: symbol -> its diagnostics as JSON, which takes a tenth of the memory.
    """

    version: Version
    name: ModelName
    facts: ModelFacts
    bundle: Bundle
    network: Model
    held_out: HeldOut
    figures: Mapping[str, bytes]

    def is_version(self, other: Version) -> bool:
        """Whether a registry's entry is this version; a registry made anew counts from 1 again."""
        return (self.version.version, self.version.run_id) == (other.version, other.run_id)

    def diagnostics_of(self, symbol: str) -> Diagnostics | None:
        """How the version did with a symbol on the held-out span; None where it was not judged."""
        told = self.figures.get(symbol)
        return None if told is None else from_dict(from_json(told))


def load_from(path: Path, version: Version, *, threads: int = 1) -> Loaded:
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
    return Loaded(
        version=version,
        name=model_name(bundle, version),
        facts=model_facts(bundle),
        bundle=replace(bundle, manifest=manifest),
        network=network,
        held_out=bundle.held_out(),
        figures={symbol: to_json(one) for symbol, one in bundle.manifest["diagnostics"].items()},
    )
