"""Trains two tiny models on the sample prices, in a process of its own so that tensorflow stays out of the tests'.

Run as `python -m tests.service.tiny_model HOME`; other tests may use it, too.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]

NEXT_CLOSE = "next-close"
NEXT_THREE = "next-three"
TEST_SESSIONS = 80


def make_home(home: Path) -> None:
    """Sample prices, and the champions `NEXT_CLOSE` (horizon 1) and `NEXT_THREE` (horizon 3), under `home`."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(home)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"training the tiny models failed:\n{done.stderr[-4000:]}")


def _main(home: Path) -> None:
    from data.ingest import ingest
    from data.providers.sample import SampleProvider
    from data.store import PriceStore
    from forecaster.experiment import run_experiment
    from forecaster.registry import Registry
    from forecaster.settings import Settings
    from forecaster.spec import ModelSpec, TrainSpec

    settings = Settings(home=home, store="", tracking_uri="")
    store = PriceStore(settings.store_uri)
    ingest(SampleProvider(), store, now=datetime.now(UTC))
    training = TrainSpec(epochs=1, validation=60, test=TEST_SESSIONS)
    for name, horizon in ((NEXT_CLOSE, 1), (NEXT_THREE, 3)):
        registry = Registry(settings.registry_uri, settings.artifacts, name)
        made = run_experiment(store, registry, ModelSpec(units=(4,), lookback=5, horizon=horizon), training)
        registry.promote(made.version)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
