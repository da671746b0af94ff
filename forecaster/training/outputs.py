"""What a Keras network itself gives: the reference for the export's parity."""

from __future__ import annotations

from typing import Any

import numpy as np

from data.windows import Windows
from forecaster.training.loop import PREDICT_BATCH


def raw_outputs(network: Any, windows: Windows) -> np.ndarray[Any, np.dtype[np.float32]]:
    """`(n, horizon, outputs)`, a batch at a time."""
    return np.concatenate(
        [
            np.asarray(network(windows.inputs(rows), training=False))
            for rows in np.array_split(np.arange(len(windows)), max(1, len(windows) // PREDICT_BATCH))
        ]
    )
