"""The Keras archive of a bundle, for its weights."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.networks.build import build_network
from forecaster.spec import ModelSpec


def read_weights(archive: bytes, spec: ModelSpec) -> list[np.ndarray[Any, Any]]:
    """The weights of a `.keras` archive, in the order of `get_weights`.

    They are read into a network that is built from the spec: what the archive says about classes and functions is
    not looked at, so none of it can be run.

    Args:
        archive: the file's content, verified by the caller.
        spec: what the network was made from.

    Raises:
        ValueError: the archive holds another network.
    """
    network = build_network(spec)
    with tempfile.TemporaryDirectory(prefix="forecaster-") as folder:
        file = Path(folder) / "model.keras"
        file.write_bytes(archive)
        network.load_weights(file)
    return [np.asarray(weight) for weight in network.get_weights()]
