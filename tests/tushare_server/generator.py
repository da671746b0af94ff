"""Random tables in Tushare's columns, around the walks of `walks`."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd

from data.sessions import Calendars, ExchangeSessions
from tests.tushare_server.walks import BAR_COLUMNS, Floats, Lives, with_changes

Days = np.ndarray[Any, np.dtype[np.datetime64]]

# How the boards mix: Shanghai, Shenzhen, ChiNext, STAR, Beijing; the first code of each.
_MIX: Final = "AZAZCAZSAB"
_FIRST_CODE: Final = {
    "A": (600000, "SH"),
    "Z": (1, "SZ"),
    "C": (300001, "SZ"),
    "S": (688001, "SH"),
    "B": (830001, "BJ"),
}
_BOARDS: Final = {"SH": "SSE", "SZ": "SZSE", "BJ": "BSE"}


def some_codes(count: int) -> list[str]:
    """`count` codes, of every board from 10 on: 600000.SH, 000001.SZ, 600001.SH, ..."""
    seen = dict.fromkeys(_FIRST_CODE, 0)
    found = []
    for position in range(count):
        board = _MIX[position % len(_MIX)]
        number, suffix = _FIRST_CODE[board]
        found.append(f"{number + seen[board]:06d}.{suffix}")
        seen[board] += 1
    return found


@cache
def shanghai() -> ExchangeSessions:
    """The true sessions."""
    return Calendars().exchange("XSHG")


def open_sessions(first: date, last: date) -> Days:
    """Shanghai's sessions `datetime64[D]`, both ends included; weekdays where its calendar is not decreed yet."""
    known = shanghai()
    true = known.between(first, min(last, known.last)) if first <= known.last else np.array([], dtype="datetime64[D]")
    beyond = pd.bdate_range(max(first, date(known.last.year + 1, 1, 1)), last).to_numpy().astype("datetime64[D]")
    return np.concatenate([true, beyond])


def as_text(days: Days) -> pd.Index[str]:
    """Days as YYYYMMDD."""
    return pd.DatetimeIndex(days).strftime("%Y%m%d").astype("str")


def calendar_table(first: date, last: date) -> pd.DataFrame:
    """Every day of the years from `first` to `last`: exchange, cal_date, is_open, pretrade_date."""
    begin, end = max(date(first.year, 1, 1), shanghai().first), date(last.year, 12, 31)
    days = np.arange(np.datetime64(begin), np.datetime64(end) + 1)
    # From further back, so that the first day has a session before it where there was one.
    sessions = open_sessions(max(date(first.year - 1, 12, 1), shanghai().first), end)
    before = np.searchsorted(sessions, days, side="left") - 1
    previous = as_text(sessions).to_series().reset_index(drop=True).reindex(before).reset_index(drop=True)
    return pd.DataFrame(
        {
            "exchange": pd.Series("SSE", index=range(len(days)), dtype="str"),
            "cal_date": as_text(days),
            "is_open": np.isin(days, sessions).astype("int64"),
            "pretrade_date": previous.astype("str"),
        }
    )


def factor_table(names: list[str], days: pd.Index[str], lives: Lives, factors: Floats) -> pd.DataFrame:
    """ts_code, trade_date, adj_factor for every session from the listing to the last before the delisting."""
    symbol, session = np.nonzero(lives.listed.T)
    return pd.DataFrame(
        {
            "ts_code": pd.Index(names, dtype="str").take(symbol),
            "trade_date": days.take(session),
            "adj_factor": factors[session, symbol],
        }
    )


def suspension_table(rng: np.random.Generator, names: list[str], days: pd.Index[str], lives: Lives) -> pd.DataFrame:
    """An S row for each suspended session, an R row where trading resumes, and a few halts of half an hour."""
    resumed = np.zeros_like(lives.suspended)
    resumed[1:] = lives.suspended[:-1] & lives.traded[1:]
    halted = lives.traded & ~resumed & (rng.random(lives.listed.shape) < 0.0005)
    pieces = []
    for rows, kind, timing in ((lives.suspended, "S", None), (resumed, "R", None), (halted, "S", "09:30-10:00")):
        symbol, session = np.nonzero(rows.T)
        piece = pd.DataFrame({"ts_code": pd.Index(names, dtype="str").take(symbol), "trade_date": days.take(session)})
        piece["suspend_timing"] = pd.Series(timing, index=piece.index, dtype="str")
        piece["suspend_type"] = pd.Series(kind, index=piece.index, dtype="str")
        pieces.append(piece)
    return pd.concat(pieces, ignore_index=True).sort_values(["ts_code", "trade_date"], ignore_index=True)


def listing_table(rng: np.random.Generator, names: list[str], days: pd.Index[str], lives: Lives) -> pd.DataFrame:
    """One row a symbol. On its delist_date a symbol has neither bar nor factor."""
    gone = lives.stop < len(days)
    table = pd.DataFrame({"ts_code": names, "symbol": [name[:6] for name in names]}, dtype="str")
    table["name"] = [f"示例{number:04d}" for number in range(1, len(names) + 1)]
    table["area"] = rng.choice(["上海", "深圳", "北京", "浙江", "四川"], len(names))
    table["industry"] = rng.choice(["银行", "白酒", "半导体", "医药", "电力"], len(names))
    table["market"] = [_board(name) for name in names]
    table["exchange"] = [_BOARDS[name[-2:]] for name in names]
    table["list_status"] = np.where(gone, "D", "L")
    table["list_date"] = days.take(lives.start)
    table["delist_date"] = [days[stop] if stop < len(days) else None for stop in lives.stop.tolist()]
    return table.astype("str").sort_values("ts_code", ignore_index=True)


def _board(code: str) -> str:
    if code.endswith(".BJ"):
        return "北交所"
    return {"688": "科创板", "300": "创业板"}.get(code[:3], "主板")


def index_table(rng: np.random.Generator, names: list[str], days: pd.Index[str]) -> pd.DataFrame:
    """Bars of indices, points with 4 decimals: walks of their own."""
    pieces = []
    for name in names:
        close = np.round(4000 * np.exp(np.cumsum(rng.normal(0.0, 0.01, len(days)))), 4)
        pre_close = np.concatenate([[4000.0], close[:-1]])
        opened = np.round(pre_close * np.exp(rng.normal(0.0, 0.003, len(days))), 4)
        top, bottom = np.maximum(opened, close), np.minimum(opened, close)
        piece = pd.DataFrame({"trade_date": days, "open": opened, "close": close, "pre_close": pre_close})
        piece["high"] = np.round(top * (1 + rng.uniform(0.0, 0.01, len(days))), 4)
        piece["low"] = np.round(bottom * (1 - rng.uniform(0.0, 0.01, len(days))), 4)
        piece["vol"] = np.round(np.exp(rng.normal(18.0, 0.3, len(days))), 2)
        piece["amount"] = np.round(piece["vol"] * 1.2, 3)
        piece["ts_code"] = pd.Series(name, index=piece.index, dtype="str")
        pieces.append(with_changes(piece, decimals=4))
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=list(BAR_COLUMNS))


def weight_table(
    rng: np.random.Generator, indices: list[str], names: list[str], days: pd.Index[str], lives: Lives
) -> pd.DataFrame:
    """Members and their weights [%] on each month's last session; half of the listed, chosen anew each half-year.

    Beijing's shares belong to no index here, as they belong to none of Shanghai's and Shenzhen's.
    """
    months = days.str[:6]
    ends: list[int] = np.flatnonzero(np.append(months[1:] != months[:-1], True)).tolist()
    fit = np.array([not name.endswith(".BJ") for name in names], dtype=bool)
    found: dict[str, list[Any]] = {"index_code": [], "con_code": [], "trade_date": [], "weight": []}
    for index in indices:
        luck, half_year = rng.random(len(names)), ""
        for end in ends:
            now = f"{days[end][:4]}{'a' if days[end][4:6] <= '06' else 'b'}"
            if now != half_year:
                half_year, luck = now, rng.random(len(names))
            listed = np.flatnonzero(lives.listed[end] & fit)
            members = np.sort(listed[np.argsort(luck[listed])][: (len(listed) + 1) // 2])
            share = rng.uniform(0.5, 1.5, len(members))
            found["index_code"] += [index] * len(members)
            found["con_code"] += [names[member] for member in members]
            found["trade_date"] += [days[end]] * len(members)
            found["weight"] += np.round(share / share.sum() * 100, 3).tolist()
    table = pd.DataFrame(found).astype("str")
    return table.assign(weight=table["weight"].astype("float64"))
