"""Everything that is known of a challenger, gathered: together with the champion, its files, its speed."""

from __future__ import annotations

import statistics
import time
from typing import Final

import numpy as np

from data.store import PriceStore
from forecaster.bundle import Bundle, read_bundle
from forecaster.errors import NoModel
from forecaster.forecast import Predictor
from forecaster.promotion.evidence import Evidence
from forecaster.promotion.together import together
from forecaster.registry import Registry
from forecaster.spec import ModelSpec
from forecaster.version import Version

_MIB: Final = 1 << 20

# The median of so many forecasts, after some that only warm up.
_FORECASTS: Final = 50
_WARM_UP: Final = 5


def weighed(registry: Registry, store: PriceStore, challenger: Version, *, leaks: int | None) -> Evidence:
    """What is known of a version that wants to be the champion.

    Args:
        registry: of the versions.
        store: the prices.
        challenger: who wants to.
        leaks: how many `forecaster leakcheck` found in its spec on these prices; None where it was not run.

    Raises:
        RegistryUnavailable: the registry does not answer.
        BundleError: a file of either version is not the one that was written.
        DataError: the prices cannot be read.
    """
    try:
        champion = registry.by_alias()
    except NoModel:
        champion = None
    bundle = read_bundle(registry.bundle_path(challenger))
    serving = None if champion is None else read_bundle(registry.bundle_path(champion))
    shown = together(bundle, serving, store)
    return Evidence(
        challenger=challenger.version,
        champion=None if champion is None else champion.version,
        span=shown.span,
        versus_champion=shown.versus_champion,
        versus_naive=shown.versus_naive,
        coverage=shown.coverage,
        leaks=leaks,
        parity=float(bundle.manifest["parity"]["largest"]),
        mebibytes=size(bundle),
        latency=latency(bundle.model().predictor, bundle.spec),
        rolled_back=challenger.rolled_back,
    )


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
