"""Real prices without a network: five US shares from 2000-03-01 to 2013-03-01.

From the package bokeh-sampledata (BSD-3-Clause), which ships AAPL, FB, GOOG, IBM and MSFT as traded, with
their adjusted close. The file is read without importing the package, whose import writes to the home folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from data.adjust import factor_from_adjusted_close
from data.errors import MissingPackage, UnknownSymbol, UnreadableSource
from data.providers.base import Batch

_FILE: Final = "bokeh_sampledata/_data/stocks.csv.gz"
_COLUMNS: Final = {
    "Ticker": "symbol",
    "Date": "session",
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Volume": "volume",
}


class SampleProvider:
    """The five shares of bokeh-sampledata."""

    name = "sample"

    def batches(self, symbols: Sequence[str] | None, start: date | None, end: date | None) -> Iterator[Batch]:
        """One batch a symbol. See `Provider.batches`."""
        table = _read()
        known = sorted(table["symbol"].unique())
        for symbol in known if symbols is None else symbols:
            if symbol not in known:
                raise UnknownSymbol(symbol, known)
            own = table[table["symbol"] == symbol].sort_values("session", ignore_index=True)
            factor = factor_from_adjusted_close(own["Adj Close"], own["close"])
            own = own.assign(adj_factor=factor / factor.iloc[0])  # the file ends with 1, factors begin with it
            yield Batch(symbol, _within(own, start, end).drop(columns="Adj Close"))

    def size(self, symbols: Sequence[str] | None) -> int | None:
        """One batch a symbol."""
        return 5 if symbols is None else len(symbols)


def _read() -> pd.DataFrame:
    try:
        path = Path(str(distribution("bokeh-sampledata").locate_file(_FILE)))
    except PackageNotFoundError:
        raise MissingPackage("sample", "bokeh-sampledata", "sample") from None
    if not path.is_file():
        raise UnreadableSource(str(path), "the installed bokeh-sampledata has no such file; expected release 2026.1")
    return pd.read_csv(path).rename(columns=_COLUMNS).assign(amount=np.nan)


def _within(table: pd.DataFrame, start: date | None, end: date | None) -> pd.DataFrame:
    # ISO dates as text sort as dates do.
    keep = pd.Series(True, index=table.index)
    if start is not None:
        keep &= table["session"] >= start.isoformat()
    if end is not None:
        keep &= table["session"] <= end.isoformat()
    return table[keep]
