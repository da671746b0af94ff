"""Every forecaster by its name, in the order of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from forecaster.backtest.contestant import Network
from forecaster.baselines.protocol import Forecaster
from forecaster.baselines.registered import BASELINES
from forecaster.spec import ModelSpec, TrainSpec, load_specs

from .field import Foreign

NAMES: Final = ("naive", "drift", "ewma", "garch", "ets", "autoets", "arima", "tutorial", "neuralforecast", "ours")
OURS: Final = "ours"
# The tutorials' form: the price itself as target, one scaler a share, a plain window of bars, early stopping.
CLASSIC: Final = Path(__file__).parent.parent.parent / "docs" / "classic.toml"

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
    (tutorial, classic), training = load_specs(CLASSIC), choice.training
    sizes = LSTM_SIZES
    if choice.quick:
        classic, training = replace(classic, epochs=QUICK_EPOCHS), replace(training, epochs=QUICK_EPOCHS)
        sizes = {**sizes, "steps": QUICK_STEPS}
    made: dict[str, Forecaster] = {
        **BASELINES,
        "autoets": Foreign("autoets", "statistical", choice.field_python, {"kind": "ets"}),
        "arima": Foreign("arima", "statistical", choice.field_python, {"kind": "arima"}),
        "tutorial": Network("tutorial", tutorial, classic, cores=None, threads=0),
        "neuralforecast": Foreign("neuralforecast", "lstm", choice.field_python, sizes, seeded=True),
        OURS: Network(OURS, choice.spec, training, cores=None, threads=0),
    }
    return [made[name] for name in NAMES if name in names]
