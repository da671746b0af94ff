"""MinMax scaling of windows, in two forms.

`WindowScaling` (the default) scales each window by its own range. No statistic leaves the window, so nothing of
the future can reach it, and one network serves every symbol and price level.

`SeriesScaling` is the classic form: scikit-learn's `MinMaxScaler`, fitted for each symbol on training rows only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from data.errors import UnscaledSymbol

Array = np.ndarray[Any, np.dtype[np.float64]]
Float32 = np.ndarray[Any, np.dtype[np.float32]]

# A share that hardly moved has a range of almost nothing, and a target in units of it would be enormous.
# The range that a target is expressed in is therefore at least this part of the last close.
LEAST_RANGE: Final = 0.01


class Scaling(Protocol):
    """Raw windows -> network inputs, and the range that a target is expressed in."""

    def inputs(self, raw: Array, symbols: Sequence[str]) -> Float32:
        """Scaled windows.

        Args:
            raw: `(n, lookback, features) float64`.
            symbols: `(n,)`, whose window each is.

        Raises:
            UnscaledSymbol: the scaling does not know one of the symbols.
        """
        ...

    def target_range(self, closes: Array, symbols: Sequence[str]) -> tuple[Array, Array]:
        """The low end and the width, both `(n,)` in currency, of the range that targets are expressed in.

        Args:
            closes: `(n, lookback)` adjusted closes of each window.
            symbols: `(n,)`, whose window each is.

        Raises:
            UnscaledSymbol: the scaling does not know one of the symbols.
        """
        ...


@dataclass(frozen=True, slots=True)
class WindowScaling:
    """Each column of a window by that column's own minimum and maximum within the window; a flat one becomes 0."""

    def inputs(self, raw: Array, symbols: Sequence[str]) -> Float32:
        """See `Scaling.inputs`."""
        low = raw.min(axis=1, keepdims=True)  # (n, 1, features)
        width = raw.max(axis=1, keepdims=True) - low
        return _scaled(raw, low, width)

    def target_range(self, closes: Array, symbols: Sequence[str]) -> tuple[Array, Array]:
        """See `Scaling.target_range`: the window's own lowest close, and its range of closes."""
        low = closes.min(axis=1)
        return low, np.maximum(closes.max(axis=1) - low, LEAST_RANGE * closes[:, -1])


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

    def inputs(self, raw: Array, symbols: Sequence[str]) -> Float32:
        """See `Scaling.inputs`. Later rows may leave 0 to 1: clipping them would hide a new high."""
        ranges = self._of(symbols)
        low = np.array([one.low for one in ranges])[:, None, :]  # (n, 1, features)
        width = np.array([one.high for one in ranges])[:, None, :] - low
        return _scaled(raw, low, width)

    def target_range(self, closes: Array, symbols: Sequence[str]) -> tuple[Array, Array]:
        """See `Scaling.target_range`: the lowest close of the training rows, and their range."""
        ranges = self._of(symbols)
        low = np.array([one.close_low for one in ranges])
        width = np.array([one.close_high for one in ranges]) - low
        return low, np.maximum(width, LEAST_RANGE * closes[:, -1])

    def _of(self, symbols: Sequence[str]) -> list[SeriesRange]:
        try:
            return [self.ranges[symbol] for symbol in symbols]
        except KeyError as error:
            raise UnscaledSymbol(str(error.args[0])) from None


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
