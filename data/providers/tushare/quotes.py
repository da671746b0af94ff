"""Tushare's rows -> the columns of `data.bars`: units, and the factor that belongs to each bar."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

QUOTES: Final = ("ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "vol", "amount")
FACTORS: Final = ("ts_code", "trade_date", "adj_factor")

# vol is in hands of 100 shares, amount in thousands of CNY.
_SHARES: Final = 100
_CNY: Final = 1000

_KEY: Final = ["ts_code", "trade_date"]

# pre_close has two decimals, and with it the ratio that it stands for is known to about half a cent; twice that.
_CENT: Final = 0.01


def bars_table(quotes: pd.DataFrame, factors: pd.DataFrame | None) -> pd.DataFrame:
    """The columns of `data.bars`, sorted by symbol and session; `adj_factor` is NaN where the source has none yet.

    Args:
        quotes: `QUOTES`, as `daily` or `index_daily` answer them.
        factors: `FACTORS`; None for an index, which has no ex-dates.
    """
    if factors is None:
        joined = quotes.assign(adj_factor=1.0)
    else:
        joined = quotes.merge(factors.drop_duplicates(), how="left", on=_KEY)
    joined = joined.drop_duplicates().sort_values(_KEY, ignore_index=True)
    return pd.DataFrame(
        {
            "symbol": joined["ts_code"],
            "session": joined["trade_date"],
            **{name: joined[name] for name in ("open", "high", "low", "close")},
            "volume": _times(joined["vol"], _SHARES),
            "amount": _times(joined["amount"], _CNY),
            "adj_factor": joined["adj_factor"],
        }
    )


def unexplained_factors(quotes: pd.DataFrame, factors: pd.DataFrame) -> list[str]:
    """Where the factor and `pre_close`, the ex-rights reference, tell of different ex-dates; one sentence each."""
    joined = quotes.merge(factors, on=_KEY).drop_duplicates(_KEY).sort_values(_KEY, ignore_index=True)
    numbers = joined[["close", "pre_close", "adj_factor"]].apply(pd.to_numeric, errors="coerce")
    follows = joined["ts_code"].eq(joined["ts_code"].shift())
    by_factor = numbers["adj_factor"] / numbers["adj_factor"].shift()
    by_price = numbers["close"].shift() / numbers["pre_close"]
    room = _CENT / numbers["pre_close"] + 1e-4
    differs = follows & ((by_factor / by_price - 1).abs() > room)
    return [
        f"{row.ts_code} {row.trade_date}: the factor says {factor:.4f} against the session before, "
        f"pre_close says {price:.4f}"
        for row, factor, price in zip(joined[differs].itertuples(), by_factor[differs], by_price[differs], strict=True)
    ]


def _times(column: pd.Series[float], unit: int) -> pd.Series[float]:
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.isna().equals(column.isna()):
        return (numbers * unit).astype(np.float64)
    # What is no number stays as it was written, for the quarantine.
    return (numbers * unit).astype("object").where(numbers.notna(), column)
