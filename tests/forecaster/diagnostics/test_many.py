"""Many symbols at once say what each says alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecaster.diagnostics import table as tables
from forecaster.diagnostics.diagnostics import diagnose
from forecaster.diagnostics.many import diagnose_many
from forecaster.diagnostics.record import BadRecord, ForecastRecord
from forecaster.diagnostics.table import column, naive_column, record_of, rows_of
from tests.forecaster.diagnostics.records import LEVELS, distribution

# Neighbours and strangers of equal length, one too short to judge, one alone.
SIZES = {"B": 90, "A": 90, "D": 59, "C": 120, "E": 90, "F": 120, "G": 61}


def rows(symbol: str, it: ForecastRecord) -> pd.DataFrame:
    assert it.naive_quantiles is not None
    return pd.DataFrame(
        {
            "symbol": symbol,
            "session": it.session.astype("datetime64[s]"),
            "actual": it.actual,
            "previous_close": it.previous_close,
            "in_sample_mae": 1.5,
            "in_sample_mse": 4.0,
            **{column(level): it.quantiles[:, at] for at, level in enumerate(LEVELS)},
            **{naive_column(level): it.naive_quantiles[:, at] for at, level in enumerate(LEVELS)},
        }
    )


@pytest.fixture(scope="module")
def universe() -> pd.DataFrame:
    table = pd.concat(
        [rows(symbol, distribution(seed, n)) for seed, (symbol, n) in enumerate(SIZES.items())], ignore_index=True
    )
    table.loc[table["symbol"] == "C", ["in_sample_mae", "in_sample_mse"]] = np.nan
    table.loc[table["symbol"] == "E", [naive_column(level) for level in LEVELS]] = np.nan
    # One session without a naive distribution: there is no comparison with it.
    table.loc[table.index[table["symbol"] == "F"][7], naive_column(0.5)] = np.nan
    # A close that never moves, and a forecast that is it.
    still = table["symbol"] == "G"
    table.loc[still, [*tables_prices(), "actual", "previous_close"]] = 10.0
    return table


def tables_prices() -> list[str]:
    return [column(level) for level in LEVELS]


def numbers(value: Any) -> Any:
    """Figures compared as figures: to 1e-12."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-12, abs=1e-12)
    if isinstance(value, dict):
        return {key: numbers(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(numbers(one) for one in value)
    return value


def test_each_symbol_as_it_says_alone(universe: pd.DataFrame) -> None:
    found = diagnose_many(universe, LEVELS)
    assert list(found) == ["A", "B", "C", "D", "E", "F", "G"]
    for symbol, one in found.items():
        record = record_of(universe, symbol, LEVELS)
        assert record is not None
        assert one.sessions == record.n == SIZES[symbol]
        scales = (None, None) if symbol == "C" else (1.5, 4.0)
        assert asdict(one) == numbers(asdict(diagnose(record, *scales))), symbol
    assert found["D"].errors is None
    for symbol, known in {"A": True, "E": False, "F": False}.items():
        tests = found[symbol].significance
        assert tests is not None
        assert (tests.dm_pinball is not None) == known


def test_blocks_of_any_size_say_the_same(universe: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = diagnose_many(universe, LEVELS)
    monkeypatch.setattr(tables, "VALUES", 1)
    for symbol, one in diagnose_many(universe, LEVELS).items():
        assert asdict(one) == numbers(asdict(whole[symbol]))


def test_the_order_of_rows_does_not_matter(universe: pd.DataFrame) -> None:
    shuffled = universe.sample(frac=1.0, random_state=3)
    assert diagnose_many(shuffled, LEVELS) == diagnose_many(universe, LEVELS)


def test_symbols_may_be_categories(universe: pd.DataFrame) -> None:
    named = universe.assign(symbol=universe["symbol"].astype("category"))
    assert diagnose_many(named, LEVELS) == diagnose_many(universe, LEVELS)


def test_a_table_of_before_has_no_yardsticks_and_no_naive_quantiles(universe: pd.DataFrame) -> None:
    old = universe.drop(columns=["in_sample_mae", "in_sample_mse", *(naive_column(level) for level in LEVELS)])
    for symbol, one in diagnose_many(old, LEVELS).items():
        if SIZES[symbol] < 60:
            continue
        assert one.errors is not None
        assert one.significance is not None
        assert (one.errors.mase, one.errors.rmsse, one.errors.pinball_skill) == (None, None, None)
        assert one.significance.dm_pinball is None


def test_no_rows_are_no_symbols(universe: pd.DataFrame) -> None:
    assert diagnose_many(universe.iloc[:0], LEVELS) == {}


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("actual", 0.0, "actual"),
        ("actual", np.nan, "actual"),
        ("previous_close", np.inf, "previous_close"),
        ("0.25", 1e6, "quantiles"),
        ("0.25", np.nan, "quantiles"),
        ("naive 0.9", 0.0, "naive_quantiles"),
        ("session", pd.Timestamp("2024-01-01"), "session"),
        ("in_sample_mae", -1.0, "in_sample_mae"),
        ("in_sample_mse", np.inf, "in_sample_mse"),
    ],
)
def test_a_bad_row_is_named_with_its_symbol(universe: pd.DataFrame, name: str, value: Any, field: str) -> None:
    table = universe.copy()
    own = table.index[table["symbol"] == "C"]
    table.loc[own[0 if name.startswith("in_sample") else 5], name] = value
    with pytest.raises(BadRecord) as caught:
        diagnose_many(table, LEVELS)
    assert (caught.value.field, caught.value.symbol) == (field, "C")


def test_bad_levels_are_refused(universe: pd.DataFrame) -> None:
    with pytest.raises(BadRecord, match="levels"):
        rows_of(universe, (0.05, 0.95))
