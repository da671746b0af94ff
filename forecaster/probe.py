"""A few made-up windows and what the network said to them when its bundle was written.

Whoever loads the bundle elsewhere, on another processor or another release of ONNX Runtime, can tell whether it still
says the same before anybody relies on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from forecaster.errors import CorruptBundle
from forecaster.forecast import Float32, Predictor
from forecaster.spec import ModelSpec

TOLERANCE: Final = 1e-5
"""As far as Keras and ONNX Runtime may differ, too; releases and processors round differently."""

_WINDOWS: Final = 4
# Knuth's multiplicative hash: spread evenly, and exactly the same everywhere.
_FACTOR: Final = 2654435761


def probe_windows(spec: ModelSpec) -> Float32:
    """`(4, lookback, features) float32` inputs between 0 and 1 that depend on nothing but their shape."""
    shape = (_WINDOWS, spec.lookback, len(spec.features))
    numbers = np.arange(1, 1 + int(np.prod(shape)), dtype=np.uint64) * np.uint64(_FACTOR) % np.uint64(2**32)
    return np.asarray((numbers / 2**32).reshape(shape), dtype=np.float32)


def recorded(predictor: Predictor, spec: ModelSpec) -> list[Any]:
    """What a manifest keeps: the outputs, `(4, horizon, outputs)` as nested lists."""
    outputs: list[Any] = predictor.predict(probe_windows(spec)).astype(np.float64).tolist()
    return outputs


def check_probe(predictor: Predictor, spec: ModelSpec, manifest: Mapping[str, Any], path: Path) -> None:
    """Whether a loaded network says what it said when it was written. Older bundles recorded nothing.

    Args:
        predictor: the network.
        spec: what it is.
        manifest: the contents of bundle.json.
        path: the bundle's directory, for the message.

    Raises:
        CorruptBundle: it says something else.
    """
    if "probe" not in manifest:
        return
    expected, found = np.asarray(manifest["probe"]), predictor.predict(probe_windows(spec))
    if expected.shape != found.shape:
        raise CorruptBundle(path, "model.onnx", f"gives outputs of shape {found.shape}, not {expected.shape}")
    largest = float(np.abs(expected - found).max())
    if not largest <= TOLERANCE:
        raise CorruptBundle(
            path, "model.onnx", f"gives outputs up to {largest:.2g} from the recorded ones, more than {TOLERANCE:g}"
        )
