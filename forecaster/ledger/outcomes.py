"""Published forecasts beside what came: joined when they are read, from the prices as they are known now.

The outcome of step k is the k-th bar after `as_of`, as in a bundle's evidence and in training. A share that did not
trade on its target session has its outcome on the day on which it trades again; until then the forecast is pending.

A forecast says how far the price moves from the close that it knew. So the store's own close of `as_of` is its base,
and quantiles keep their ratio to it: after a dividend like is compared with like, and where a source restates factors
or whole adjusted histories, base and outcome move together. What was published stays as it was.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from data.bars import Bars
from forecaster.ledger.table import Ledger

_ROUNDING: Final = 1e-9

# How `forecaster.diagnostics.table.column` names them.
_LEVEL: Final = r"[\d.]+(e-\d+)?"
_NAIVE: Final = rf"naive {_LEVEL}"


def live_record(ledger: Ledger, bars: Bars, name: str, symbol: str | None = None, *, step: int = 1) -> pd.DataFrame:
    """The published forecasts whose outcomes are known, in the form of a bundle's evidence.

    Args:
        ledger: what was published.
        bars: the prices, with the whole history of the symbols.
        name: the model's name.
        symbol: one symbol's only.
        step: of the horizon; evidence is about the first.

    Returns:
        The rows of `joined` that have an outcome; those without are pending, and never zero.

    Raises:
        LedgerUnavailable, UnsupportedLedger: the ledger cannot be read.
    """
    found = joined(ledger.read(name, symbol, step), bars)
    return found[found["session"].notna()].reset_index(drop=True)


def joined(published: pd.DataFrame, bars: Bars) -> pd.DataFrame:
    """Each published forecast with what came of it.

    Args:
        published: one model's forecasts at one step, as `Ledger.read` gives them.
        bars: the prices, with the whole history of the symbols.

    Returns:
        One row a forecast, ordered by symbol and origin. `symbol`, `origin`, `session`, `actual`, `previous_close`,
        `in_sample_mae`, `in_sample_mse`, the quantiles and the naive ones are as in a bundle's evidence: adjusted
        closes on the scale of the symbol's last outcome. Beside them `version`, `published_at`, `target_session`, and
        `restated`: whether the close that the forecast rests on is no longer the one that it was published with. A
        forecast without an outcome has NaT and NaN.
    """
    # A calendar that was corrected in between can give one origin two target sessions: the first one counts.
    table = published.sort_values(["symbol", "as_of", "published_at"]).drop_duplicates(["symbol", "as_of"])
    table = table.rename(columns={"as_of": "origin"}).reset_index(drop=True)
    quantiles = [*level_columns(table), *table.columns[table.columns.str.fullmatch(_NAIVE)]]
    close, factor = (bars.frame[name].to_numpy() for name in ("close", "adj_factor"))
    price = close * factor
    origin, outcome = _places(table, bars)
    came = outcome >= 0
    base = np.where(came, _taken(price, origin), np.nan)
    last_close = table["last_close"].to_numpy()

    table["session"] = pd.Series(pd.NaT, index=table.index, dtype="datetime64[s]")
    table.loc[came, "session"] = bars.frame["session"].to_numpy()[outcome[came]].astype("datetime64[s]")
    table["previous_close"] = base
    table["actual"] = _taken(price, outcome)
    # In this order, so that the naive median is exactly the close before.
    table[quantiles] = table[quantiles].div(last_close, axis="index").mul(base, axis="index")
    mae, mse = _in_sample(table[came], bars, price)
    table["in_sample_mae"], table["in_sample_mse"] = (one.reindex(table["symbol"]).to_numpy() for one in (mae, mse))
    scale = pd.Series(_taken(factor, outcome)).groupby(table["symbol"]).transform("last")
    prices = ["actual", "previous_close", "in_sample_mae", *quantiles]
    table[prices] = table[prices].div(scale, axis="index")
    table["in_sample_mse"] /= scale**2
    table["restated"] = np.abs(_taken(close, origin) - last_close) > _ROUNDING * last_close
    facts = ["version", "published_at", "target_session", "restated"]
    return table[["symbol", "origin", "session", *prices[:3], "in_sample_mse", *quantiles, *facts]]


def level_columns(table: pd.DataFrame) -> pd.Index[str]:
    """The columns of `table` that are quantiles."""
    return table.columns[table.columns.str.fullmatch(_LEVEL)]


def _places(table: pd.DataFrame, bars: Bars) -> tuple[np.ndarray, np.ndarray]:
    """For each forecast the positions in `bars` of the bar that it knew last and of its outcome; -1 for none."""
    frame = bars.frame
    places = pd.MultiIndex.from_arrays([frame["symbol"], frame["session"]])
    origin = places.get_indexer(pd.MultiIndex.from_arrays([table["symbol"], table["origin"]]))
    outcome = origin + table["step"].to_numpy()
    inside = (origin >= 0) & (outcome < len(frame))
    symbols = frame["symbol"].to_numpy()
    inside[inside] = symbols[outcome[inside]] == symbols[origin[inside]]
    return origin, np.where(inside, outcome, -1)


def _taken(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The values at some places, NaN where a place is -1."""
    found = np.full(len(places), np.nan)
    found[places >= 0] = values[places[places >= 0]]
    return found


def _in_sample(judged: pd.DataFrame, bars: Bars, price: np.ndarray) -> tuple[pd.Series, pd.Series]:
    """For each symbol the mean absolute and the mean squared change of the adjusted close up to its first origin."""
    if judged.empty:
        return pd.Series(dtype="float64"), pd.Series(dtype="float64")
    symbols = bars.frame["symbol"]
    first = symbols.map(judged.groupby("symbol")["origin"].min())
    change = pd.Series(price).groupby(symbols.to_numpy()).diff()[(bars.frame["session"] <= first).to_numpy()]
    by_symbol = symbols[change.index]
    return change.abs().groupby(by_symbol).mean(), (change**2).groupby(by_symbol).mean()
