"""The last stages: the calibration, and forecasts with it, followed session by session as in the held-out record."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from data.splits import Split
from data.windows import Windows
from forecaster.calibration import Calibration
from forecaster.forecast import Forecast
from forecaster.leakcheck.cuts import Cut
from forecaster.leakcheck.stages import World, following, window_symbols
from forecaster.leakcheck.tables import Array, Stage, Table, names_of
from forecaster.model import Model


def calibrated(world: World, cut: Cut, trained: Windows, split: Split) -> Iterator[tuple[Table, Model]]:
    """The calibration of the validation span, by each function that is in use, and the model with it."""
    subject = world.subject
    spec = subject.spec
    held_in = trained.take(split.validation)
    empty = Calibration(np.zeros((spec.horizon, len(spec.quantiles))), 0)
    bars = world.bars.frame
    universe = tuple(bars["symbol"][bars["session"].to_numpy() <= cut.day].unique())
    model = Model(spec, trained.scaling, empty, subject.pipeline.predictor(spec), universe)
    output = model.outputs(held_in)
    for found in subject.pipeline.calibrations(output, held_in, spec):
        step = np.full_like(found.shift, np.nan) if found.step is None else found.step
        through = np.array([np.datetime64("NaT", "D") if found.through is None else found.through], "datetime64[D]")
        columns = {"the correction": found.shift[None], "the size of a step": step[None], "the last outcome": through}
        session = np.array([cut.held_from])
        table = Table(Stage.CALIBRATION, "calibration", names_of(["all symbols"]), session, columns)
        yield table, Model(spec, trained.scaling, found, model.predictor, universe)


def forecast_tables(world: World, cut: Cut, windows: Windows, model: Model) -> Iterator[Table]:
    """The held-out forecasts up to the cut, made in one go with some after it; and those of the cut's own session.

    Where the bars end with the cut, the latter are what the service would have answered on that day.
    """
    judged = (windows.origin >= cut.held_from) & (windows.origin <= cut.until)
    moving = model.moves(windows, model.calibration) & (windows.origin <= cut.until)
    used = windows.take(judged | moving)
    quantiles = model.followed(used, model.calibration)[0]
    held = (used.origin >= cut.held_from) & (used.origin <= cut.day)
    own = used.take(held)
    yield Table(
        Stage.FORECASTS, "forecast", window_symbols(own), own.origin, {"the forecast's quantiles": quantiles[held]}
    )
    ends = world.bars.frame["session"].max() <= cut.day
    if ends and world.subject.pipeline.answers:
        yield _answers(world, cut, model)
    else:
        # The calendar may end before a symbol's next session: the service does not answer then.
        calendars, horizon = world.subject.calendars, world.subject.spec.horizon
        asked = np.flatnonzero(used.origin == cut.day)
        names = used.take(asked).symbols
        asked = asked[[following(calendars, symbol, cut.date, horizon) is not None for symbol in names]]
        now = used.take(asked)
        factor = now.panel.factor[now.last]
        columns = _answer_columns(quantiles[asked] / factor[:, None, None], now.last_close / factor)
        yield Table(Stage.FORECASTS, "answer", window_symbols(now), now.origin, columns)


def _answers(world: World, cut: Cut, model: Model) -> Table:
    """What would have been answered on the evening of the cut."""
    found = model.forecasts(world.bars, world.subject.calendars)
    made = {
        symbol: one
        for symbol, one in sorted(found.items())
        if isinstance(one, Forecast) and np.datetime64(one.as_of) == cut.day
    }
    shape = (0, model.spec.horizon, len(model.spec.quantiles))
    quantiles = np.stack([one.quantiles for one in made.values()]) if made else np.empty(shape)
    close = np.array([one.last_close for one in made.values()], dtype=np.float64)
    session = np.full(len(made), cut.day)
    return Table(Stage.FORECASTS, "answer", names_of(list(made)), session, _answer_columns(quantiles, close))


def _answer_columns(quantiles: Array, close: Array) -> dict[str, Array]:
    return {"the answer's quantiles": quantiles, "the answer's last close": close}
