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
_EXCHANGES: Final = ("SSE", "SZSE", "BSE")
_LISTING_FIELDS: Final = ("ts_code", "name", "list_date", "delist_date")

# Members are published with the last session of a month; two months hold at least one such day.
_MEMBERS_WITHIN: Final = timedelta(days=62)
# Weights are rounded, and those of all members add up to 100 within a few hundredths; less, and some are missing.
_WEIGHTS: Final = 99.0


def compact(day: date) -> str:
    """A day as Tushare writes it."""
    return f"{day:%Y%m%d}"


def trade_calendar(client: TushareClient, first: date, last: date) -> pd.DataFrame:
    """Every calendar day that is known between `first` and `last`: exchange, day, is_open.

    A day that is missing between two others would make a session vanish, so that is no answer. Before the first day
    told there may be more than fits into one answer: what lies before it is asked for until nothing comes.

    Raises:
        MalformedAnswer: there is no day at all, one is missing, or one is neither open nor closed.
        RequestError: as the client raises them.
    """
    step = timedelta(days=PAGE_ROWS["trade_cal"] - 2)
    pieces: list[pd.DataFrame] = []
    begin = first
    while begin <= last:
        end = min(last, begin + step)
        pieces += _trade_days(client, begin, end)
        begin = end + timedelta(days=1)
    table = pd.concat(pieces, ignore_index=True).drop_duplicates().sort_values("day", ignore_index=True)
    if table.empty:
        raise MalformedAnswer("trade_cal", f"the days from {first} on", "none")
    wrong = table["day"][table["day"].diff().fillna(pd.Timedelta(days=1)) != pd.Timedelta(days=1)]
    if len(wrong):
        first = table["day"].iloc[0].date()
        raise MalformedAnswer("trade_cal", f"every day from {first} on once", f"otherwise at {wrong.iloc[0].date()}")
    return table


def _trade_days(client: TushareClient, first: date, last: date) -> list[pd.DataFrame]:
    pieces = []
    while first <= last:
        told = client.call(
            "trade_cal", ("cal_date", "is_open"), exchange="SSE", start_date=compact(first), end_date=compact(last)
        ).table
        is_open = told["is_open"].astype("str").map({"1": True, "0": False, "1.0": True, "0.0": False})
        if is_open.isna().any():
            raise MalformedAnswer("trade_cal", "is_open of 0 or 1", str(told["is_open"][is_open.isna()].iloc[0]))
        day = _dates(told["cal_date"])
        pieces.append(pd.DataFrame({"exchange": EXCHANGE, "day": day, "is_open": is_open.astype("bool")}))
        if day.isna().any():
            raise MalformedAnswer("trade_cal", "cal_date of a day", str(told["cal_date"][day.isna()].iloc[0]))
        if told.empty:
            break
        last = day.min().date() - timedelta(days=1)
    return pieces


def listings(client: TushareClient, *, twice: bool = False) -> pd.DataFrame:
    """Every share that is or was listed: symbol, name, status (L, D, P), listed, delisted (NaT where it is not).

    Args:
        client: what makes the calls.
        twice: ask for each exchange's shares, too: nothing else shows that an answer was cut without saying so.

    Raises:
        PageFull: even one exchange's shares do not fit into an answer.
        MalformedAnswer: nothing is listed, or an exchange's answer was cut.
        RequestError: as the client raises them.
    """
    pieces = [_listed(client, status, twice=twice).assign(list_status=status) for status in ("L", "D", "P")]
    if pieces[0].empty:
        raise MalformedAnswer("stock_basic", "shares that are listed", "none")
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


def _listed(client: TushareClient, status: str, *, twice: bool) -> pd.DataFrame:
    whole = client.call("stock_basic", _LISTING_FIELDS, list_status=status)
    if not whole.full and not twice:
        return whole.table
    told = [whole.table]
    for exchange in _EXCHANGES:
        part = client.call("stock_basic", _LISTING_FIELDS, list_status=status, exchange=exchange)
        if part.full:
            raise PageFull("stock_basic", len(part.table), f"exchange {exchange}")
        told.append(part.table)
    every = pd.concat([one for one in told if len(one)] or told[:1], ignore_index=True).drop_duplicates("ts_code")
    if len(every) > len(whole.table) and max(map(len, told[1:])) >= len(whole.table):
        raise MalformedAnswer(
            "stock_basic", "the shares of all exchanges", f"{len(whole.table)} of {len(every)} or more"
        )
    return every


def members(client: TushareClient, index: str, day: date) -> Sequence[str]:
    """The symbols in an index by its newest list up to `day`, sorted; none where there is no such list.

    Raises:
        MalformedAnswer: the members' weights do not add up to 100%: members are missing.
        RequestError: as the client raises them.
    """
    answer = client.call(
        "index_weight",
        ("con_code", "trade_date", "weight"),
        index_code=index,
        start_date=compact(day - _MEMBERS_WITHIN),
        end_date=compact(day),
    )
    if answer.full:
        raise PageFull("index_weight", len(answer.table), index)
    newest = answer.table[answer.table["trade_date"] == answer.table["trade_date"].max()].drop_duplicates()
    weights = pd.to_numeric(newest["weight"], errors="coerce")
    if weights.notna().any() and weights.sum() < _WEIGHTS:
        raise MalformedAnswer("index_weight", "weights that add up to 100", f"{weights.sum():.3f}")
    return sorted(newest["con_code"].unique())


def _dates(told: pd.Series[str]) -> pd.Series[pd.Timestamp]:
    return pd.to_datetime(told.astype("string"), format="%Y%m%d", errors="coerce").astype("datetime64[s]")
