"""A spec as a forecaster: trained at each refit on what is known, asked as a live answer is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from data.windows import Mask, Windows, panel
from forecaster.baselines.protocol import KEYS, Fold, Made, Say
from forecaster.diagnostics.table import column
from forecaster.experiment import windows_and_split
from forecaster.spec import ModelSpec, TrainSpec


@dataclass(frozen=True, slots=True)
class Network:
    """A spec of ours as a `Forecaster`.

    Attributes:
        name: what it is called in tables.
        spec, training: what is trained, and how; the training's seed is replaced by the backtest's.
        cores: over how many training splits a batch: one, so that more of them give no other weights; None takes all.
        threads: for the exported network's forecasts; 0 takes all cores.
        seeded: always.
    """

    name: str
    spec: ModelSpec
    training: TrainSpec
    cores: int | None = 1
    threads: int = 1
    seeded: bool = True

    def settings(self) -> Mapping[str, Any]:
        """See `Forecaster.settings`."""
        return {"spec": asdict(self.spec), "training": asdict(replace(self.training, seed=0)), "cores": self.cores}

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        """Train on the bars known at the refit, calibrate on the newest of them, and forecast the fold.

        Nothing is held out within the known past: the fold itself is what is held out. Its outcomes move the intervals
        as they become known, as those of a live answer do.

        Args:
            fold: the origins, and what may be known.
            levels: probabilities, among those of the spec.
            seed: of the training.
            say: called after each epoch.

        Raises:
            DataError: too few sessions are known for a window or for the split.
            TrainingDiverged: the loss is no longer a number.
        """
        # Imported here: the other forecasters do not need tensorflow.
        from forecaster.calibration import calibrate
        from forecaster.model import Model
        from forecaster.networks.export import export_network
        from forecaster.runtime import OnnxPredictor
        from forecaster.training import Epoch, train

        spec, training = self.spec, replace(self.training, seed=seed)
        windows, split = windows_and_split(panel(fold.known, spec.features), spec, training, test=0)

        def on_epoch(epoch: Epoch) -> None:
            say(
                f"epoch {epoch.number} of at most {epoch.of}, loss {epoch.loss:.4f}, "
                f"validation {epoch.validation_loss:.4f}, {epoch.windows_per_second:,.0f} windows/s"
            )

        trained = train(windows, split, spec, training, on_epoch, cores=self.cores)
        predictor = OnnxPredictor(export_network(trained.network, spec), threads=self.threads)
        held_in = windows.take(split.validation)
        start = calibrate(predictor.predict(held_in.x), held_in.y, spec.quantiles, held_in.origin, held_in.outcome)
        model = Model(spec, windows.scaling, start, predictor, tuple(sorted(set(windows.symbols))))
        seen = model.windows(fold.seen)
        wanted = _wanted(seen, fold.origins)
        # Outcomes between the validation span and the fold move the intervals as well.
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
