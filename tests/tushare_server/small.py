"""A market small enough to know by heart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tests.tushare_server.market import COLUMNS, Market


def bar(code: str, day: str, close: float) -> dict[str, Any]:
    """A bar that opened at 10 and moved straight to its close."""
    return {
        "ts_code": code,
        "trade_date": day,
        "open": 10.0,
        "high": max(10.0, close),
        "low": min(10.0, close),
        "close": close,
        "pre_close": 10.0,
        "change": round(close - 10, 2),
        "pct_chg": round((close - 10) * 10, 4),
        "vol": 100.0,
        "amount": 100.0,
    }


def small_market() -> Market:
    """Three sessions of three shares: one with a hole on the second day, one delisted before the third."""
    bars = [("600000.SH", "20240102", 10.1), ("600000.SH", "20240103", 10.2), ("600000.SH", "20240104", 10.3)]
    bars += [("000001.SZ", "20240102", 9.9), ("000001.SZ", "20240104", 9.7), ("300001.SZ", "20240102", 10.0)]
    listings = [
        ("600000.SH", "浦发银行", "SSE", "L", "19991110", None),
        ("000001.SZ", "平安银行", "SZSE", "L", "20240103", None),
        ("300001.SZ", "特锐德", "SZSE", "D", "20091030", "20240104"),
        ("600001.SH", "邯郸钢铁", "SSE", "P", "19980122", None),
    ]
    return Market(
        daily=pd.DataFrame([bar(*one) for one in bars]),
        factors=pd.DataFrame(
            [("600000.SH", "20240102", 1.0), ("600000.SH", "20240103", 1.25), ("000001.SZ", "20240102", np.nan)],
            columns=list(COLUMNS["factors"]),
        ),
        calendar=pd.DataFrame(
            [
                ("SSE", "20240101", 0, "20231229"),
                ("SSE", "20240102", 1, "20231229"),
                ("SSE", "20240103", 1, "20240102"),
            ],
            columns=list(COLUMNS["calendar"]),
        ),
        listings=pd.DataFrame(
            [
                {
                    "ts_code": code,
                    "symbol": code[:6],
                    "name": name,
                    "area": "上海",
                    "industry": "银行",
                    "market": "主板",
                    "exchange": exchange,
                    "list_status": status,
                    "list_date": listed,
                    "delist_date": delisted,
                }
                for code, name, exchange, status, listed, delisted in listings
            ]
        ),
        suspensions=pd.DataFrame(
            [
                ("000001.SZ", "20240103", None, "S"),
                ("000001.SZ", "20240104", None, "R"),
                ("600000.SH", "20240104", "09:30-10:00", "S"),
            ],
            columns=list(COLUMNS["suspensions"]),
        ),
        indices=pd.DataFrame([bar("000300.SH", day, 11.0) for day in ("20240102", "20240103")]),
        weights=pd.DataFrame(
            [
                ("000300.SH", "600000.SH", "20240102", 60.0),
                ("000300.SH", "000001.SZ", "20240102", 40.0),
                ("000905.SH", "000001.SZ", "20240102", 100.0),
                ("000300.SH", "600000.SH", "20240103", 100.0),
            ],
            columns=list(COLUMNS["weights"]),
        ),
    )
