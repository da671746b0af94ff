"""Series -> windows of the last sessions and their targets, and the way back to prices.

A `Panel` lays the symbols' feature rows one after the other. Windows are places in it: the raw ones are a
zero-copy view, and scaled ones exist a batch at a time, so memory stays near the panel's size for any lookback.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from data.bars import Bars
from data.errors import TooFewBars
from data.features import check_features, columns, minmax_columns, warmup
from data.history import History
from data.indicators import volatility
from data.scaling import Scaling, SeriesScaling, fit_series_range
from data.symbols import market_of

Array = np.ndarray[Any, np.dtype[np.float64]]
Float32 = np.ndarray[Any, np.dtype[np.float32]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]
Index = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

Target = Literal["change", "level"]
Unit = Literal["volatility", "range"]

# From so many shares on, the median of their changes on a session stands for what all of them did.
LEAST_UNIVERSE: Final = 20

# How many windows are cut at a time: what is needed on the way then stays small beside the panel.
BLOCK: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class Panel:
    """Feature rows of all symbols, symbol after symbol, in session order.

    Attributes:
        symbols: the names.
        minmax: `(features,)`, which columns are MinMax-scaled; the others are free of units.
        series: `(rows,)`, the position in `symbols` of each row's symbol.
        session: `(rows,) datetime64[D]`.
        values: `(rows, features) float64`, free of NaN.
        close: `(rows,)` backward-adjusted close [currency].
        factor: `(rows,)` adjustment factor; close / factor is the close as traded.
        volatility: `(rows,)` of the daily move [1], as `data.indicators.volatility`; NaN where the past is too short.
    """

    symbols: tuple[str, ...]
    minmax: Mask
    series: Index
    session: Days
    values: Array
    close: Array
    factor: Array
    volatility: Array

    def only(self, rows: Mask | slice) -> Panel:
        """Some of the rows, by a mask `(rows,)` or a slice; the symbols keep their positions."""
        return replace(
            self,
            series=self.series[rows],
            session=self.session[rows],
            values=self.values[rows],
            close=self.close[rows],
            factor=self.factor[rows],
            volatility=self.volatility[rows],
        )


def panel(
    bars: Bars, names: Sequence[str], universe: Collection[str] | None = None, newest: int | None = None
) -> Panel:
    """Features of every symbol in `bars`. Rows before a feature has the past that it needs are left out.

    Args:
        bars: raw bars.
        names: the features.
        universe: the symbols that make up the universe of features that have one; None takes all in `bars`.
        newest: how many of each symbol's last rows; None takes all.

    Raises:
        UnknownFeature: a name is not in `data.features.FEATURES`.
    """
    check_features(names)
    return panel_of(History.of_bars(bars, universe), names, newest)


def panel_of(past: History, names: Sequence[str], newest: int | None = None) -> Panel:
    """As `panel`, of bars that are laid out already; the names are known."""
    rows = None if newest is None else past.newest(newest)
    values = columns(past, names, rows)
    missing = np.isnan(values).any(axis=1)
    if rows is not None and (missing & (past.bar[rows] >= warmup(names))).any():
        # Numbers beyond all bounds: such rows are left out like the first ones, and earlier rows are the newest then.
        rows, values = None, columns(past, names)
        missing = np.isnan(values).any(axis=1)
    every = slice(None) if rows is None else rows
    made = Panel(
        symbols=past.symbols,
        minmax=minmax_columns(names),
        series=past.columns[every],
        session=past.flat_days()[every],
        values=values,
        close=past.flat(past.close, rows),
        factor=past.flat(past.factor, rows),
        volatility=past.flat(volatility(past), rows),
    )
    return made.only(~missing) if missing.any() else made


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of a panel, each ending at its origin, with the targets that followed.

    Attributes:
        panel: where the rows are.
        lookback: sessions in a window.
        last: `(n,)`, the panel row of each window's last session, its origin.
        scaling: how inputs are scaled.
        y: `(n, horizon) float32`, scaled targets; NaN where the future is not known yet.
        offset, scale: `(n,)` in currency; a price is offset + scale * y.
        common: `(n, horizon) float32`, what the shares of the same exchange and session did together, in the
            units of `y`; zero where they are too few to tell.
    """

    panel: Panel
    lookback: int
    last: Index
    scaling: Scaling
    y: Float32
    offset: Array
    scale: Array
    common: Float32

    def __len__(self) -> int:
        """How many windows."""
        return len(self.last)

    @property
    def origin(self) -> Days:
        """`(n,) datetime64[D]`: the session that each window ends with."""
        return self.panel.session[self.last]

    @property
    def last_close(self) -> Array:
        """`(n,)`: the backward-adjusted close at each origin [currency]."""
        return self.panel.close[self.last]

    @property
    def symbols(self) -> list[str]:
        """`(n,)`: whose window each is."""
        return [self.panel.symbols[position] for position in self.panel.series[self.last]]

    @property
    def known(self) -> Mask:
        """`(n,)`: whether the whole target is known."""
        return np.asarray(~np.isnan(self.y).any(axis=1))

    @property
    def outcomes(self) -> Days:
        """`(n, horizon) datetime64[D]`: the session of each target, NaT where it is not known yet."""
        ahead = self.last[:, None] + np.arange(1, self.y.shape[1] + 1)
        session = self.panel.session[np.minimum(ahead, len(self.panel.session) - 1)]
        return np.where(np.isnan(self.y), np.datetime64("NaT", "D"), session)

    @property
    def outcome(self) -> Days:
        """`(n,) datetime64[D]`: the session of each window's last target, NaT where it is not known yet."""
        return np.where(self.known, self.outcomes[:, -1], np.datetime64("NaT", "D"))

    @property
    def raw(self) -> Array:
        """`(rows - lookback + 1, lookback, features)`: every stretch of the panel, as a view, also across symbols."""
        return sliding_window_view(self.panel.values, self.lookback, axis=0).transpose(0, 2, 1)

    @property
    def x(self) -> Float32:
        """`(n, lookback, features) float32`: all inputs at once. Large: prefer `inputs` a batch at a time."""
        return self.inputs(np.arange(len(self)))

    def inputs(self, index: Index) -> Float32:
        """`(len(index), lookback, features) float32`: scaled inputs of some windows.

        Raises:
            UnscaledSymbol: the scaling does not know one of the symbols.
        """
        rows = self.last[index]
        # Gathered by row numbers: making the view of all stretches costs more than a single window does.
        raw = self.panel.values[rows[:, None] + np.arange(1 - self.lookback, 1)]
        return self.scaling.inputs(raw, self.panel.symbols, self.panel.series[rows], self.panel.minmax)

    def targets(self, index: Index) -> Float32:
        """`(len(index), horizon, 2) float32`: `y`, and beside it `y` less what the session's shares did together."""
        y = self.y[index]
        return np.stack([y, y - self.common[index]], axis=-1)

    def prices(self, y: np.ndarray[Any, Any]) -> Array:
        """Scaled values back to backward-adjusted prices [currency].

        Args:
            y: `(n, ...)`, one leading entry a window.
        """
        shape = (len(self),) + (1,) * (y.ndim - 1)
        return np.asarray(self.offset.reshape(shape) + self.scale.reshape(shape) * y.astype(np.float64))

    def take(self, index: Index | Mask) -> Windows:
        """Some of the windows, over the same panel."""
        return replace(
            self,
            last=self.last[index],
            y=self.y[index],
            offset=self.offset[index],
            scale=self.scale[index],
            common=self.common[index],
        )


def cut(rows: Panel, *, lookback: int, horizon: int, target: Target, scaling: Scaling, unit: Unit = "range") -> Windows:
    """Every window of every symbol, the newest (whose target is not known yet) included.

    Args:
        rows: the panel.
        lookback: sessions in a window, at least 2.
        horizon: sessions ahead, at least 1.
        target: `change` from the last close, or the price `level`.
        scaling: how to scale.
        unit: what a change is measured in: the `range` of the scaling, as levels always are, or the share's own
            `volatility` at the origin; windows without one are left out.

    Raises:
        TooFewBars: no symbol has `lookback` rows.
        UnscaledSymbol: the scaling does not know one of the symbols.
    """
    by_volatility = target == "change" and unit == "volatility"
    last = _ends(rows, lookback, by_volatility)
    if not len(last):
        raise TooFewBars(", ".join(rows.symbols) or "no symbol", lookback, len(rows.close))
    # Fewer shares than a universe takes tell nothing of what all of them did, on no session.
    together = target == "change" and len(rows.symbols) >= LEAST_UNIVERSE
    market = _sessions_by_market(rows, last) if together else last
    sessions = _whole_sessions(market) if together else []
    offset, scale = np.empty(len(last)), np.empty(len(last))
    y = np.empty((len(last), horizon), dtype=np.float32)
    common = np.zeros_like(y)
    for start in range(0, len(last), BLOCK):
        part = slice(start, start + BLOCK)
        own = last[part]
        close = rows.close[own]
        if by_volatility:
            offset[part], scale[part] = close, close * rows.volatility[own]
        else:
            stretch = slice(own[0] - lookback + 1, own[-1] + 1)
            low, scale[part] = scaling.target_range(
                rows.close[stretch], own - stretch.start, lookback, rows.symbols, rows.series[own]
            )
            offset[part] = close if target == "change" else low
        for step in range(horizon):
            y[part, step] = (_future(rows, own, step + 1) - offset[part]) / scale[part]
    for places in sessions:
        own = last[places]
        close = rows.close[own]
        for step in range(horizon):
            change = _future(rows, own, step + 1) / close - 1
            prompt = _prompt(rows, own, step + 1, market[places])
            common[places, step] = _common(market[places], np.where(prompt, change, np.nan)) * close / scale[places]
    return Windows(rows, lookback, last, scaling, y, offset, scale, common)


def fit_series_scaling(rows: Panel, through: np.datetime64) -> SeriesScaling:
    """Per-series ranges from the rows up to the session `through`; symbols without such rows get none."""
    training = rows.session <= through
    ranges = {}
    for position, symbol in enumerate(rows.symbols):
        own = training & (rows.series == position)
        if own.any():
            ranges[symbol] = fit_series_range(rows.values[own], rows.close[own])
    return SeriesScaling(ranges)


def _ends(rows: Panel, lookback: int, with_volatility: bool) -> Index:
    """`(n,)`: the rows that a window can end with, those whose window lies in one symbol."""
    first = max(0, len(rows.series) - lookback + 1)
    usable = rows.series[lookback - 1 :] == rows.series[:first]
    if with_volatility:
        usable &= ~np.isnan(rows.volatility[lookback - 1 :])
    return np.flatnonzero(usable) + (lookback - 1)


def _sessions_by_market(rows: Panel, last: Index) -> Index:
    """`(n,)`: a number for each exchange and session: shares that trade elsewhere do not move together."""
    markets = np.unique([market_of(symbol) for symbol in rows.symbols], return_inverse=True)[1].astype(np.int64)
    return markets[rows.series[last]] * 10_000_000 + rows.session[last].astype(np.int64)


def _whole_sessions(session: Index) -> list[Index]:
    """Places in `session`, about `BLOCK` at a time, with those of the same session always together."""
    order = np.argsort(session, kind="stable")
    ordered = session[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(order))
    chosen = np.unique(ends[np.searchsorted(ends, np.arange(BLOCK, len(order), BLOCK))])
    return np.split(order, chosen[chosen < len(order)])


def _future(rows: Panel, last: Index, ahead: int) -> Array:
    """`(n,)`: the close so many bars later, NaN beyond the symbol's last row."""
    row = last + ahead
    inside = np.minimum(row, len(rows.close) - 1)
    same = (row < len(rows.close)) & (rows.series[inside] == rows.series[last])
    return np.where(same, rows.close[inside], np.nan)


def _prompt(rows: Panel, last: Index, ahead: int, session: Index) -> Mask:
    """`(n,)`: whose outcome came on the first session on which any of its number did.

    A share that is suspended has its outcome when trading resumes, which may be long after the others' was learnt from.
    """
    known = ~np.isnan(_future(rows, last, ahead))
    day = rows.session[np.minimum(last + ahead, len(rows.session) - 1)].astype(np.int64)
    group = np.unique(session, return_inverse=True)[1]
    first = np.full(group.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, group[known], day[known])
    return np.asarray(known & (day == first[group]))


def _common(session: Index, change: Array) -> Array:
    """`(n,)`: the median change of the windows with the same number, 0 where fewer than `LEAST_UNIVERSE` are known."""
    order = np.lexsort((change, session))  # within a session ascending, NaN last
    days, starts, counts = np.unique(session[order], return_index=True, return_counts=True)
    unknown = np.add.reduceat(np.isnan(change[order]).astype(np.int64), starts)
    known = counts - unknown
    enough = known >= LEAST_UNIVERSE
    first, second = starts + np.maximum(known - 1, 0) // 2, starts + known // 2
    ordered = change[order]
    middle = np.where(enough, (ordered[first] + ordered[np.minimum(second, len(ordered) - 1)]) / 2, 0.0)
    return middle[np.searchsorted(days, session)]
