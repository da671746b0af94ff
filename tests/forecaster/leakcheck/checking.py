"""Small markets and specs to check."""

from __future__ import annotations

from functools import cache
from typing import Any

from data.bars import Bars
from forecaster.leakcheck import Pipeline, Report, leakcheck
from forecaster.spec import ModelSpec, TrainSpec, parse
from tests.data.tables import market, trusted

TRAINING = TrainSpec(validation=20, test=20)


@cache
def shares(sessions: int = 110, suspended: float = 0.05) -> Bars:
    """Two exchanges, splits, suspensions, and days without a move."""
    names = ("600000.SH", "AAPL", "IBM", "MSFT")
    return trusted(market(5, sessions=sessions, suspended=suspended, names=names))


def spec(*features: str, **changes: Any) -> ModelSpec:
    return parse(ModelSpec, {"lookback": 5, "features": features or ("close", "volume"), **changes})


def check(of: ModelSpec, pipeline: Pipeline | None = None, *, bars: Bars | None = None, cuts: int = 1) -> Report:
    return leakcheck(bars or shares(), of, TRAINING, pipeline or Pipeline(), cuts=cuts)
