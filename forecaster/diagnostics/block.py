"""Records of equal length side by side: what the figures are computed from, many symbols at once.

A call a symbol costs more than its arithmetic. Every figure is therefore a function of a block, and that of one
record is the block of one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecaster.diagnostics.record import Floats, ForecastRecord


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """m records of n sessions each, with the same levels. Assumes what `ForecastRecord` checks.

    Attributes:
        session: `(m, n)` datetime64[D].
        actual: `(m, n)` [currency].
        previous_close: `(m, n)` [currency].
        quantiles: `(q, m, n)` [currency].
        levels: `(q,)` [1].
        naive_quantiles: `(q, m, n)` [currency], NaN where not known; None where it is for no record.
    """

    session: NDArray[np.datetime64]
    actual: Floats
    previous_close: Floats
    quantiles: Floats
    levels: tuple[float, ...]
    naive_quantiles: Floats | None

    @classmethod
    def of(cls, record: ForecastRecord) -> Block:
        """A block of one."""
        naive = record.naive_quantiles
        return cls(
            session=record.session[None],
            actual=record.actual[None],
            previous_close=record.previous_close[None],
            quantiles=np.ascontiguousarray(record.quantiles.T)[:, None],  # (q, 1, n)
            levels=record.levels,
            naive_quantiles=None if naive is None else np.ascontiguousarray(naive.T)[:, None],
        )

    @property
    def n(self) -> int:
        """Sessions in each record."""
        return int(self.actual.shape[-1])

    @property
    def forecast(self) -> Floats:
        """`(m, n)`: the medians."""
        median: Floats = self.quantiles[self.levels.index(0.5)]
        return median

    def record(self, at: int) -> ForecastRecord:
        """One of the records.

        Raises:
            BadRecord: it is none.
        """
        naive = None if self.naive_quantiles is None else self.naive_quantiles[:, at].T
        return ForecastRecord(
            session=self.session[at],
            actual=self.actual[at],
            previous_close=self.previous_close[at],
            quantiles=self.quantiles[:, at].T,
            levels=self.levels,
            naive_quantiles=None if naive is None or np.isnan(naive).any() else naive,
        )

    def faulty(self) -> NDArray[np.bool_]:
        """`(m,)`: which records `ForecastRecord` would refuse for their sessions or prices."""
        good = np.asarray((self.session[:, 1:] > self.session[:, :-1]).all(axis=-1))
        good &= ~np.isnat(self.session).any(axis=-1)
        for prices in (self.actual, self.previous_close):
            # Written so that NaN is not good.
            good &= np.asarray(prices.min(axis=-1) > 0.0) & np.asarray(prices.max(axis=-1) < np.inf)
        good &= (self.quantiles[0].min(axis=-1) > -np.inf) & (self.quantiles[-1].max(axis=-1) < np.inf)
        good &= (self.quantiles[1:] >= self.quantiles[:-1]).all(axis=(0, -1))
        if self.naive_quantiles is not None:
            wrong = self.naive_quantiles[1:] < self.naive_quantiles[:-1]
            good &= ~(wrong.any(axis=(0, -1)) | np.isinf(self.naive_quantiles).any(axis=(0, -1)))
        return ~good


def plain(values: NDArray[Any]) -> list[float | None]:
    """`(m,)` as Python floats; None where a value is not defined."""
    return [value if math.isfinite(value) else None for value in values.tolist()]


def columns(*values: NDArray[Any]) -> Iterator[tuple[float | None, ...]]:
    """One tuple a record of what several arrays `(m,)` say about it."""
    return zip(*(plain(one) for one in values), strict=True)
