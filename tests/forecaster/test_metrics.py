from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from forecaster.diagnostics.diagnostics import diagnose, insufficient
from forecaster.diagnostics.record import ForecastRecord
from forecaster.metrics import pooled_metrics
from tests.forecaster.diagnostics.records import noisy, record, walk


def table(records: dict[str, ForecastRecord]) -> pd.DataFrame:
    """What `pooled_metrics` reads of the evidence behind some records."""
    pieces = [
        pd.DataFrame(
            {
                "symbol": symbol,
                "origin": one.session,
                "previous_close": one.previous_close,
                "actual": one.actual,
                "0.5": one.forecast,
            }
        )
        for symbol, one in records.items()
    ]
    return pd.concat(pieces, ignore_index=True)


def test_means_over_symbols_with_enough_evidence() -> None:
    records = {"A": noisy(1, 100), "B": noisy(2, 80), "C": noisy(3, 20)}
    one, two = diagnose(records["A"], 2.0), diagnose(records["B"], None)
    assert one.errors is not None
    assert two.errors is not None
    assert one.coverage is not None
    assert two.coverage is not None
    found = pooled_metrics({"A": one, "B": two, "C": insufficient(20)}, table(records))
    assert found == {
        "skill_vs_naive": pytest.approx((one.errors.skill_vs_naive + two.errors.skill_vs_naive) / 2),
        "mase": one.errors.mase,
        "directional_accuracy": pytest.approx((one.errors.directional_accuracy + two.errors.directional_accuracy) / 2),
        "coverage": pytest.approx((one.coverage.observed + two.coverage.observed) / 2),
        "symbols_judged": 2.0,
        "symbols_beating_naive": 0.0,
        "symbols_beating_naive_corrected": 0.0,
    }
    assert pooled_metrics({"C": insufficient(20)}, table({"C": records["C"]})) == {}


def test_who_beats_naive_and_how_shares_are_ranked() -> None:
    records = {}
    for seed in range(6):
        closes = walk(seed, 101)
        # Half of each move is known beforehand, by three symbols; the others know nothing.
        known = closes[:-1] + 0.5 * np.diff(closes) if seed < 3 else noisy(seed, 100).forecast
        records[f"S{seed}"] = record(closes, known)
    found = pooled_metrics({name: diagnose(one, None) for name, one in records.items()}, table(records))
    assert found["symbols_judged"] == 6.0
    assert found["symbols_beating_naive"] == found["symbols_beating_naive_corrected"] == 3.0
    moves = [[(one.forecast / one.previous_close - 1)[day] for one in records.values()] for day in range(100)]
    came = [[(one.actual / one.previous_close - 1)[day] for one in records.values()] for day in range(100)]
    daily = np.array([spearmanr(p, r).statistic for p, r in zip(moves, came, strict=True)])
    assert found["rank_ic"] == pytest.approx(daily.mean())
    assert found["rank_icir"] == pytest.approx(daily.mean() / daily.std(ddof=1))


def test_a_skill_that_is_not_known_is_not_there() -> None:
    one = diagnose(noisy(1, 100), None)
    assert one.errors is not None
    blind = dataclasses.replace(one, errors=dataclasses.replace(one.errors, skill_vs_naive=None))
    assert "skill_vs_naive" not in pooled_metrics({"A": blind}, table({"A": noisy(1, 100)}))
