"""The evidence about one symbol: one-session-ahead forecasts and what the closes turned out to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from forecaster.forecast import interval_level

Floats = NDArray[np.float64]


class BadRecord(ValueError):
    """A forecast record that no figure may be computed from.

    Attributes:
        field: the field at fault.
        expected: what it has to be.
        received: what came.
        symbol: whose record it is; None where that is not known.
    """

    def __init__(self, field: str, expected: str, received: str, symbol: str | None = None) -> None:
        self.field, self.expected, self.received, self.symbol = field, expected, received, symbol
        of = f" of {symbol}" if symbol else ""
        super().__init__(f"forecast record{of}, {field}: expected {expected}, received {received}")


@dataclass(frozen=True, slots=True, eq=False)
class ForecastRecord:
    """Forecasts of one symbol, each made at the close before its session, with their outcomes.

    All prices are adjusted closes [currency] on one scale. The arrays are read, never changed.

    Attributes:
        session: `(n,)` datetime64[D], the sessions forecast, strictly increasing.
        actual: `(n,)` float64, the closes that came, > 0.
        previous_close: `(n,)` float64, the last closes known when the forecasts were made, > 0.
        quantiles: `(n, q)` float64, non-decreasing in each row; a bad network can say 0.
        levels: `(q,)` probabilities of the quantiles [1], ascending, 0.5 among them.
        naive_quantiles: `(n, q)` float64, what "same as yesterday", spread as the symbol's own past, said; None
            where that is not known for every session.

    Raises:
        BadRecord: a field is not as described here.
    """

    session: NDArray[np.datetime64]
    actual: Floats
    previous_close: Floats
    quantiles: Floats
    levels: tuple[float, ...]
    naive_quantiles: Floats | None = None

    def __post_init__(self) -> None:
        _check_sessions(self.session)
        check_levels(self.levels)
        for name in ("actual", "previous_close"):
            _check_prices(name, getattr(self, name), (self.n,), positive=True)
        _check_quantiles("quantiles", self.quantiles, (self.n, len(self.levels)))
        if self.naive_quantiles is not None:
            _check_quantiles("naive_quantiles", self.naive_quantiles, (self.n, len(self.levels)))

    @classmethod
    def of_interval(
        cls,
        session: NDArray[np.datetime64],
        actual: Floats,
        forecast: Floats,
        lower: Floats,
        upper: Floats,
        previous_close: Floats,
        level: float,
    ) -> ForecastRecord:
        """A record of medians with one interval around them.

        Args:
            session, actual, previous_close: see the attributes.
            forecast: `(n,)` medians.
            lower, upper: `(n,)` ends of the central interval around them.
            level: its nominal share of closes inside [1], in (0, 1).

        Raises:
            BadRecord: a field is not as described.
        """
        if not 0.0 < level < 1.0:
            raise BadRecord("level", "a share in (0, 1)", str(level))
        for name, values in (("forecast", forecast), ("lower", lower), ("upper", upper)):
            _check_prices(name, values, (session.size,), positive=False)
        outside = round(0.5 - level / 2, 12)
        quantiles = np.stack([lower, forecast, upper], axis=-1)
        return cls(session, actual, previous_close, quantiles, (outside, 0.5, round(1 - outside, 12)))

    @property
    def n(self) -> int:
        """The number of sessions."""
        return self.session.size

    @property
    def forecast(self) -> Floats:
        """`(n,)`: the medians."""
        return self.quantiles[:, self.levels.index(0.5)]

    @property
    def lower(self) -> Floats:
        """`(n,)`: the lowest quantiles."""
        return self.quantiles[:, 0]

    @property
    def upper(self) -> Floats:
        """`(n,)`: the highest quantiles."""
        return self.quantiles[:, -1]

    @property
    def level(self) -> float:
        """Nominal share of closes between `lower` and `upper` [1]."""
        return interval_level(self.levels)


def check_levels(levels: Sequence[float]) -> None:
    """Whether quantiles of these levels can be judged.

    Raises:
        BadRecord: they are not ascending probabilities on both sides of 0.5, which must be among them.
    """
    good = all(0.0 < one < 1.0 for one in levels) and all(a < b for a, b in pairwise(levels))
    if not good or 0.5 not in levels[1:-1]:
        expected = "ascending probabilities in (0, 1), 0.5 among them and others below and above it"
        raise BadRecord("levels", expected, str(tuple(levels)))


def _check_sessions(session: NDArray[np.datetime64]) -> None:
    if session.dtype != np.dtype("datetime64[D]") or session.ndim != 1 or session.size == 0:
        raise BadRecord("session", "datetime64[D] of shape (n,), n >= 1", f"{session.dtype} of shape {session.shape}")
    if np.isnat(session).any():
        raise BadRecord("session", "dates only", f"NaT at position {int(np.isnat(session).argmax())}")
    backward = np.flatnonzero(session[1:] <= session[:-1])
    if backward.size:
        at = int(backward[0])
        raise BadRecord("session", "strictly increasing dates", f"{session[at + 1]} after {session[at]}")


def _check_prices(name: str, values: Floats, shape: tuple[int, ...], *, positive: bool) -> None:
    if values.dtype != np.float64 or values.shape != shape:
        raise BadRecord(name, f"float64 of shape {shape}", f"{values.dtype} of shape {values.shape}")
    good = np.isfinite(values) & (values > 0.0) if positive else np.isfinite(values)
    if not good.all():
        at = np.unravel_index(int(good.argmin()), shape)
        expected = "finite prices above zero" if positive else "finite prices"
        raise BadRecord(name, expected, f"{values[at]} at position {int(at[0])}")


def _check_quantiles(name: str, values: Floats, shape: tuple[int, int]) -> None:
    _check_prices(name, values, shape, positive=False)
    crossed = np.argwhere(values[:, 1:] < values[:, :-1])
    if crossed.size:
        row, left = crossed[0].tolist()
        received = f"{values[row, left + 1]} above a lower quantile of {values[row, left]} at position {row}"
        raise BadRecord(name, "quantiles that do not fall as their level rises", received)
