"""What is known of a version by itself: its files, its export, its speed."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from forecaster.bundle import Bundle, read_bundle
from forecaster.errors import NoModel
from forecaster.forecast import Predictor
from forecaster.promotion.evidence import Evidence
from forecaster.spec import ModelSpec
from forecaster.version import Version

if TYPE_CHECKING:  # who has no registry yet need not wait for MLflow
    from forecaster.registry import Registry

_MIB: Final = 1 << 20

# The median of so many forecasts, after some that only warm up.
_FORECASTS: Final = 50
_WARM_UP: Final = 5


def by_itself(registry: Registry, version: Version) -> Evidence:
    """What a version shows without a look at any price: nothing of how well it forecasts.

    Raises:
        RegistryUnavailable: the registry does not answer.
        BundleError: a file of it is not the one that was written.
    """
    bundle = read_bundle(registry.bundle_path(version))
    return Evidence(
        challenger=version.version,
        champion=champion_of(registry),
        span=None,
        versus_champion=None,
        versus_naive=None,
        coverage=None,
        leaks=None,
        parity=float(bundle.manifest["parity"]["largest"]),
        mebibytes=size(bundle),
        latency=latency(bundle.model().predictor, bundle.spec),
        rolled_back=version.rolled_back,
    )


def champion_of(registry: Registry) -> str | None:
    """Which version serves; None where none does.

    Raises:
        RegistryUnavailable: the registry does not answer.
    """
    try:
        return registry.by_alias().version
    except NoModel:
        return None


def size(bundle: Bundle) -> float:
    """What its files take [MiB]."""
    return sum(file.stat().st_size for file in bundle.path.iterdir()) / _MIB


def latency(predictor: Predictor, spec: ModelSpec) -> float:
    """The median time that the network takes for one window [ms]."""
    window = np.full((1, spec.lookback, len(spec.features)), 0.5, dtype=np.float32)
    taken = []
    for _ in range(_WARM_UP + _FORECASTS):
        began = time.perf_counter()
        predictor.predict(window)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[_WARM_UP:]) * 1000.0
