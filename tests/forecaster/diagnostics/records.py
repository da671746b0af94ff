"""Records to test with: random walks of closes and forecasts of a known kind."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtri

from forecaster.diagnostics.record import ForecastRecord

Floats = NDArray[np.float64]

LEVELS = (0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95)


def walk(seed: int, n: int) -> Floats:
    """`n` closes that start near 100 and move by about 2 % a session."""
    steps = np.random.default_rng(seed).normal(0.0, 0.02, n)
    return 100.0 * np.exp(np.cumsum(steps))


def record(closes: Floats, forecast: Floats, *, width: float = 4.0, level: float = 0.9) -> ForecastRecord:
    """A record over `closes[1:]`: `closes` is one longer, so that each session has a previous close."""
    n = closes.size - 1
    return ForecastRecord.of_interval(
        session=np.datetime64("2024-01-01", "D") + np.arange(n),
        actual=closes[1:],
        forecast=forecast,
        lower=forecast - width / 2,
        upper=forecast + width / 2,
        previous_close=closes[:-1],
        level=level,
    )


def noisy(seed: int, n: int) -> ForecastRecord:
    """A forecast that knows nothing: the last close with an error of about 1 %."""
    closes = walk(seed, n + 1)
    error = np.random.default_rng(seed + 1).normal(0.0, 0.01, n)
    return record(closes, closes[:-1] * np.exp(error))


def late(seed: int, n: int, k: int, *, width: float = 4.0) -> ForecastRecord:
    """A forecast that is the close of exactly `k` sessions before (0: perfect, 1: an echo)."""
    closes = walk(seed, n + 1 + k)
    return record(closes[k:], closes[1 : n + 1], width=width)


def distribution(seed: int, n: int, *, known: float = 0.3, spread: float = 0.015) -> ForecastRecord:
    """Nine quantiles around a median that knows a part of each move, and naive ones around the last close."""
    closes = walk(seed, n + 1)
    previous = closes[:-1, None]
    move = known * np.diff(np.log(closes)) + np.random.default_rng(seed + 1).normal(0.0, 0.005, n)
    return ForecastRecord(
        session=np.datetime64("2024-01-01", "D") + np.arange(n),
        actual=closes[1:],
        previous_close=closes[:-1],
        quantiles=previous * np.exp(move[:, None] + spread * ndtri(LEVELS)),
        levels=LEVELS,
        naive_quantiles=previous * np.exp(0.02 * ndtri(LEVELS)),
    )


def scaled(it: ForecastRecord, factor: float) -> ForecastRecord:
    """The same record in another currency."""
    return dataclasses.replace(
        it,
        actual=it.actual * factor,
        previous_close=it.previous_close * factor,
        quantiles=it.quantiles * factor,
        naive_quantiles=None if it.naive_quantiles is None else it.naive_quantiles * factor,
    )


seeds = st.integers(0, 2**31 - 1)
sizes = st.integers(60, 300)
