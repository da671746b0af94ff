"""A symbol's bars, for plotting."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from service.schemas.base import Answer

PRICES: Final[dict[str, Any]] = {
    "symbol": "600519.SH",
    "adjusted": "forward",
    "session": ["2026-11-19", "2026-11-20"],
    "open": [1690.0, 1689.5],
    "high": [1698.8, 1704.0],
    "low": [1680.1, 1685.2],
    "close": [1688.0, 1700.0],
    "volume": [2_413_500.0, 2_731_900.0],
    "data_version": 41,
}


class PricesAnswer(Answer):
    """The newest bars of a symbol, one entry a session, oldest first. All arrays are equally long."""

    model_config = ConfigDict(json_schema_extra={"examples": [PRICES]})

    symbol: str
    adjusted: Literal["forward"] = Field(
        description="Dividends and splits are taken out of earlier bars: all are on the scale of the last session."
    )
    session: list[date]
    open: list[float] = Field(description="First prices [currency, adjusted].")
    high: list[float] = Field(description="Highest prices [currency, adjusted].")
    low: list[float] = Field(description="Lowest prices [currency, adjusted].")
    close: list[float] = Field(description="Last prices [currency, adjusted].")
    volume: list[float] = Field(description="Shares traded, adjusted so that price x volume stays the amount.")
    data_version: int = Field(description="The price table's version.")
