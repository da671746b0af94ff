"""Series -> windows of the last sessions and their targets, and the way back to prices.

A `Panel` lays the symbols' feature rows one after the other. Windows are places in it: the raw ones are a
zero-copy view, and scaled ones exist a batch at a time, so memory stays near the panel's size for any lookback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from data.adjust import adjusted
from data.bars import Bars
from data.errors import TooFewBars
from data.features import features
from data.scaling import Scaling, SeriesScaling, fit_series_range

Array = np.ndarray[Any, np.dtype[np.float64]]
Float32 = np.ndarray[Any, np.dtype[np.float32]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]
Index = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

Target = Literal["change", "level"]


@dataclass(frozen=True, slots=True)
class Panel:
    """Feature rows of all symbols, symbol after symbol, in session order.

    Attributes:
        symbols: the names.
        series: `(rows,)`, the position in `symbols` of each row's symbol.
        session: `(rows,) datetime64[D]`.
        values: `(rows, features) float64`, free of NaN.
        close: `(rows,)` backward-adjusted close [currency].
        factor: `(rows,)` adjustment factor; close / factor is the close as traded.
    """

    symbols: tuple[str, ...]
    series: Index
    session: Days
    values: Array
    close: Array
    factor: Array

    def only(self, rows: Mask) -> Panel:
        """Some of the rows, `(rows,)`; the symbols keep their positions."""
        return replace(
            self,
            series=self.series[rows],
            session=self.session[rows],
            values=self.values[rows],
            close=self.close[rows],
            factor=self.factor[rows],
        )


def panel(bars: Bars, names: Sequence[str]) -> Panel:
    """Features of every symbol in `bars`. Rows before a feature has the past that it needs are left out.

    Raises:
        UnknownFeature: a name is not in `data.features.FEATURES`.
    """
    table = adjusted(bars, "backward")
    pieces = []
    for position, (_, own) in enumerate(table.groupby("symbol", sort=True)):
        values = features(own, names)
        usable = ~np.isnan(values).any(axis=1)
        pieces.append(
            (
                np.full(int(usable.sum()), position, dtype=np.int64),
                own["session"].to_numpy()[usable].astype("datetime64[D]"),
                values[usable],
                own["close"].to_numpy(dtype="float64")[usable],
                own["adj_factor"].to_numpy(dtype="float64")[usable],
            )
        )
    if not pieces:
        nothing = np.empty(0)
        rows = np.empty(0, dtype=np.int64)
        return Panel((), rows, rows.astype("datetime64[D]"), np.empty((0, len(names))), nothing, nothing)
    series, session, values, close, factor = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return Panel(bars.symbols, series, session, values, close, factor)


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
    """

    panel: Panel
    lookback: int
    last: Index
    scaling: Scaling
    y: Float32
    offset: Array
    scale: Array

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
    def outcome(self) -> Days:
        """`(n,) datetime64[D]`: the session of each window's last target, NaT where it is not known yet."""
        ahead = np.minimum(self.last + self.y.shape[1], len(self.panel.session) - 1)
        return np.where(self.known, self.panel.session[ahead], np.datetime64("NaT", "D"))

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
        names = [self.panel.symbols[position] for position in self.panel.series[rows]]
        return self.scaling.inputs(self.raw[rows - self.lookback + 1], names)

    def prices(self, y: np.ndarray[Any, Any]) -> Array:
        """Scaled values back to backward-adjusted prices [currency].

        Args:
            y: `(n, ...)`, one leading entry a window.
        """
        shape = (len(self),) + (1,) * (y.ndim - 1)
        return np.asarray(self.offset.reshape(shape) + self.scale.reshape(shape) * y.astype(np.float64))

    def take(self, index: Index | Mask) -> Windows:
        """Some of the windows, over the same panel."""
        return replace(self, last=self.last[index], y=self.y[index], offset=self.offset[index], scale=self.scale[index])


def cut(rows: Panel, *, lookback: int, horizon: int, target: Target, scaling: Scaling) -> Windows:
    """Every window of every symbol, the newest (whose target is not known yet) included.

    Args:
        rows: the panel.
        lookback: sessions in a window, at least 2.
        horizon: sessions ahead, at least 1.
        target: `change` from the last close, or the price `level`; both in units of the scaling's range.
        scaling: how to scale.

    Raises:
        TooFewBars: no symbol has `lookback` rows.
        UnscaledSymbol: the scaling does not know one of the symbols.
    """
    length = len(rows.close)
    # A stretch is a window where its first row belongs to the same symbol as its last.
    last = np.arange(lookback - 1, length, dtype=np.int64)
    last = last[rows.series[last] == rows.series[last - lookback + 1]]
    if not len(last):
        raise TooFewBars(", ".join(rows.symbols) or "no symbol", lookback, length)
    names = [rows.symbols[position] for position in rows.series[last]]
    closes = sliding_window_view(rows.close, lookback)[last - lookback + 1]
    low, width = scaling.target_range(closes, names)
    offset = rows.close[last] if target == "change" else low
    future = _future(rows, last, horizon)
    y = ((future - offset[:, None]) / width[:, None]).astype(np.float32)
    return Windows(rows, lookback, last, scaling, y, offset, width)


def fit_series_scaling(rows: Panel, through: np.datetime64) -> SeriesScaling:
    """Per-series ranges from the rows up to the session `through`; symbols without such rows get none."""
    training = rows.session <= through
    ranges = {}
    for position, symbol in enumerate(rows.symbols):
        own = training & (rows.series == position)
        if own.any():
            ranges[symbol] = fit_series_range(rows.values[own], rows.close[own])
    return SeriesScaling(ranges)


def _future(rows: Panel, last: Index, horizon: int) -> Array:
    """`(n, horizon)`: the closes that followed, NaN beyond the symbol's last row."""
    ahead = last[:, None] + np.arange(1, horizon + 1)  # (n, horizon)
    inside = np.minimum(ahead, len(rows.close) - 1)
    same = (ahead < len(rows.close)) & (rows.series[inside] == rows.series[last][:, None])
    return np.where(same, rows.close[inside], np.nan)
