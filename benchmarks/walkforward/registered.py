"""Every forecaster by its name, in the order of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from forecaster.spec import ModelSpec, TrainSpec

from .ewma import Ewma
from .field import Foreign
from .forecasts import Forecaster
from .garch import Garch
from .naive import Naive
from .ours import TUTORIAL, TUTORIAL_TRAINING, Ours

NAMES: Final = ("naive", "ewma", "garch", "ets", "arima", "tutorial", "neuralforecast", "ours")
OURS: Final = "ours"

# Comparable with two layers of about fifty units; the steps see each window two or three times.
LSTM_SIZES: Final[dict[str, Any]] = {
    "input_size": 60,
    "layers": 2,
    "units": 64,
    "steps": 500,
    "windows_a_step": 512,
    "learning_rate": 2e-3,
}
QUICK_STEPS: Final = 30
QUICK_EPOCHS: Final = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line decides about forecasters.

    Attributes:
        spec, training: of ours.
        field_python: the interpreter with statsforecast and neuralforecast; None where there is none.
        quick: short training everywhere, to see that all of it runs.
    """

    spec: ModelSpec
    training: TrainSpec
    field_python: Path | None
    quick: bool = False


def forecasters(names: Sequence[str], choice: Choice) -> list[Forecaster]:
    """Those of `NAMES` that are named, in the order of the report."""
    classic = TUTORIAL_TRAINING
    training = choice.training
    sizes = LSTM_SIZES
    if choice.quick:
        classic, training = replace(classic, epochs=QUICK_EPOCHS), replace(training, epochs=QUICK_EPOCHS)
        sizes = {**sizes, "steps": QUICK_STEPS}
    made: dict[str, Forecaster] = {
        "naive": Naive(),
        "ewma": Ewma(),
        "garch": Garch(),
        "ets": Foreign("ets", "statistical", choice.field_python, {"kind": "ets"}),
        "arima": Foreign("arima", "statistical", choice.field_python, {"kind": "arima"}),
        "tutorial": Ours("tutorial", TUTORIAL, classic),
        "neuralforecast": Foreign("neuralforecast", "lstm", choice.field_python, sizes, seeded=True),
        OURS: Ours(OURS, choice.spec, training),
    }
    return [made[name] for name in NAMES if name in names]
