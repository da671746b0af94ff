"""The product itself: trained at each refit on what is known, asked through `Model` with its calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from data.windows import Mask, Windows, panel
from forecaster.cli.quiet import native_stderr_withheld
from forecaster.experiment import windows_and_split
from forecaster.spec import ModelSpec, TrainSpec

from .forecasts import KEYS, Block, Made, Say, column

# The classic form: the price itself as target, one scaler a share, a plain window of bars, early stopping.
TUTORIAL: Final = ModelSpec(
    target="level",
    scaling="series",
    features=("open", "high", "low", "close", "volume"),
    units=(48, 48),
    dropout=0.0,
    lookback=30,
)
TUTORIAL_TRAINING: Final = TrainSpec(
    epochs=20, patience=4, averaging=0.0, batch=128, learning_rate=2e-3, validation=250
)


@dataclass(frozen=True, slots=True)
class Ours:
    """A spec of the product as a forecaster.

    Attributes:
        name: of the forecaster.
        spec, training: what is trained, and how; the training's seed is replaced by the walk's.
        seeded: always.
    """

    name: str
    spec: ModelSpec
    training: TrainSpec
    seeded: bool = True

    def settings(self) -> Mapping[str, Any]:
        """See `Forecaster.settings`."""
        return {"spec": asdict(self.spec), "training": asdict(replace(self.training, seed=0))}

    def fit_predict(self, block: Block, levels: Sequence[float], seed: int, say: Say) -> Made:
        """See `Forecaster.fit_predict`."""
        with native_stderr_withheld():
            return ours(block, self.spec, replace(self.training, seed=seed), levels, say)


def ours(block: Block, spec: ModelSpec, training: TrainSpec, levels: Sequence[float], say: Say) -> Made:
    """Train on the bars known at the block's refit, calibrate on the newest of them, and forecast the block.

    Nothing is held out within the known past: the block itself is what is held out.

    Args:
        block: the origins, and what may be known.
        spec, training: the model and its training; the test span is not used.
        levels: probabilities, among those of the spec.
        say: called after each epoch.
    """
    # Imported here: the other forecasters do not need tensorflow.
    from forecaster.calibration import calibrate
    from forecaster.model import Model
    from forecaster.networks.export import export_network
    from forecaster.runtime import OnnxPredictor
    from forecaster.training import Epoch, train

    windows, split = windows_and_split(panel(block.known, spec.features), spec, training, test=0)

    def on_epoch(epoch: Epoch) -> None:
        say(
            f"epoch {epoch.number} of at most {epoch.of}, loss {epoch.loss:.4f}, "
            f"validation {epoch.validation_loss:.4f}, {epoch.windows_per_second:,.0f} windows/s"
        )

    trained = train(windows, split, spec, training, on_epoch)
    predictor = OnnxPredictor(export_network(trained.network, spec), threads=0)
    held_in = windows.take(split.validation)
    start = calibrate(predictor.predict(held_in.x), held_in.y, spec.quantiles, held_in.origin, held_in.outcome)
    model = Model(spec, windows.scaling, start, predictor, tuple(sorted(set(windows.symbols))))
    seen = model.windows(block.seen)
    wanted = _wanted(seen, block.origins)
    # Outcomes between the validation span and the block move the intervals as well.
    used = wanted | model.moves(seen, start)
    columns = [spec.quantiles.index(level) for level in levels]
    quantiles = model.followed(seen.take(used), start)[0][wanted[used]][:, 0, columns]
    asked = seen.take(wanted)
    table = pd.DataFrame(
        {
            "symbol": pd.Series(asked.symbols, dtype="str"),
            "origin": asked.origin.astype("datetime64[s]"),
            **{column(level): quantiles[:, position] for position, level in enumerate(levels)},
        }
    )
    return Made(table, {"epochs": len(trained.history), "networks": 1})


def _wanted(windows: Windows, origins: pd.DataFrame) -> Mask:
    """`(n,)`: which windows end at the origins."""
    held = pd.DataFrame({"symbol": windows.symbols, "origin": windows.origin.astype("datetime64[s]")})
    return np.asarray(pd.MultiIndex.from_frame(held).isin(pd.MultiIndex.from_frame(origins[list(KEYS)])))
