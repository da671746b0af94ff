"""MinMax scaling of windows, in two forms.

`WindowScaling` (the default) scales each window by its own range. No statistic leaves the window, so nothing of
the future can reach it, and one network serves every symbol and price level.

`SeriesScaling` is the classic form: scikit-learn's `MinMaxScaler`, fitted for each symbol on training rows only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from data.errors import UnscaledSymbol

Array = np.ndarray[Any, np.dtype[np.float64]]
Float32 = np.ndarray[Any, np.dtype[np.float32]]
Index = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

# A share that hardly moved has a range of almost nothing, and a target in units of it would be enormous.
# The range that a target is expressed in is therefore at least this part of the last close.
LEAST_RANGE: Final = 0.01

# What a flat column is divided by: its distances to its own minimum are zero, and stay so.
_NO_WIDTH: Final = float(np.finfo(np.float64).tiny)


class Scaling(Protocol):
    """Raw windows -> network inputs, and the range that a level is expressed in."""

    def inputs(self, raw: Array, symbols: Sequence[str], series: Index, minmax: Mask) -> Float32:
        """Scaled windows.

        Args:
            raw: `(n, lookback, features) float64`.
            symbols: the names.
            series: `(n,)`, the position in `symbols` of the one whose window each is.
            minmax: `(features,)`, which columns are to be scaled; the others are free of units.

        Raises:
            UnscaledSymbol: the scaling does not know one of the symbols.
        """
        ...

    def target_range(
        self, close: Array, last: Index, lookback: int, symbols: Sequence[str], series: Index
    ) -> tuple[Array, Array]:
        """The low end and the width, both `(n,)` in currency, of the range that levels are expressed in.

        Args:
            close: `(rows,)` adjusted closes of a panel.
            last: `(n,)`, the row of each window's last session.
            lookback: sessions in a window.
            symbols: the names.
            series: `(n,)`, the position in `symbols` of the one whose window each is.

        Raises:
            UnscaledSymbol: the scaling does not know one of the symbols.
        """
        ...

    def require(self, symbol: str) -> None:
        """Raises `UnscaledSymbol` where the scaling does not know the symbol."""
        ...


@dataclass(frozen=True, slots=True)
class WindowScaling:
    """Each column of a window by that column's own minimum and maximum within the window; a flat one becomes 0."""

    def inputs(self, raw: Array, symbols: Sequence[str], series: Index, minmax: Mask) -> Float32:
        """See `Scaling.inputs`."""
        scaled: Float32 = raw.astype(np.float32)
        columns = _places(minmax.tobytes())
        own = raw[..., columns]
        low = np.minimum.reduce(own, axis=1, keepdims=True)  # (n, 1, columns)
        width = np.maximum.reduce(own, axis=1, keepdims=True)
        width -= low
        own = own - low
        own /= np.maximum(width, _NO_WIDTH)
        scaled[..., columns] = own
        return scaled

    def target_range(
        self, close: Array, last: Index, lookback: int, symbols: Sequence[str], series: Index
    ) -> tuple[Array, Array]:
        """See `Scaling.target_range`: the window's own lowest close, and its range of closes."""
        rolling = pd.Series(close).rolling(lookback)
        low = rolling.min().to_numpy()[last]
        width = rolling.max().to_numpy()[last] - low
        return low, np.maximum(width, LEAST_RANGE * close[last])

    def require(self, symbol: str) -> None:
        """See `Scaling.require`: a window brings its own range."""


@dataclass(frozen=True, slots=True)
class SeriesRange:
    """What was fitted for one symbol: each feature's extremes `(features,)`, and the close's."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    close_low: float
    close_high: float


@dataclass(frozen=True, slots=True)
class SeriesScaling:
    """Each column by its minimum and maximum over the symbol's training rows."""

    ranges: Mapping[str, SeriesRange]

    def inputs(self, raw: Array, symbols: Sequence[str], series: Index, minmax: Mask) -> Float32:
        """See `Scaling.inputs`. Later rows may leave 0 to 1: clipping them would hide a new high."""
        ranges = self._of(symbols, series)
        low = np.array([one.low for one in ranges])[:, None, :]  # (n, 1, features)
        width = np.array([one.high for one in ranges])[:, None, :] - low
        return _scaled(raw, np.where(minmax, low, 0.0), np.where(minmax, width, 1.0))

    def target_range(
        self, close: Array, last: Index, lookback: int, symbols: Sequence[str], series: Index
    ) -> tuple[Array, Array]:
        """See `Scaling.target_range`: the lowest close of the training rows, and their range."""
        ranges = self._of(symbols, series)
        low = np.array([one.close_low for one in ranges])
        width = np.array([one.close_high for one in ranges]) - low
        return low, np.maximum(width, LEAST_RANGE * close[last])

    def require(self, symbol: str) -> None:
        """See `Scaling.require`: the symbol must have been among the training rows."""
        if symbol not in self.ranges:
            raise UnscaledSymbol(symbol)

    def _of(self, symbols: Sequence[str], series: Index) -> list[SeriesRange]:
        for position in np.unique(series):
            self.require(symbols[position])
        return [self.ranges[symbols[position]] for position in series.tolist()]


@lru_cache
def _places(minmax: bytes) -> slice | Index:
    """Which columns are marked; those that stand together, as in the default spec, as a slice, which copies nothing."""
    places = np.flatnonzero(np.frombuffer(minmax, dtype=bool))
    if len(places) and places[-1] - places[0] + 1 == len(places):
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


def _scaled(raw: Array, low: Array, width: Array) -> Float32:
    scaled: Float32 = ((raw - low) / np.where(width > 0, width, 1.0)).astype(np.float32)
    return scaled


def fit_series_range(values: Array, closes: Array) -> SeriesRange:
    """The range of one symbol's training rows, by scikit-learn.

    Args:
        values: `(rows, features)` training rows, at least one.
        closes: `(rows,)` their adjusted closes.
    """
    # Imported here: fitting happens when a model is trained, and a server that starts need not wait for it.
    from sklearn.preprocessing import MinMaxScaler

    fitted = MinMaxScaler().fit(np.column_stack([values, closes]))
    low, high = fitted.data_min_.tolist(), fitted.data_max_.tolist()
    return SeriesRange(tuple(low[:-1]), tuple(high[:-1]), low[-1], high[-1])
