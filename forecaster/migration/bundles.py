"""The bundles of a model's versions. A bundle never changes: a version of an earlier schema gets a successor.

The successor has the same network and the same evidence, byte for byte what serves, and takes the place of the other
one: its aliases, and its place among the champions that a rollback goes back to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from forecaster.bundle import HEAD, MANIFEST, SCHEMA, Bundle, read_earlier, schema_of, write_bundle
from forecaster.errors import ForecasterError, UnsupportedBundle
from forecaster.experiment import require_training_packages
from forecaster.migration.artefact import NEWER_TEXT, Artefact, State
from forecaster.registry import Registry
from forecaster.spec import ModelSpec, parse, spec_hash
from forecaster.step import Step
from forecaster.version import MIGRATED_FROM, Version

# What is written of every bundle.
_SEALS: Final = ("sha256", "schema", "files")

# What the first release's specs left unsaid, for there was nothing else. What they name otherwise means the same still.
_SPEC: Final = {
    "bidirectional": False,
    "attention": False,
    "recurrent_dropout": 0.0,
    "initialiser": "glorot",
    "unit": "range",
}
_TRAIN_SPEC: Final = {"averaging": 0.0, "schedule": "constant", "warmup": 0.0}


def bundles_of(registry: Registry, progress: Callable[[Step], None] = lambda step: None) -> Iterator[Artefact]:
    """Every version of a model, oldest first.

    Args:
        registry: of the model.
        progress: is told what a migration is at.

    Raises:
        RegistryUnavailable: the registry does not answer.
    """
    versions = registry.versions()[::-1]
    successors = {one.tags[MIGRATED_FROM]: one for one in versions if MIGRATED_FROM in one.tags}
    for version in versions:
        label, place = f"{version.name} {version.version}", f"run {version.run_id}"
        try:
            found = schema_of(registry.file(version, MANIFEST)[:HEAD])
        except ForecasterError as error:
            yield Artefact("bundle", label, place, None, SCHEMA, State.UNREADABLE, str(error))
            continue
        if found is None:
            text = f"{MANIFEST} is not one that this program wrote"
            yield Artefact("bundle", label, place, None, SCHEMA, State.UNREADABLE, text)
        elif found > SCHEMA:
            yield Artefact("bundle", label, place, found, SCHEMA, State.NEWER, NEWER_TEXT)
        elif found == SCHEMA:
            yield Artefact("bundle", label, place, found, SCHEMA, State.CURRENT)
        elif (successor := successors.get(version.version)) is not None and not registry.is_named(version):
            text = f"version {successor.version} has taken its place"
            yield Artefact("bundle", label, place, found, SCHEMA, State.MIGRATED, text)
        else:
            text = f"a version of schema {SCHEMA} is to take its place"
            migrate = partial(_migrated, registry, version, successor, progress)
            yield Artefact("bundle", label, place, found, SCHEMA, State.OLDER, text, migrate)


def _migrated(registry: Registry, version: Version, successor: Version | None, progress: Callable[[Step], None]) -> str:
    if successor is None:
        successor = _registered(registry, version, progress)
    registry.succeed(version, successor)
    return f"version {successor.version} has taken its place"


def _registered(registry: Registry, version: Version, progress: Callable[[Step], None]) -> Version:
    require_training_packages()
    earlier = read_earlier(registry.bundle_path(version))
    label = f"{version.name} {version.version}"
    progress(Step(f"{label}: loading tensorflow"))
    with tempfile.TemporaryDirectory(prefix="forecaster-") as folder:
        bundle = _renewed(earlier, Path(folder) / "bundle", lambda text: progress(Step(f"{label}: {text}")))
        facts = bundle.manifest
        return registry.register(
            bundle.path,
            params={
                **{key: str(value) for key, value in facts["spec"].items()},
                **{f"train.{key}": str(value) for key, value in facts["train_spec"].items()},
            },
            metrics={**facts["metrics"], "training_seconds": facts["training"]["seconds"]},
            curves={},
            tags={**version.tags, "spec_hash": spec_hash(bundle.spec), MIGRATED_FROM: version.version},
        )


def _renewed(earlier: Bundle, path: Path, say: Callable[[str], None]) -> Bundle:
    """The bundle that an experiment of today would have written."""
    from forecaster.networks.archive import read_weights
    from forecaster.networks.build import build_network
    from forecaster.networks.gates import export_gates

    facts = {key: value for key, value in earlier.manifest.items() if key not in _SEALS}
    facts["spec"] = _SPEC | facts["spec"]
    facts["train_spec"] = _TRAIN_SPEC | facts["train_spec"]
    facts["unjudged"] = [symbol for symbol in facts["symbols"] if symbol not in facts["diagnostics"]]
    spec = parse(ModelSpec, facts["spec"])
    say("laying its gates open")
    network = build_network(spec)
    try:
        network.set_weights(read_weights(earlier.archive(), spec))
    except ValueError as error:
        raise UnsupportedBundle(earlier.path, str(error), SCHEMA) from error
    say("registering")
    return write_bundle(
        path,
        facts,
        onnx=earlier.network(),
        gates=export_gates(network, spec),
        evidence=earlier.evidence(),
        save_keras=lambda file: _write(file, earlier.archive()),
    )


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)
