"""What each interface takes and answers, as Tushare's documents say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from tests.tushare_server.market import COLUMNS, Market
from tests.tushare_server.tables import FIRST_DAY, LAST_DAY, Positions, Table

EXCHANGES: Final = ("SSE", "SZSE", "BSE")


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface.

    Attributes:
        table: the market's table behind it.
        code, day: the table's columns to filter and to sort by.
        points: what an account needs.
        row_limit: rows that fit into an answer.
        on_request: columns that come only where the call names them.
    """

    table: str
    code: str
    day: str
    points: int
    row_limit: int
    on_request: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: `items` a list of rows, each with a cell a field; `more` where rows were left out."""

    fields: list[str]
    items: list[list[Any]]
    more: bool


class BadParams(Exception):
    """A call that the interface does not understand; its text is the server's message."""


INTERFACES: Final = {
    "daily": Interface("daily", "ts_code", "trade_date", 120, 6000),
    "adj_factor": Interface("factors", "ts_code", "trade_date", 2000, 6000),
    "trade_cal": Interface("calendar", "exchange", "cal_date", 2000, 6000),
    "stock_basic": Interface(
        "listings", "ts_code", "list_date", 2000, 6000, ("exchange", "list_status", "delist_date")
    ),
    "suspend_d": Interface("suspensions", "ts_code", "trade_date", 120, 5000),
    "index_daily": Interface("indices", "ts_code", "trade_date", 2000, 8000),
    "index_weight": Interface("weights", "index_code", "trade_date", 2000, 6000),
}


class Desk:
    """Answers calls from a market. Safe to share between threads."""

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}
        self._lock = threading.Lock()

    def page(
        self,
        market: Market,
        api: str,
        params: Mapping[str, Any],
        fields: str,
        *,
        today: date | None,
        half_session: bool,
        row_limit: int,
        strict: bool = True,
    ) -> Page:
        """The answer to one call.

        Args:
            market: what to answer from.
            api: one of `INTERFACES`.
            params: as they came; None and empty text count as absent, unknown names are ignored.
            fields: names with commas between them, empty for the usual ones; unknown names are ignored.
            today: later rows are not served; None serves all.
            half_session: whether today's bars are as at 11:00.
            row_limit: older rows than so many are cut off.
            strict: whether a call must have what the interface requires.

        Raises:
            BadParams: something required is absent, or a value cannot be read.
        """
        interface = INTERFACES[api]
        asked = {name: str(value).strip() for name, value in params.items() if value not in (None, "")}
        if strict:
            _require(api, asked)
        skip, count = _number(asked, "offset", 0), min(_number(asked, "limit", row_limit), row_limit)
        table, latest = self._table(market, api), LAST_DAY if today is None else int(f"{today:%Y%m%d}")
        names = _fields(api, fields)
        rows = _listings(table, asked, latest) if api == "stock_basic" else _matching(api, table, asked, latest)
        page = rows[skip : skip + count]
        everything = list(COLUMNS[interface.table])
        change = _change(api, asked, half_session, latest)
        if change is None:
            items = table.rows(page, names)
        else:
            whole = (change(dict(zip(everything, row, strict=True))) for row in table.rows(page, everything))
            items = [[row[name] for name in names] for row in whole]
        return Page(names, items, len(rows) > skip + count)

    def _table(self, market: Market, api: str) -> Table:
        interface = INTERFACES[api]
        with self._lock:
            with market.lock:
                frame = getattr(market, interface.table)
            known = self._tables.get(api)
            if known is None or known.frame is not frame:
                known = self._tables[api] = Table(frame, interface.code, interface.day)
            return known


Row = dict[str, Any]


def _require(api: str, asked: Mapping[str, str]) -> None:
    if api == "daily" and not asked.keys() & {"ts_code", "trade_date", "start_date", "end_date"}:
        raise BadParams("必填参数：ts_code或trade_date")  # noqa: RUF001
    if api == "index_daily" and len(_codes(asked, "ts_code") or ()) != 1:
        raise BadParams("必填参数：ts_code，只支持单个指数")  # noqa: RUF001
    if api == "index_weight" and "index_code" not in asked:
        raise BadParams("必填参数：index_code")  # noqa: RUF001


def _fields(api: str, asked: str) -> list[str]:
    interface = INTERFACES[api]
    known = COLUMNS[interface.table]
    named = [name for name in dict.fromkeys(one.strip() for one in asked.split(",")) if name in known]
    return named or [name for name in known if name not in interface.on_request]


def _codes(asked: Mapping[str, str], name: str) -> list[str] | None:
    return [one.strip() for one in asked[name].split(",") if one.strip()] if name in asked else None


def _number(asked: Mapping[str, str], name: str, otherwise: int) -> int:
    if name not in asked:
        return otherwise
    if not asked[name].isdecimal():
        raise BadParams(f"参数{name}格式错误")
    return int(asked[name])


def _day(asked: Mapping[str, str], name: str, otherwise: int) -> int:
    if name not in asked:
        return otherwise
    if not (len(asked[name]) == 8 and asked[name].isdecimal()):
        raise BadParams(f"参数{name}格式错误，应为YYYYMMDD")  # noqa: RUF001
    return int(asked[name])


def _matching(api: str, table: Table, asked: Mapping[str, str], latest: int) -> Positions:
    first, last = _day(asked, "start_date", FIRST_DAY), _day(asked, "end_date", LAST_DAY)
    if "trade_date" in asked and api != "trade_cal":
        first = last = _day(asked, "trade_date", 0)
    if api == "trade_cal":
        # The calendar knows the days to come. The exchanges share their days, so the table holds them once.
        exchange = asked.get("exchange", "SSE")
        found = table.find(["SSE"] if exchange in EXCHANGES else [exchange], first, last)
        return _where(table, found, "is_open", _number(asked, "is_open", 0)) if "is_open" in asked else found
    found = table.find(_codes(asked, INTERFACES[api].code), first, min(last, latest))
    if api == "suspend_d" and "suspend_type" in asked:
        return _where(table, found, "suspend_type", asked["suspend_type"])
    return found


def _listings(table: Table, asked: Mapping[str, str], latest: int) -> Positions:
    """By code rather than by day, with the status that they had on the latest day."""
    found = table.find(_codes(asked, "ts_code"), FIRST_DAY, latest)
    rows = table.rows(found, ["ts_code", "exchange", "list_status", "delist_date"])
    statuses = asked.get("list_status", "L").split(",")
    wanted = [
        (code, position)
        for position, (code, exchange, status, gone) in zip(found, rows, strict=True)
        if ("L" if gone and int(gone) > latest else status) in statuses and asked.get("exchange", exchange) == exchange
    ]
    return found[:0] if not wanted else _array([position for _, position in sorted(wanted)])


def _where(table: Table, found: Positions, name: str, value: object) -> Positions:
    return _array(
        [position for position, (cell,) in zip(found, table.rows(found, [name]), strict=True) if cell == value]
    )


def _array(positions: Sequence[int]) -> Positions:
    return np.array(positions, dtype="int64")


def _change(api: str, asked: Mapping[str, str], half_session: bool, latest: int) -> Callable[[Row], Row] | None:
    """What has to be done to rows before they are sent, if anything."""
    if api in ("daily", "index_daily") and half_session:
        decimals = 2 if api == "daily" else 4
        return lambda row: half_done(row, decimals) if row["trade_date"] == str(latest) else row
    if api == "trade_cal" and asked.get("exchange", "SSE") != "SSE":
        return lambda row: row | {"exchange": asked["exchange"]}
    if api == "stock_basic":
        return lambda row: _as_on(row, latest)
    return None


def _as_on(row: Row, latest: int) -> Row:
    future = row["delist_date"] is not None and int(row["delist_date"]) > latest
    return row | {"list_status": "L", "delist_date": None} if future else row


def half_done(row: Row, decimals: int = 2) -> Row:
    """A bar as it stood at 11:00: another close where the day moved at all, two fifths of the volume."""
    close = round((row["open"] + row["close"]) / 2, decimals)
    if close == row["close"]:
        close = row["low"] if row["low"] != close else row["high"]
    change = round(close - row["pre_close"], decimals)
    return row | {
        "high": max(row["open"], close),
        "low": min(row["open"], close),
        "close": close,
        "change": change,
        "pct_chg": round(change / row["pre_close"] * 100, 4),
        "vol": round(row["vol"] * 0.4, 2),
        "amount": round(row["amount"] * 0.4, 3),
    }
