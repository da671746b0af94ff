"""Raw prices x adjustment factor -> a series without the jumps of splits and dividends.

Backward-adjusted (hfq): price x factor. A later dividend changes none of the history, so everything that
is trained or scored uses it. Forward-adjusted (qfq): price x factor / last factor, the scale of the last
session, which is what people compare with a screen; a new dividend rescales all of it.

Volume is divided by what prices are multiplied with, so that price x volume stays the traded amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from data.bars import PRICES, Bars

Array = np.ndarray[Any, np.dtype[np.float64]]
Direction = Literal["backward", "forward"]

# Adjusted closes are printed with about 15 significant digits at best. A ratio that moves by less than this is
# printing noise; the smallest of dividends moves it by more than 1e-4.
_PRINTING_NOISE: Final = 1e-9


def adjusted(bars: Bars, direction: Direction = "backward") -> pd.DataFrame:
    """Bars with adjusted prices [currency] and volume [shares on the same scale].

    Args:
        bars: raw bars of any number of symbols.
        direction: `backward` needs no future; `forward` divides by each symbol's last factor in `bars`.

    Returns:
        A copy with the columns of `bars`; `adj_factor` is kept as it was.
    """
    table = bars.frame.copy()
    factor = table["adj_factor"]
    if direction == "forward":
        factor = factor / table.groupby("symbol")["adj_factor"].transform("last")
    for name in PRICES:
        table[name] = table[name] * factor
    table["volume"] = table["volume"] / factor
    return table


def adjusted_numbers(numbers: Mapping[str, Array]) -> dict[str, Array]:
    """Bars with backward-adjusted prices and volume, as `adjusted` makes them, without a table.

    Args:
        numbers: open, high, low, close [currency], volume [shares] and adj_factor [1] by these names, each `(n,)`.
    """
    factor = numbers["adj_factor"]
    prices = {name: numbers[name] * factor for name in PRICES}
    return {**prices, "volume": numbers["volume"] / factor, "adj_factor": factor}


def factor_from_adjusted_close(adjusted: pd.Series[float], close: pd.Series[float]) -> pd.Series[float]:
    """The factor behind an adjusted close, constant between ex-dates.

    Args:
        adjusted: `(n,)` adjusted closes in session order, on any scale.
        close: `(n,)` closes as traded.

    Returns:
        `(n,)` factors: `close * factor` is `adjusted`. Rows where either is not a positive number get NaN, for
        validation to find.
    """
    ratio = (adjusted / close).where((adjusted > 0) & (close > 0))
    moved = (ratio.ffill().pct_change().abs() > _PRINTING_NOISE) | ~ratio.ffill().shift().notna()
    return ratio.where(moved).ffill().where(ratio.notna())
