"""The functions of each stage: the product's own, or a user's.

The product's are looked up in their modules when they are called, under every name by which the product calls them. So
what is checked is what runs, also where somebody has put another function in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from data import adjust as adjusting
from data import history as laying
from data import windows as windowing
from data.bars import PRICES, Bars
from data.features import Feature
from data.scaling import Scaling, SeriesScaling, WindowScaling
from data.splits import Split
from data.windows import Panel, Windows
from forecaster import calibration as calibrating
from forecaster import experiment
from forecaster import model as modelling
from forecaster.calibration import Calibration
from forecaster.forecast import Float32, Predictor
from forecaster.leakcheck.standin import Projection
from forecaster.spec import ModelSpec, TrainSpec


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What turns bars into forecasts. A stage that is given is checked on what the product's earlier stages give.

    Attributes:
        next_sessions: bars, a symbol, a session and a count -> the sessions that follow; None is the exchange's
            calendar, which is decreed ahead.
        adjust: bars -> adjusted bars; None is `data.adjust.adjusted`.
        features: further features by name, beside those of the spec, which are in `data.features.FEATURES`.
        panel: bars and names of features -> rows; None is `data.windows.panel`.
        fit_scaling: rows and the last training session -> how windows are scaled; None is what the spec says.
        calibrate: outputs, their windows and the spec -> calibration; None is `forecaster.calibration.calibrate`.
        predictor: the spec -> what stands in for the network.
    """

    next_sessions: Callable[[Bars, str, date, int], tuple[date, ...]] | None = None
    adjust: Callable[[Bars], pd.DataFrame] | None = None
    features: Mapping[str, Feature] = field(default_factory=dict)
    panel: Callable[[Bars, Sequence[str]], Panel] | None = None
    fit_scaling: Callable[[Panel, np.datetime64], Scaling] | None = None
    calibrate: Callable[[Float32, Windows, ModelSpec], Calibration] | None = None
    predictor: Callable[[ModelSpec], Predictor] = Projection

    @property
    def answers(self) -> bool:
        """Whether `Model.forecasts`, which has the product's own panel and scaling, answers for this pipeline."""
        return self.panel is None and self.fit_scaling is None

    def adjusted(self, bars: Bars) -> list[pd.DataFrame]:
        """Backward-adjusted bars, by each function that is in use."""
        if self.adjust:
            return [self.adjust(bars)]
        tables = [adjust(bars) for adjust in _in_use("adjusted", adjusting)]
        return tables + [_adjusted(bars, adjust) for adjust in _in_use("adjusted_numbers", adjusting, laying)]

    def rows(self, bars: Bars, names: Sequence[str]) -> list[Panel]:
        """The panel, by each function that is in use, that of training first."""
        given = [self.panel] if self.panel else _in_use("panel", experiment, windowing, modelling)
        return [panel(bars, names) for panel in given]

    def fitted(self, rows: Panel, spec: ModelSpec, through: np.datetime64) -> list[Scaling]:
        """The scaling of a model that is trained through a session, by each function that is in use."""
        if self.fit_scaling:
            return [self.fit_scaling(rows, through)]
        if spec.scaling == "window":
            return [WindowScaling()]
        return [fit(rows, through) for fit in _in_use("fit_series_scaling", windowing, experiment)]

    def windows(self, rows: Panel, spec: ModelSpec, scaling: Scaling) -> Windows:
        """Every window, those without an outcome included; symbols that the scaling does not know have none."""
        if isinstance(scaling, SeriesScaling):
            known = np.array([symbol in scaling.ranges for symbol in rows.symbols], dtype=bool)
            rows = rows.only(known[rows.series])
        return modelling.windows_of(rows, spec, scaling)

    def training_set(
        self, rows: Panel, spec: ModelSpec, training: TrainSpec, through: np.datetime64, test: int
    ) -> tuple[Windows, Split]:
        """What a network is trained and calibrated on; see `forecaster.experiment.windows_and_split`."""
        if self.fit_scaling is None:
            return experiment.windows_and_split(rows, spec, training, test=test)
        made = self.windows(rows, spec, self.fit_scaling(rows, through))
        made = made.take(made.known)
        (split,) = _in_use("chronological", experiment)
        parts: Split = split(made.origin, made.outcome, validation=training.validation, test=test, gap=spec.horizon)
        return made, parts

    def calibrations(self, output: Float32, held_in: Windows, spec: ModelSpec) -> list[Calibration]:
        """The calibration from validation windows, by each function that is in use."""
        if self.calibrate:
            return [self.calibrate(output, held_in, spec)]
        return [
            calibrate(output, held_in.y, spec.quantiles, held_in.origin, held_in.outcome)
            for calibrate in _in_use("calibrate", experiment, calibrating)
        ]


def _adjusted(bars: Bars, adjust: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> pd.DataFrame:
    """Bars as a function of their numbers adjusts them."""
    table = bars.frame
    names = [*PRICES, "volume", "adj_factor"]
    return table.assign(**adjust({name: table[name].to_numpy(dtype="float64") for name in names}))


def _in_use(name: str, *modules: ModuleType) -> list[Callable[..., Any]]:
    """The function that modules know under a name: once, unless somebody has replaced it in one of them only."""
    return list(dict.fromkeys(getattr(module, name) for module in modules))
