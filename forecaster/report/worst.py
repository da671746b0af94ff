"""The days on which a model missed by most."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecaster.diagnostics.record import ForecastRecord
from forecaster.report.formats import percentage, price

SHOWN: Final = 5


def worst(record: ForecastRecord, count: int = SHOWN) -> NDArray[np.int64]:
    """`(count,)`: positions of the largest misses relative to the close before, the largest first.

    Relative, as a price that has doubled moves twice as far on every day.
    """
    size = np.abs(record.forecast - record.actual) / record.previous_close
    return np.argsort(-size, kind="stable")[:count]


def worst_days(record: ForecastRecord) -> str:
    """Those days as an HTML table, with what yesterday's close missed by."""
    rows = "\n".join(_row(record, at) for at in worst(record).tolist())
    return (
        "<table class='plain'>\n<thead><tr><th scope='col'>Session</th><th scope='col'>Forecast</th>"
        "<th scope='col'>Close</th><th scope='col'>Missed by</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>\n"
    )


def _row(record: ForecastRecord, at: int) -> str:
    before, close = float(record.previous_close[at]), float(record.actual[at])
    forecast = float(record.forecast[at])
    missed, naive = abs(forecast - close) / before, abs(before - close) / before
    return (
        f"<tr><th scope='row'>{record.session[at]}</th><td>{price(forecast)}</td><td>{price(close)}</td>"
        f"<td>{percentage(missed)}<small>yesterday's close: {percentage(naive)}</small></td></tr>"
    )
