from __future__ import annotations

import numpy as np
import pandas as pd

from forecaster.backtest.table import compared

LEVELS = (0.05, 0.5, 0.95)


def forecasts(symbols: str, days: tuple[int, ...], median: float) -> pd.DataFrame:
    origin = pd.to_datetime([f"2020-01-{day:02}" for day in days]).to_numpy().astype("datetime64[s]")
    values = {"0.05": median - 1, "0.5": median + np.arange(len(days)), "0.95": median + 9}
    return pd.DataFrame({"symbol": pd.Series(list(symbols), dtype="str"), "origin": origin, **values})


def test_only_what_all_forecast_is_compared_in_one_order() -> None:
    asked = forecasts("AAAB", (6, 7, 8, 7), 0.0)[["symbol", "origin"]]
    outcomes = asked.assign(fold=1, session=asked["origin"] + pd.Timedelta(days=1), previous_close=10.0, actual=11.0)
    # One knows A's first day, too, and its order is another; the other has an origin without an outcome (the 9th).
    first = forecasts("BAAA", (7, 8, 7, 6), 100.0)
    second = forecasts("AAAB", (7, 8, 9, 7), 200.0)
    found = compared(outcomes, {("x", 0): first, ("y", 3): second}, LEVELS)
    assert (found.asked, found.common, found.missing) == (4, 3, {("x", 0): 0, ("y", 3): 1})
    table = found.table
    assert list(table.columns[:3]) == ["model", "seed", "symbol"]
    assert table["model"].tolist() == ["x"] * 3 + ["y"] * 3
    assert table["seed"].tolist() == [0, 0, 0, 3, 3, 3]
    assert table["symbol"].tolist() == ["A", "A", "B"] * 2
    assert table["origin"].dt.day.tolist() == [7, 8, 7] * 2
    assert table["0.5"].tolist() == [102.0, 101.0, 100.0, 200.0, 201.0, 203.0]
