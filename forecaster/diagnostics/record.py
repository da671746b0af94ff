"""The evidence about one symbol: one-session-ahead forecasts and what the closes turned out to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class BadRecord(ValueError):
    """A forecast record that no figure may be computed from.

    Attributes:
        field: the field at fault.
        expected: what it has to be.
        received: what came.
    """

    def __init__(self, field: str, expected: str, received: str) -> None:
        self.field, self.expected, self.received = field, expected, received
        super().__init__(f"forecast record, {field}: expected {expected}, received {received}")


@dataclass(frozen=True, slots=True, eq=False)
class ForecastRecord:
    """Forecasts of one symbol, each made at the close before its session, with their outcomes.

    All prices are adjusted closes [currency] on one scale. The arrays are read, never changed.

    Attributes:
        session: `(n,)` datetime64[D], the sessions forecast, strictly increasing.
        actual: `(n,)` float64, the closes that came, > 0.
        forecast: `(n,)` float64, the forecasts (medians); a bad network can say 0.
        lower: `(n,)` float64, lower ends of the interval.
        upper: `(n,)` float64, upper ends of the interval, nowhere below `lower`.
        previous_close: `(n,)` float64, the last closes known when the forecasts were made, > 0.
        level: nominal share of closes inside the interval [1], in (0, 1).

    Raises:
        BadRecord: a field is not as described here.
    """

    session: NDArray[np.datetime64]
    actual: Floats
    forecast: Floats
    lower: Floats
    upper: Floats
    previous_close: Floats
    level: float

    def __post_init__(self) -> None:
        _check_sessions(self.session)
        for name in ("actual", "previous_close"):
            _check_prices(name, getattr(self, name), self.n, positive=True)
        for name in ("forecast", "lower", "upper"):
            _check_prices(name, getattr(self, name), self.n, positive=False)
        crossed = np.flatnonzero(self.lower > self.upper)
        if crossed.size:
            at = int(crossed[0])
            raise BadRecord("lower", f"at most upper ({self.upper[at]})", f"{self.lower[at]} at position {at}")
        if not 0.0 < self.level < 1.0:
            raise BadRecord("level", "a share in (0, 1)", str(self.level))

    @property
    def n(self) -> int:
        """The number of sessions."""
        return self.session.size


def _check_sessions(session: NDArray[np.datetime64]) -> None:
    if session.dtype != np.dtype("datetime64[D]") or session.ndim != 1 or session.size == 0:
        raise BadRecord("session", "datetime64[D] of shape (n,), n >= 1", f"{session.dtype} of shape {session.shape}")
    if np.isnat(session).any():
        raise BadRecord("session", "dates only", f"NaT at position {int(np.isnat(session).argmax())}")
    backward = np.flatnonzero(session[1:] <= session[:-1])
    if backward.size:
        at = int(backward[0])
        raise BadRecord("session", "strictly increasing dates", f"{session[at + 1]} after {session[at]}")


def _check_prices(name: str, values: Floats, n: int, *, positive: bool) -> None:
    if values.dtype != np.float64 or values.shape != (n,):
        raise BadRecord(name, f"float64 of shape ({n},)", f"{values.dtype} of shape {values.shape}")
    good = np.isfinite(values) & (values > 0.0) if positive else np.isfinite(values)
    if not good.all():
        at = int(good.argmin())
        expected = "finite prices above zero" if positive else "finite prices"
        raise BadRecord(name, expected, f"{values[at]} at position {at}")
