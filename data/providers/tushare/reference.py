"""What Tushare says beside prices: trading days, listings, and the members of an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import pandas as pd

from data.errors import MalformedAnswer, PageFull
from data.providers.tushare.client import PAGE_ROWS, TushareClient

# Shanghai's calendar; Shenzhen and Beijing keep the same.
EXCHANGE: Final = "XSHG"
_LISTING_FIELDS: Final = ("ts_code", "name", "list_date", "delist_date")

# Members are published with the last session of a month; two months hold at least one such day.
_MEMBERS_WITHIN: Final = timedelta(days=62)


def compact(day: date) -> str:
    """A day as Tushare writes it."""
    return f"{day:%Y%m%d}"


def trade_calendar(client: TushareClient, first: date, last: date) -> pd.DataFrame:
    """Every calendar day that is known between `first` and `last`: exchange, day, is_open.

    A day that is missing between two others would make a session vanish, so that is no answer. Before the first day
    told there may be more than fits into one answer: what lies before it is asked for until nothing comes.

    Raises:
        MalformedAnswer: a day is missing, or is neither open nor closed.
        RequestError: as the client raises them.
    """
    step = timedelta(days=PAGE_ROWS["trade_cal"] - 2)
    pieces: list[pd.DataFrame] = []
    begin = first
    while begin <= last:
        end = min(last, begin + step)
        pieces.append(_trade_days(client, begin, end))
        begin = end + timedelta(days=1)
    table = pd.concat(pieces, ignore_index=True).drop_duplicates().sort_values("day", ignore_index=True)
    days = table["day"].drop_duplicates()
    if len(days) and (days.diff().dropna() != pd.Timedelta(days=1)).any():
        hole = days[days.diff() > pd.Timedelta(days=1)].iloc[0].date()
        raise MalformedAnswer("trade_cal", f"every day from {days.iloc[0].date()} on", f"none before {hole}")
    return table


def _trade_days(client: TushareClient, first: date, last: date) -> pd.DataFrame:
    told = client.call(
        "trade_cal", ("cal_date", "is_open"), exchange="SSE", start_date=compact(first), end_date=compact(last)
    ).table
    is_open = told["is_open"].astype("str").map({"1": True, "0": False, "1.0": True, "0.0": False})
    if is_open.isna().any():
        raise MalformedAnswer("trade_cal", "is_open of 0 or 1", str(told["is_open"][is_open.isna()].iloc[0]))
    table = pd.DataFrame({"exchange": EXCHANGE, "day": _dates(told["cal_date"]), "is_open": is_open.astype("bool")})
    oldest = None if table.empty else table["day"].min().date()
    if oldest is None or oldest <= first:
        return table
    return pd.concat([_trade_days(client, first, oldest - timedelta(days=1)), table], ignore_index=True)


def listings(client: TushareClient) -> pd.DataFrame:
    """Every share that is or was listed: symbol, name, status (L, D, P), listed, delisted (NaT where it is not).

    Raises:
        PageFull: even one exchange's shares do not fit into an answer.
        RequestError: as the client raises them.
    """
    pieces = [_listed(client, list_status=status).assign(list_status=status) for status in ("L", "D", "P")]
    told = pd.concat(pieces, ignore_index=True).drop_duplicates("ts_code")
    table = pd.DataFrame(
        {
            "symbol": told["ts_code"].astype("str"),
            "name": told["name"].astype("str"),
            "status": told["list_status"].astype("str"),
            "listed": _dates(told["list_date"]),
            "delisted": _dates(told["delist_date"]),
        }
    )
    return table.sort_values("symbol", ignore_index=True)


def _listed(client: TushareClient, **params: str) -> pd.DataFrame:
    answer = client.call("stock_basic", _LISTING_FIELDS, **params)
    if not answer.full:
        return answer.table
    if "exchange" in params:
        raise PageFull("stock_basic", len(answer.table), f"exchange {params['exchange']}")
    exchanges = [_listed(client, exchange=exchange, **params) for exchange in ("SSE", "SZSE", "BSE")]
    return pd.concat(exchanges, ignore_index=True)


def members(client: TushareClient, index: str, day: date) -> Sequence[str]:
    """The symbols in an index by its newest list up to `day`, sorted; none where there is no such list.

    Raises:
        RequestError: as the client raises them.
    """
    answer = client.call(
        "index_weight",
        ("con_code", "trade_date"),
        index_code=index,
        start_date=compact(day - _MEMBERS_WITHIN),
        end_date=compact(day),
    )
    if answer.full:
        raise PageFull("index_weight", len(answer.table), index)
    newest = answer.table[answer.table["trade_date"] == answer.table["trade_date"].max()]
    return sorted(newest["con_code"].unique())


def _dates(told: pd.Series[str]) -> pd.Series[pd.Timestamp]:
    return pd.to_datetime(told.astype("string"), format="%Y%m%d", errors="coerce").astype("datetime64[s]")
