"""What a pipeline knows at a cut, stage by stage, each a table or more that can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from data import features as featuring
from data.bars import PRICES, Bars
from data.errors import DataError
from data.features import Feature
from data.history import History
from data.scaling import Scaling, SeriesScaling, WindowScaling
from data.sessions import Calendars
from data.splits import Split
from data.windows import Index, Panel, Windows
from forecaster.leakcheck.cuts import Cut
from forecaster.leakcheck.pipeline import Pipeline
from forecaster.leakcheck.tables import Array, Days, Names, Stage, Table, names_of
from forecaster.spec import ModelSpec, TrainSpec

# Windows whose inputs are compared: half of them the newest, which reach furthest into what comes.
SAMPLE: Final = 2048


@dataclass(frozen=True)
class Subject:
    """What is checked: a spec, how it is trained, the functions, and the exchanges' sessions."""

    spec: ModelSpec
    training: TrainSpec
    pipeline: Pipeline
    calendars: Calendars


@dataclass(frozen=True)
class World:
    """Bars with one future, and what the pipeline makes of them before a cut plays a part; each made once."""

    bars: Bars
    subject: Subject

    @cached_property
    def panels(self) -> list[Panel]:
        """Feature rows, by each function that is in use."""
        return self.subject.pipeline.rows(self.bars, self.subject.spec.features)

    @property
    def panel(self) -> Panel:
        """Those that a network is trained on."""
        return self.panels[0]

    @cached_property
    def plain(self) -> Windows:
        """All windows, each scaled by its own range."""
        return self.subject.pipeline.windows(self.panel, self.subject.spec, WindowScaling())

    def windows(self, scaling: Scaling) -> Windows:
        """All windows as scaled."""
        own_range = isinstance(scaling, WindowScaling)
        return self.plain if own_range else self.subject.pipeline.windows(self.panel, self.subject.spec, scaling)

    def training_set(self, cut: Cut) -> tuple[Windows, Split]:
        """As if the held-out span began where the cut's does, whatever comes after."""
        held_out = np.unique(self.plain.origin[self.plain.known]) >= cut.held_from
        subject = self.subject
        return subject.pipeline.training_set(
            self.panel, subject.spec, subject.training, cut.through, int(held_out.sum())
        )


def calendar_tables(world: World, cut: Cut) -> Iterator[Table]:
    """The sessions that follow each symbol's newest bar."""
    subject, horizon = world.subject, world.subject.spec.horizon
    known = world.bars.frame[_sessions(world.bars.frame) <= cut.day]
    newest = known.groupby("symbol")["session"].last()
    ahead = np.full((len(newest), horizon), np.datetime64("NaT", "D"))
    for row, (symbol, day) in enumerate(newest.items()):
        if subject.pipeline.next_sessions:
            ahead[row] = subject.pipeline.next_sessions(world.bars, str(symbol), day.date(), horizon)
        else:
            ahead[row] = following(subject.calendars, str(symbol), day.date(), horizon) or ahead[row]
    session = newest.to_numpy().astype("datetime64[D]")
    yield Table(Stage.CALENDAR, "symbol", names_of(newest.index), session, {"the next session": ahead})


def following(calendars: Calendars, symbol: str, day: date, count: int) -> tuple[date, ...] | None:
    """The sessions after a day; None past what is known of the exchange."""
    try:
        return calendars.of(symbol).next_sessions(day, count)
    except DataError:
        return None


def price_tables(world: World, cut: Cut) -> Iterator[Table]:
    """Backward-adjusted bars."""
    for table in world.subject.pipeline.adjusted(world.bars):
        known = table[_sessions(table) <= cut.day]
        columns = {f"adjusted {name}": known[name].to_numpy() for name in (*PRICES, "volume")}
        yield Table(Stage.PRICES, "bar", names_of(known["symbol"]), _sessions(known), columns)


def feature_tables(world: World, cut: Cut) -> Iterator[Table]:
    """The panel's rows, and further features bar by bar."""
    names = world.subject.spec.features

    def by_bar() -> Table:
        return feature_columns(world, {name: featuring.FEATURES[name] for name in names}, cut.day)

    for rows in world.panels:
        known = rows.session <= cut.day
        values = rows.values[known]
        columns: dict[str, Array] = {f"feature {name!r}": values[:, place] for place, name in enumerate(names)}
        for name in ("close", "factor", "volatility"):
            columns[f"the panel's {name}"] = getattr(rows, name)[known]
        symbol = names_of(rows.symbols)[rows.series[known]]
        yield Table(Stage.FEATURES, "row", symbol, rows.session[known], columns, finer=by_bar)
    if world.subject.pipeline.features:
        yield feature_columns(world, world.subject.pipeline.features, cut.day)


def feature_columns(world: World, features: Mapping[str, Feature], through: np.datetime64) -> Table:
    """Features for every bar, also where the panel has no row for want of one of them."""
    table = world.subject.pipeline.adjusted(world.bars)[-1]
    past = History(table)
    known = past.flat_days() <= through
    columns = {f"feature {name!r}": past.flat(one.of(past))[known] for name, one in features.items()}
    return Table(Stage.FEATURES, "bar", names_of(table["symbol"])[known], past.flat_days()[known], columns)


def scaling_tables(world: World, cut: Cut, trained: Windows) -> Iterator[Table]:
    """Ranges that were fitted up to the last training session."""
    subject = world.subject
    for scaling in (trained.scaling, *subject.pipeline.fitted(world.panel, subject.spec, cut.through)):
        # Of another form of scaling only what it does to windows can be compared.
        if isinstance(scaling, SeriesScaling) and scaling.ranges:
            ranges = scaling.ranges
            names = [*(f"the range of feature {name!r}" for name in subject.spec.features), "the range of the close"]
            low, high = (
                np.array([(*getattr(one, end), getattr(one, f"close_{end}")) for one in ranges.values()])
                for end in ("low", "high")
            )
            fitted = {name: np.stack([low[:, k], high[:, k]], axis=1) for k, name in enumerate(names)}
            session = np.full(len(ranges), cut.through)
            yield Table(Stage.SCALING, "range", names_of(list(ranges)), session, fitted)


def window_tables(world: World, cut: Cut, windows: Windows) -> Iterator[Table]:
    """Every window up to the cut, and the inputs of some, scaled in one batch with some of the future."""
    known = np.flatnonzero(windows.origin <= cut.day)
    own = windows.take(known)
    target = np.where(own.outcomes <= cut.day, own.y, np.float32(np.nan))
    yield _of_windows(Stage.WINDOWS, "window", own, {"target": target, "last close": own.last_close})
    chosen = known[_sample(own.origin, cut)]
    beyond = np.flatnonzero((windows.origin > cut.day) & (windows.origin <= cut.until))[: SAMPLE // 4]
    inputs = windows.inputs(np.concatenate([chosen, beyond]))[: len(chosen)]
    yield _of_inputs(Stage.WINDOWS, "window", windows.take(chosen), inputs, world.subject.spec)


def training_tables(world: World, cut: Cut, windows: Windows, split: Split) -> Iterator[Table]:
    """What a network learns from and is calibrated on."""
    for rows, part in (("training window", split.train), ("validation window", split.validation)):
        own = windows.take(part)
        yield _of_windows(Stage.TRAINING, rows, own, {"target": own.y, "common part of the target": own.common})
        chosen = _sample(own.origin, cut)
        yield _of_inputs(Stage.TRAINING, rows, own.take(chosen), own.inputs(chosen), world.subject.spec)


def _of_windows(stage: Stage, rows: str, own: Windows, columns: dict[str, Array]) -> Table:
    columns = columns | {"offset of the target": own.offset, "scale of the target": own.scale}
    return Table(stage, rows, window_symbols(own), own.origin, {f"{rows}'s {name}": columns[name] for name in columns})


def _of_inputs(stage: Stage, rows: str, own: Windows, inputs: Array, spec: ModelSpec) -> Table:
    columns = {f"{rows}'s input {name!r}": inputs[:, :, place] for place, name in enumerate(spec.features)}
    return Table(stage, rows, window_symbols(own), own.origin, columns)


def window_symbols(windows: Windows) -> Names:
    """`(n,)` names."""
    return names_of(windows.panel.symbols)[windows.panel.series[windows.last]]


def _sample(origin: Days, cut: Cut) -> Index:
    """Places of the newest windows and of some others, ascending."""
    if len(origin) <= SAMPLE:
        return np.arange(len(origin))
    newest = np.argsort(origin, kind="stable")[-SAMPLE // 2 :]
    others = np.random.default_rng(cut.seed).choice(len(origin), SAMPLE // 2, replace=False)
    return np.unique(np.concatenate([newest, others]))


def _sessions(table: pd.DataFrame) -> Days:
    return table["session"].to_numpy().astype("datetime64[D]")
