"""Forecasts per cell: scaling, network, calibration and prices against the bare ONNX session, and one against Keras.

Networks have the weights that they start with: latency does not depend on their values. All contestants get the same
windows and are checked to agree before any is timed. They are asked in turns, on one thread.

    python benchmarks/predict.py [--rounds 30] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, get_args

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
import tensorflow as tf

from data.bars import Bars, validate
from data.scaling import WindowScaling
from data.windows import Windows
from forecaster.calibration import Calibration
from forecaster.model import Model
from forecaster.networks.build import build_network
from forecaster.networks.export import export_network
from forecaster.runtime import OnnxPredictor
from forecaster.spec import Cell, ModelSpec

# The shape that benchmarks/train.py trains, with the inputs of the default spec.
SPEC: Final = ModelSpec(units=(64, 64), lookback=60)
WINDOWS: Final = (1, 300, 5000)
LIMIT: Final = 1.5

OURS: Final = "forecast: scale, ONNX Runtime, calibrate, prices"
BARE: Final = "ONNX Runtime alone"
KERAS: Final = "keras model.predict(x)"

Contestants = dict[str, tuple[Callable[[], Any], int]]


def random_walk(sessions: int) -> Bars:
    random = np.random.default_rng(7)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.02, sessions)))
    table = pd.DataFrame(
        {
            "symbol": "WALK",
            "session": pd.bdate_range("2000-01-03", periods=sessions),
            "open": close,
            "high": close * 1.01,
            "low": close * 0.99,
            "close": close,
            "volume": random.integers(1_000, 9_000, sessions),
            "adj_factor": 1.0,
        }
    )
    return validate(table, source="random walk").bars


def made(spec: ModelSpec) -> tuple[Any, Model]:
    """An untrained network, and the model that serves it."""
    network = build_network(spec)
    predictor = OnnxPredictor(export_network(network, spec))
    return network, Model(spec, WindowScaling(), Calibration(np.zeros((1, len(spec.quantiles))), 1), predictor)


def against_bare(bars: Bars, spec: ModelSpec) -> dict[int, Contestants]:
    """For each number of windows: the whole forecast and the session alone."""
    network, model = made(spec)
    windows = model.windows(bars)
    asked = {}
    for count in WINDOWS:
        few = windows.take(np.arange(len(windows) - count, len(windows)))
        _check(network, model, few)
        asked[count] = _pair(model, few, max(1, 1000 // count))
    return asked


def _pair(model: Model, windows: Windows, repeats: int) -> Contestants:
    x = windows.x
    return {
        OURS: (lambda: model.quantiles(windows), repeats),
        BARE: (lambda: model.predictor.predict(x), repeats),
    }


def _check(network: Any, model: Model, windows: Windows) -> None:
    first = windows.take(np.arange(min(len(windows), 64)))
    reference = network.predict(first.x, verbose=0)
    assert np.allclose(model.predictor.predict(first.x), reference, atol=1e-5), "the export differs from Keras"
    assert np.allclose(model.quantiles(first), first.prices(reference), rtol=1e-5), "the forecast differs"


def against_keras(bars: Bars, spec: ModelSpec) -> Contestants:
    """One window, in the ways in which Keras would forecast it."""
    network, model = made(spec)
    windows = model.windows(bars)
    window = windows.take(np.array([len(windows) - 1]))
    x = window.x
    tensor = tf.constant(x)
    compiled = tf.function(lambda batch: network(batch, training=False))
    assert np.allclose(compiled(tensor).numpy(), network.predict(x, verbose=0), atol=1e-5), "tf.function differs"
    return {
        **_pair(model, window, 50),
        "tf.function(model)(x)": (lambda: compiled(tensor).numpy(), 10),
        "keras model(x)": (lambda: network(tensor, training=False).numpy(), 3),
        KERAS: (lambda: network.predict(x, verbose=0), 3),
    }


def measure(asked: Contestants, rounds: int) -> dict[str, float]:
    """Name -> median milliseconds of one call."""
    times: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds + 1):
        for name, (ask, repeats) in asked.items():
            began = time.perf_counter()
            for _ in range(repeats):
                ask()
            times[name].append((time.perf_counter() - began) / repeats * 1e3)
    return {name: statistics.median(several[1:]) for name, several in times.items()}  # the first round warms up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bars = random_walk(WINDOWS[-1] + SPEC.lookback + 300)
    cells = {
        cell: {
            count: measure(pair, options.rounds if count == 1 else max(3, options.rounds // 5))
            for count, pair in against_bare(bars, replace(SPEC, cell=cell)).items()
        }
        for cell in get_args(Cell)
    }
    keras = measure(against_keras(bars, ModelSpec()), options.rounds)
    if options.json:
        print(json.dumps({"milliseconds": cells, "one_window_of_the_default_spec": keras}, indent=2))
        return
    print(
        f"two layers of 64, window {SPEC.lookback} x {len(SPEC.features)}, one thread, ms (times of the bare session)"
    )
    print(f"  {'cell':22}" + "".join(f"{count:>12,} windows" for count in WINDOWS))
    for cell, found in cells.items():
        ratios = (f"{ms[OURS]:9.2f} ({ms[OURS] / ms[BARE]:.2f} x)" for ms in found.values())
        print(f"  {cell:22}" + "".join(f"{text:>20}" for text in ratios))
    largest = max(ms[OURS] / ms[BARE] for found in cells.values() for ms in found.values())
    print(f"at most {largest:.2f} times the bare session: {'within' if largest <= LIMIT else 'BEYOND'} {LIMIT}")
    spec = ModelSpec()
    print(f"\none window {spec.lookback} x {len(spec.features)} of the default spec, {spec.cell} {spec.units}")
    for name, value in keras.items():
        print(f"  {name:50} {value:9.3f} ms  {value / keras[OURS]:8.1f} x")
    print(f"one forecast is {keras[KERAS] / keras[OURS]:.0f} times faster than model.predict")


if __name__ == "__main__":
    main()
