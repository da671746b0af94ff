"""How far memory rises while 2 million windows are cut, split and trained on."""

from __future__ import annotations

import gc
import json
import os
import sys
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import numpy as np
from prices import random_panel

from data.windows import Panel
from forecaster.experiment import windows_and_split
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.training import Within, train, training_key

SYMBOLS, LOOKBACK = 400, 120
SPEC = ModelSpec(units=(64, 64), lookback=LOOKBACK)
TRAINING = TrainSpec(batch=256)
SESSIONS = 2_000_000 // SYMBOLS + LOOKBACK
MOMENTS = 60  # a few a second


class Enough(Exception):
    """What is still to come takes no other memory."""


def main() -> None:
    _train(40, 1200)  # what tensorflow takes for itself, and for functions and batches of these shapes
    gc.collect()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    panel_bytes, windows = _train(SYMBOLS, SESSIONS)
    found = {
        "windows": windows,
        "panel": panel_bytes,
        "materialised": windows * LOOKBACK * len(SPEC.features) * 4,
        "peak": _memory("VmHWM") - before,
    }
    json.dump(found, sys.stdout)


def _train(symbols: int, sessions: int) -> tuple[int, int]:
    rows = random_panel(symbols, sessions, SPEC.features)
    windows, split = windows_and_split(rows, SPEC, TRAINING)
    training_key(windows, split, SPEC, TRAINING)
    moments = 0

    def within(now: Within) -> None:
        nonlocal moments
        moments += 1
        if moments > MOMENTS:
            raise Enough

    with suppress(Enough):
        train(windows, split, SPEC, TRAINING, within=within)
    return _size(rows), len(windows)


def _size(rows: Panel) -> int:
    values = (getattr(rows, field.name) for field in fields(rows))
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))


def _memory(key: str) -> int:
    """In bytes, of this process."""
    for line in Path(f"/proc/{os.getpid()}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"this system does not tell {key}: measure on Linux")


if __name__ == "__main__":
    main()
