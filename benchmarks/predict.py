"""One forecast, against the ways in which Keras would give it.

The network is the default spec with the weights that it starts with: latency does not depend on their values. All
contestants get the same window and are checked to agree before any is timed. They are asked in turns.

    python benchmarks/predict.py [--rounds 30] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
import tensorflow as tf

from data.bars import validate
from data.scaling import WindowScaling
from data.windows import cut, panel
from forecaster.calibration import Calibration
from forecaster.model import Model
from forecaster.networks.build import build_network
from forecaster.networks.export import export_network
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec

OURS = "forecast: scale, ONNX Runtime, calibrate, prices"
BARE = "ONNX Runtime alone"
KERAS = "keras model.predict(x)"


def random_walk(sessions: int) -> pd.DataFrame:
    random = np.random.default_rng(7)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.02, sessions)))
    return pd.DataFrame(
        {
            "symbol": "WALK",
            "session": pd.bdate_range("2020-01-01", periods=sessions),
            "open": close,
            "high": close * 1.01,
            "low": close * 0.99,
            "close": close,
            "volume": random.integers(1_000, 9_000, sessions),
            "adj_factor": 1.0,
        }
    )


def contestants() -> dict[str, tuple[Callable[[], Any], int]]:
    """Name -> (one forecast of one window, how often to ask in a round)."""
    spec = ModelSpec()
    network = build_network(spec)
    predictor = OnnxPredictor(export_network(network, spec))
    model = Model(spec, WindowScaling(), Calibration(np.zeros((1, len(spec.quantiles))), 1), predictor)
    rows = panel(validate(random_walk(200), source="random walk").bars, spec.features)
    windows = cut(rows, lookback=spec.lookback, horizon=1, target=spec.target, scaling=model.scaling)
    window = windows.take(np.array([len(windows) - 1]))
    x = window.x
    tensor = tf.constant(x)
    compiled = tf.function(lambda batch: network(batch, training=False))
    reference = network.predict(x, verbose=0)
    for name, output in {"predict": predictor.predict(x), "tf.function": compiled(tensor).numpy()}.items():
        assert np.allclose(output, reference, atol=1e-5), f"{name} differs from Keras"
    assert np.allclose(model.quantiles(window), window.prices(reference), rtol=1e-6), "the forecast differs"
    return {
        OURS: (lambda: model.quantiles(window), 50),
        BARE: (lambda: predictor.predict(x), 50),
        "tf.function(model)(x)": (lambda: compiled(tensor).numpy(), 10),
        "keras model(x)": (lambda: network(tensor, training=False).numpy(), 3),
        KERAS: (lambda: network.predict(x, verbose=0), 3),
    }


def measure(rounds: int) -> dict[str, float]:
    """Name -> median milliseconds of one call."""
    asked = contestants()
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
    milliseconds = measure(options.rounds)
    ours = milliseconds[OURS]
    if options.json:
        ratios = {name: value / ours for name, value in milliseconds.items()}
        print(json.dumps({"milliseconds": milliseconds, "ratio_to_one_forecast": ratios}, indent=2))
        return
    spec = ModelSpec()
    print(f"one window {spec.lookback} x {len(spec.features)}, LSTM {spec.units}, median of {options.rounds} rounds")
    for name, value in milliseconds.items():
        print(f"  {name:50} {value:9.3f} ms  {value / ours:8.1f} x")
    print(f"one forecast is {milliseconds[KERAS] / ours:.0f} times faster than model.predict")


if __name__ == "__main__":
    main()
