"""The saved model: one directory that is written once, verified before it is read, and never changed.

::

    bundle.json        the manifest: everything that is not an array, and the sha256 of every other file
    evidence.parquet   the held-out forecasts
    gates.onnx         the same network with its gates laid open, to look inside
    model.keras        the Keras archive, to fine-tune from
    model.onnx         what serves

The first release's bundles, of schema 1, have no `gates.onnx`; `forecaster.migration` makes one of this schema of each.

Nothing is parsed before its hash is checked. The manifest carries its own hash: that of its bytes with the hash's
64 digits replaced by zeros. There is no pickle, and no class is looked up by a name from disk.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
import pandas as pd
from pydantic_core import from_json

from data.scaling import Scaling, SeriesRange, SeriesScaling, WindowScaling
from forecaster.calibration import Calibration
from forecaster.diagnostics.diagnostics import Diagnostics, completed, from_dict
from forecaster.errors import CorruptBundle, SpecError, UnsupportedBundle
from forecaster.held_out import HeldOut
from forecaster.model import Model
from forecaster.runtime import OnnxGates, OnnxPredictor
from forecaster.spec import ModelSpec, TrainSpec, parse

SCHEMA: Final = 2
MANIFEST: Final = "bundle.json"
FILES: Final = ("evidence.parquet", "gates.onnx", "model.keras", "model.onnx")

# How a manifest begins, so that it can be told without the rest which schema it has.
HEAD: Final = 128

_OWN_HASH: Final = re.compile(rb'^\{\n "sha256": "([0-9a-f]{64})",\n')
_SCHEMA: Final = re.compile(_OWN_HASH.pattern + rb' "schema": ([0-9]{1,9}),\n')
_ZEROS: Final = b"0" * 64

# Held-out forecasts are read a symbol at a time, and a group of rows is read as a whole.
_ROWS: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle.

    Attributes:
        path: the directory.
        manifest: the contents of bundle.json.
    """

    path: Path
    manifest: Mapping[str, Any]

    @property
    def spec(self) -> ModelSpec:
        """What the model is."""
        return parse(ModelSpec, self.manifest["spec"])

    @property
    def train_spec(self) -> TrainSpec:
        """How it was trained."""
        return parse(TrainSpec, self.manifest["train_spec"])

    @property
    def trained_through(self) -> str:
        """The last session that the weights, the stopping or the calibration have seen, as an ISO date."""
        return str(self.manifest["training"]["trained_through"])

    def diagnostics(self) -> dict[str, Diagnostics]:
        """Each symbol's diagnostics on the held-out span."""
        return {symbol: from_dict(one) for symbol, one in self.manifest["diagnostics"].items()}

    def figures(self) -> dict[str, Mapping[str, Any]]:
        """The same as JSON-ready values, as `forecaster.diagnostics.diagnostics.to_dict` writes them."""
        return {symbol: completed(one) for symbol, one in self.manifest["diagnostics"].items()}

    def evidence(self) -> pd.DataFrame:
        """The held-out forecasts (see `forecaster.evidence`).

        Raises:
            CorruptBundle: the file is not the one that was written.
        """
        return pd.read_parquet(io.BytesIO(_checked(self.path, "evidence.parquet", self.manifest)))

    def held_out(self) -> HeldOut:
        """The same, to be read a symbol at a time.

        Raises:
            CorruptBundle: the file is not the one that was written.
        """
        return HeldOut(self.path / "evidence.parquet", self.manifest["files"]["evidence.parquet"])

    def model(self, *, threads: int = 1) -> Model:
        """The model, ready to forecast.

        Raises:
            CorruptBundle: a file is not the one that was written.
        """
        return Model(
            spec=self.spec,
            scaling=scaling_from_dict(self.manifest["scaling"]),
            calibration=calibration_from_dict(self.manifest["calibration"]),
            before=calibration_from_dict(before) if (before := self.manifest.get("calibration_before")) else None,
            universe=tuple(self.manifest["symbols"]),
            predictor=OnnxPredictor(self.network(), threads=threads),
        )

    def gates(self) -> OnnxGates:
        """The network's gates, ready to be looked at.

        Raises:
            CorruptBundle: the file is not the one that was written.
        """
        return OnnxGates(_checked(self.path, "gates.onnx", self.manifest))

    def network(self) -> bytes:
        """The serialised network that serves.

        Raises:
            CorruptBundle: the file is not the one that was written.
        """
        return _checked(self.path, "model.onnx", self.manifest)

    def archive(self) -> bytes:
        """The Keras archive, whose weights a fine-tuning goes on from.

        Raises:
            CorruptBundle: the file is not the one that was written.
        """
        return _checked(self.path, "model.keras", self.manifest)


def write_bundle(
    path: Path,
    manifest: Mapping[str, Any],
    *,
    onnx: bytes,
    gates: bytes,
    evidence: pd.DataFrame,
    save_keras: Callable[[Path], None],
) -> Bundle:
    """Write a bundle. It appears under `path` whole or not at all.

    Args:
        path: the directory to make; it must not exist yet.
        manifest: JSON-ready values, without the keys `sha256`, `schema` and `files`.
        onnx: the serialised network.
        gates: the serialised graph of its gates.
        evidence: the held-out forecasts.
        save_keras: writes the Keras archive to the file that it is given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.parent / f".{path.name}.{uuid4().hex}"
    draft.mkdir()
    try:
        (draft / "model.onnx").write_bytes(onnx)
        (draft / "gates.onnx").write_bytes(gates)
        evidence.to_parquet(draft / "evidence.parquet", index=False, row_group_size=_ROWS)
        save_keras(draft / "model.keras")
        files = {name: hashlib.sha256((draft / name).read_bytes()).hexdigest() for name in FILES}
        (draft / MANIFEST).write_bytes(_sealed({"schema": SCHEMA, **manifest, "files": files}))
        draft.rename(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return read_bundle(path)


def read_bundle(path: Path) -> Bundle:
    """Verify every file of a bundle and read its manifest.

    Raises:
        CorruptBundle: a file is missing or is not the one that was written.
        UnsupportedBundle: the bundle was written with another schema.
    """
    return _read(path, SCHEMA, FILES)


def read_earlier(path: Path) -> Bundle:
    """The same for a bundle of schema 1, which has no gates. For a migration: nothing else takes such a bundle.

    Raises:
        CorruptBundle, UnsupportedBundle: as `read_bundle`.
    """
    return _read(path, 1, tuple(name for name in FILES if name != "gates.onnx"))


def schema_of(head: bytes) -> int | None:
    """Which schema a manifest has.

    Args:
        head: its beginning, of `HEAD` bytes at least.

    Returns:
        None where it is not the beginning of a manifest.
    """
    found = _SCHEMA.match(head)
    return int(found[2]) if found else None


def _read(path: Path, schema: int, files: Sequence[str]) -> Bundle:
    content = _bytes(path, MANIFEST)
    seal = _OWN_HASH.match(content)
    if seal is None or hashlib.sha256(_unsealed(content, seal)).hexdigest().encode() != seal[1]:
        raise CorruptBundle(path, MANIFEST, "does not match its own sha256")
    manifest = from_json(content)  # many times as fast as the standard library, and there may be 20 MB of diagnostics
    if manifest.get("schema") != schema:
        raise UnsupportedBundle(path, manifest.get("schema"), schema)
    for name in files:
        _checked(path, name, manifest)
    try:
        parse(ModelSpec, manifest["spec"])
    except SpecError as error:
        raise UnsupportedBundle(path, str(error), schema) from error
    return Bundle(path, manifest)


def scaling_to_dict(scaling: Scaling) -> dict[str, Any]:
    """JSON-ready values; `scaling_from_dict` reads them back."""
    if isinstance(scaling, SeriesScaling):
        return {"kind": "series", "ranges": {symbol: asdict(one) for symbol, one in scaling.ranges.items()}}
    return {"kind": "window"}


def scaling_from_dict(values: Mapping[str, Any]) -> Scaling:
    """The scaling that `scaling_to_dict` wrote."""
    if values["kind"] == "window":
        return WindowScaling()
    return SeriesScaling(
        {
            symbol: SeriesRange(tuple(one["low"]), tuple(one["high"]), one["close_low"], one["close_high"])
            for symbol, one in values["ranges"].items()
        }
    )


def calibration_to_dict(calibration: Calibration) -> dict[str, Any]:
    """JSON-ready values; `calibration_from_dict` reads them back."""
    return {
        "shift": calibration.shift.tolist(),
        "windows": calibration.windows,
        "step": None if calibration.step is None else calibration.step.tolist(),
        "through": None if calibration.through is None else str(calibration.through),
    }


def calibration_from_dict(values: Mapping[str, Any]) -> Calibration:
    """The calibration that `calibration_to_dict` wrote."""
    step, through = values.get("step"), values.get("through")
    return Calibration(
        np.array(values["shift"], dtype=np.float64),
        int(values["windows"]),
        None if step is None else np.array(step, dtype=np.float64),
        None if through is None else np.datetime64(through, "D"),
    )


def _sealed(manifest: Mapping[str, Any]) -> bytes:
    text = json.dumps({"sha256": _ZEROS.decode(), **manifest}, indent=1, allow_nan=False)
    content = text.encode() + b"\n"
    return content.replace(_ZEROS, hashlib.sha256(content).hexdigest().encode(), 1)


def _unsealed(content: bytes, seal: re.Match[bytes]) -> bytes:
    return content[: seal.start(1)] + _ZEROS + content[seal.end(1) :]


def _checked(path: Path, name: str, manifest: Mapping[str, Any]) -> bytes:
    content = _bytes(path, name)
    if hashlib.sha256(content).hexdigest() != manifest["files"][name]:
        raise CorruptBundle(path, name, "does not match its sha256 in bundle.json")
    return content


def _bytes(path: Path, name: str) -> bytes:
    try:
        return (path / name).read_bytes()
    except OSError as error:
        raise CorruptBundle(path, name, f"cannot be read ({error.strerror})") from error
