"""The exported network on ONNX Runtime: what serves, and what looks inside."""

from __future__ import annotations

import os
from typing import Any, Final

# Read when it is imported: as it comes, it writes down what it is used for, and sends that to its vendor.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime

from forecaster.forecast import Float32

# A few hundred windows keep the intermediate sequences within the processor's caches.
_BATCH: Final = 512


class OnnxPredictor:
    """A `Predictor`. Thread-safe: ONNX Runtime sessions are."""

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        """Load a model from memory, after its hash has been checked.

        Args:
            model: a serialised ONNX model as `forecaster.networks.export` writes it.
            threads: for one prediction; a single window is too small to share out.
        """
        self._session: Any = _session(model, threads)

    def predict(self, x: Float32) -> Float32:
        """See `Predictor.predict`."""
        if not len(x):
            # ONNX Runtime ends the whole process when an LSTM gets an empty batch (seen in 1.31).
            return np.empty((0, *self._session.get_outputs()[0].shape[1:]), dtype=np.float32)
        if len(x) <= _BATCH:
            return self._run(x)
        return np.concatenate([self._run(x[start : start + _BATCH]) for start in range(0, len(x), _BATCH)])

    def _run(self, x: Float32) -> Float32:
        output: Float32 = self._session.run(["output"], {"window": x})[0]
        return output


class OnnxGates:
    """The gates and states of the same network. Thread-safe, as the predictor is."""

    def __init__(self, model: bytes) -> None:
        """Load a model from memory, after its hash has been checked.

        Args:
            model: a serialised ONNX model as `forecaster.networks.gates` writes it.
        """
        self._session: Any = _session(model, threads=1)
        self._names: list[str] = [output.name for output in self._session.get_outputs()]

    def traces(self, x: Float32) -> dict[str, Float32]:
        """Every trace by its name (see `forecaster.networks.gates.export_gates`), layer after layer.

        Args:
            x: `(n, lookback, features) float32`, scaled windows, at least one.
        """
        return dict(zip(self._names, self._session.run(self._names, {"window": x}), strict=True))


def _session(model: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
