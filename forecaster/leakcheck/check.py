"""The check: every cut with every future, compared with the bars as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np

from data.bars import Bars
from data.sessions import Calendars
from forecaster.leakcheck.compare import Difference, differences
from forecaster.leakcheck.cuts import Cut, choose_cuts
from forecaster.leakcheck.factors import early_factors
from forecaster.leakcheck.forecasting import calibrated, forecast_tables
from forecaster.leakcheck.futures import FUTURES, UNCHANGED
from forecaster.leakcheck.hints import hint
from forecaster.leakcheck.pipeline import Pipeline
from forecaster.leakcheck.report import Checked, Report, Seen, leaks_of
from forecaster.leakcheck.spans import overlaps
from forecaster.leakcheck.stages import (
    Subject,
    World,
    calendar_tables,
    feature_tables,
    price_tables,
    scaling_tables,
    training_tables,
    window_tables,
)
from forecaster.leakcheck.tables import Stage, Table
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.step import Step

CUTS: Final = 3
SEED: Final = 7

_PRODUCT: Final = Pipeline()
_COMPARED: Final = (UNCHANGED, *FUTURES)


def leakcheck(
    bars: Bars,
    spec: ModelSpec,
    training: TrainSpec,
    pipeline: Pipeline = _PRODUCT,
    *,
    cuts: int = CUTS,
    seed: int = SEED,
    calendars: Calendars | None = None,
    progress: Callable[[Step], None] = lambda step: None,
) -> Report:
    """Whether anything that is known at a session depends on what came later.

    Args:
        bars: raw bars of any number of symbols.
        spec, training: the model, and how it would be trained.
        pipeline: the functions of each stage.
        cuts: at how many sessions.
        seed: of the cuts and of the futures.
        calendars: the exchanges' sessions; None is what the installation knows.
        progress: called before each future of each cut.

    Raises:
        TooFewSessions, TooFewBars: the history is too short to train, calibrate and forecast in it.
        UnknownFeature: the spec names a feature that is not there.
    """
    subject = Subject(spec, training, pipeline, calendars or Calendars())
    world = World(bars, subject)
    progress(Step("the bars as they are", 0.0))
    chosen = choose_cuts(world.plain, spec, training, cuts, seed)
    seen = [Seen(one, text=text) for one, text in early_factors(bars)]
    values, comparisons = dict.fromkeys(Stage, 0), dict.fromkeys(Stage, 0)
    for number, cut in enumerate(chosen):
        base = {stage: list(tables) for stage, tables in _stages(world, cut)}
        late = overlaps(*world.training_set(cut), cut.held_from)
        seen += [Seen(one, cut.date, text=text) for one, text in late]
        for place, future in enumerate(_COMPARED):
            done = (number * len(_COMPARED) + place) / (len(chosen) * len(_COMPARED))
            progress(Step(f"cut {number + 1} of {len(chosen)}, {cut.day}: {future.name}", done))
            other = World(future.of(bars, cut.day, np.random.default_rng([seed, number, place])), subject)
            for stage, tables in _stages(other, cut):
                found, compared = _compared(base[stage], tables)
                values[stage] += compared
                comparisons[stage] += 1
                if found:
                    seen += [Seen(one, cut.date, future.name) for one in found]
                    break
    progress(Step("done", 1.0))
    return Report(
        leaks=leaks_of(seen, partial(hint, world=world)),
        checked=tuple(Checked(stage, values[stage], comparisons[stage]) for stage in Stage),
        cuts=tuple(cut.date for cut in chosen),
        futures=tuple(future.name for future in _COMPARED),
        symbols=len(bars.symbols),
        bars=len(bars),
    )


def _stages(world: World, cut: Cut) -> Iterator[tuple[Stage, Iterator[Table]]]:
    """Stage by stage what is known at a cut; nothing is computed before it is asked for."""
    yield Stage.CALENDAR, calendar_tables(world, cut)
    yield Stage.PRICES, price_tables(world, cut)
    yield Stage.FEATURES, feature_tables(world, cut)
    trained, split = world.training_set(cut)
    yield Stage.SCALING, scaling_tables(world, cut, trained)
    windows = world.windows(trained.scaling)
    yield Stage.WINDOWS, window_tables(world, cut, windows)
    yield Stage.TRAINING, training_tables(world, cut, trained, split)
    made = list(calibrated(world, cut, trained, split))
    yield Stage.CALIBRATION, iter([table for table, _ in made])
    yield Stage.FORECASTS, forecast_tables(world, cut, windows, made[0][1])


def _compared(base: list[Table], tables: Iterator[Table]) -> tuple[list[Difference], int]:
    """What differs in one stage, and how many values were compared."""
    found: list[Difference] = []
    compared = 0
    for one, other in zip(base, tables, strict=True):
        found += differences(one, other)
        compared += one.values
        if any(difference.name == one.rows for difference in found):
            break  # the rows themselves differ, and so would those of the stage's other tables
    return found, compared
