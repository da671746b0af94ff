"""What is trained on what, as a name: only the same training goes on from a checkpoint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from data.splits import Split
from data.windows import Windows
from forecaster.bundle import scaling_to_dict
from forecaster.spec import ModelSpec, TrainSpec, to_dict
from forecaster.training.device import find_device

# Another version of these may round differently.
_LIBRARIES: Final = ("keras", "numpy", "tensorflow")
_ROWS: Final = 65_536


def training_key(
    windows: Windows,
    split: Split,
    spec: ModelSpec,
    training: TrainSpec,
    start: Sequence[np.ndarray[Any, Any]] | None = None,
    **facts: str,
) -> str:
    """64 hexadecimal digits that are the same for the same training on the same numbers.

    Args:
        windows, split, spec, training, start: as `train` takes them.
        **facts: what else makes a training another one, such as the model's name.
    """
    digest = hashlib.sha256()
    words: Mapping[str, Any] = {
        "spec": to_dict(spec),
        "training": to_dict(training),
        "scaling": scaling_to_dict(windows.scaling),
        "device": find_device().name,
        "libraries": [version(name) for name in _LIBRARIES],
        "facts": facts,
    }
    digest.update(json.dumps(words, sort_keys=True).encode())
    rows = windows.panel
    for array in (rows.values, rows.series, rows.session, rows.minmax, windows.last, windows.y, windows.common):
        _add(digest, array)
    for part in (split.train, split.validation, *(start or ())):
        _add(digest, part)
    return digest.hexdigest()


def _add(digest: Any, array: np.ndarray[Any, Any]) -> None:
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    for begin in range(0, len(array), _ROWS):  # in pieces: what is not contiguous is copied
        piece = np.ascontiguousarray(array[begin : begin + _ROWS])
        digest.update(piece.view(np.uint8) if piece.dtype.kind != "M" else piece.view(np.int64))
