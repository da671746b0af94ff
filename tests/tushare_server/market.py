"""What the server has to serve: plain pandas tables in Tushare's columns and units, and how they change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from tests.tushare_server import generator, walks
from tests.tushare_server.walks import BAR_COLUMNS

COLUMNS: Final = {
    "daily": BAR_COLUMNS,
    "factors": ("ts_code", "trade_date", "adj_factor"),
    "calendar": ("exchange", "cal_date", "is_open", "pretrade_date"),
    "listings": (
        "ts_code", "symbol", "name", "area", "industry", "market", "exchange",
        "list_status", "list_date", "delist_date",
    ),
    "suspensions": ("ts_code", "trade_date", "suspend_timing", "suspend_type"),
    "indices": BAR_COLUMNS,
    "weights": ("index_code", "con_code", "trade_date", "weight"),
}  # fmt: skip


def _empty(table: str) -> Callable[[], pd.DataFrame]:
    return lambda: pd.DataFrame(columns=list(COLUMNS[table]))


@dataclass
class Market:
    """The whole history. The server hides what lies after its `today`.

    A table that is left out is empty. To change one by hand, assign a new table: the server sees a new object,
    it does not see cells that changed inside an old one. The methods do so, and may be called while it serves.

    Attributes:
        daily: one row a symbol and session with a bar; vol in hands of 100 shares, amount in thousand CNY,
            pre_close the ex-rights reference.
        factors: one row a symbol and session from its listing to its delisting, suspended or not.
        calendar: one row a calendar day, also of days to come.
        listings: one row a symbol, list_status as at the end of the history.
        suspensions: S on each suspended session and R where trading resumes; with suspend_timing, a halt during a
            session that has a bar.
        indices: bars of indices.
        weights: the members of indices on the last session of each month, weight in %.
    """

    daily: pd.DataFrame = field(default_factory=_empty("daily"))
    factors: pd.DataFrame = field(default_factory=_empty("factors"))
    calendar: pd.DataFrame = field(default_factory=_empty("calendar"))
    listings: pd.DataFrame = field(default_factory=_empty("listings"))
    suspensions: pd.DataFrame = field(default_factory=_empty("suspensions"))
    indices: pd.DataFrame = field(default_factory=_empty("indices"))
    weights: pd.DataFrame = field(default_factory=_empty("weights"))
    lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The listed and the delisted, sorted."""
        return tuple(sorted(self.listings["ts_code"]))

    @property
    def sessions(self) -> tuple[date, ...]:
        """The sessions that any symbol has a factor for, ascending."""
        days = sorted(self.factors["trade_date"].unique())
        return tuple(date.fromisoformat(day) for day in days)

    def restate_factor(self, symbol: str, ratio: float, since: date | None = None) -> None:
        """Multiply the factors of `symbol` on and after `since` (None: all) by `ratio`, without rounding.

        Raises:
            ValueError: there are none.
        """
        with self.lock:
            rows = self._factor_rows(symbol, since)
            factors = self.factors.copy()
            factors.loc[rows, "adj_factor"] *= ratio
            self.factors = factors

    def add_dividend(self, symbol: str, session: date, amount: float) -> None:
        """Pay `amount` CNY a share, ex on `session`: what came before stays, what follows is as if it had been so.

        From then on factors rise by previous close / (previous close - amount), and prices keep their moves from
        the lower reference.

        Raises:
            ValueError: no bar before `session`, no factor from it on, or more than the share is worth.
        """
        with self.lock:
            own = self.daily[self.daily["ts_code"] == symbol].sort_values("trade_date")
            before, after = (
                own[part] for part in (own["trade_date"] < _text(session), own["trade_date"] >= _text(session))
            )
            if before.empty or amount >= before["close"].iloc[-1]:
                raise ValueError(f"expected a bar before {session} with a close above {amount}")
            close = float(before["close"].iloc[-1])
            rows = self._factor_rows(symbol, session)
            factors = self.factors.copy()
            factors.loc[rows, "adj_factor"] = (factors.loc[rows, "adj_factor"] * close / (close - amount)).round(4)
            by_day = factors[factors["ts_code"] == symbol].set_index("trade_date")["adj_factor"]
            traded = by_day.loc[[before["trade_date"].iloc[-1], *after["trade_date"]]].to_numpy()
            daily = self.daily.copy()
            daily.loc[after.index] = _rewalked(after, close, traded[1:] / traded[:-1])
            self.daily, self.factors = daily, factors

    def expected_bars(
        self, symbols: Sequence[str] | None = None, first: date | None = None, last: date | None = None
    ) -> pd.DataFrame:
        """What a client should store, sorted by symbol and session.

        Columns: symbol, session (datetime64[s]), open, high, low, close [CNY], volume [shares], amount [CNY],
        adj_factor.

        Args:
            symbols: None takes all.
            first, last: sessions, both included.
        """
        with self.lock:
            daily, factors = self.daily, self.factors
        if symbols is not None:
            daily = daily[daily["ts_code"].isin(list(symbols))]
        if first is not None:
            daily = daily[daily["trade_date"] >= _text(first)]
        if last is not None:
            daily = daily[daily["trade_date"] <= _text(last)]
        both = daily.merge(factors, on=["ts_code", "trade_date"], how="inner", validate="one_to_one")
        bars = pd.DataFrame(
            {
                "symbol": both["ts_code"].astype("str"),
                "session": pd.to_datetime(both["trade_date"], format="%Y%m%d").astype("datetime64[s]"),
                **{name: both[name].astype("float64") for name in ("open", "high", "low", "close")},
                "volume": both["vol"].astype("float64") * 100,
                "amount": both["amount"].astype("float64") * 1000,
                "adj_factor": both["adj_factor"].astype("float64"),
            }
        )
        return bars.sort_values(["symbol", "session"], ignore_index=True)

    def _factor_rows(self, symbol: str, since: date | None) -> pd.Series[bool]:
        rows = self.factors["ts_code"] == symbol
        if since is not None:
            rows &= self.factors["trade_date"] >= _text(since)
        if not rows.any():
            raise ValueError(f"{symbol} has no factor{'' if since is None else f' from {since} on'}")
        return rows


def random_market(
    *,
    symbols: int | Sequence[str] = 20,
    first: date = date(2022, 1, 1),
    last: date = date(2024, 12, 31),
    seed: int = 7,
    suspended_share: float = 0.02,
    dividends_a_year: float = 1.0,
    late_listings: float = 0.1,
    delisted: float = 0.05,
    indices: Sequence[str] = ("000300.SH",),
    volatility: tuple[float, float] = (0.01, 0.03),
    wilder_from: date | None = None,
    wilder: float = 3.0,
) -> Market:
    """A market of Shanghai's true sessions; the same arguments give the same market.

    Args:
        symbols: how many, of all boards, or their codes.
        first, last: the first and the last day, both included; the calendar goes on to the end of that year.
        seed: of the random numbers.
        suspended_share: of all sessions, in runs of 1 to 20.
        dividends_a_year: of each symbol, on average.
        late_listings, delisted: shares of the symbols that come after `first` or go before `last`; the others are
            listed on the first session.
        indices: codes of indices with bars and members.
        volatility: the least and the largest standard deviation of a session's move, over the symbols.
        wilder_from, wilder: from this session on moves are so many times as large; None for never.

    Raises:
        CalendarBounds: `first` lies before the first known session.
    """
    names = sorted(generator.some_codes(symbols) if isinstance(symbols, int) else symbols)
    rng = np.random.default_rng(seed)
    days = generator.as_text(generator.open_sessions(first, last))
    if not len(days):
        raise ValueError(f"expected a session between {first} and {last}")
    lives = walks.random_lives(rng, len(days), len(names), suspended_share, late_listings, delisted)
    factors = walks.random_factors(rng, lives, dividends_a_year)
    moves = np.where(days >= ("9" if wilder_from is None else _text(wilder_from)), wilder, 1.0)
    return Market(
        daily=walks.random_bars(rng, names, days, lives, factors, volatility, moves),
        factors=generator.factor_table(names, days, lives, factors),
        calendar=generator.calendar_table(first, last),
        listings=generator.listing_table(rng, names, days, lives),
        suspensions=generator.suspension_table(rng, names, days, lives),
        indices=generator.index_table(rng, list(indices), days),
        weights=generator.weight_table(rng, list(indices), names, days, lives),
    )


def _rewalked(bars: pd.DataFrame, close: float, ratios: walks.Floats) -> pd.DataFrame:
    """`bars` after a bar that closed at `close`, each with its moves from a pre_close that follows the new factors.

    Rounding and clipping keep the order of prices, so a high stays one.
    """
    rows = []
    for row, ratio in zip(bars.to_dict("records"), ratios, strict=True):
        pre_close = round(close / ratio, 2)
        limit = walks.price_limits([row["ts_code"]], row["trade_date"])
        lowest, highest = (float(bound[0]) for bound in walks.price_bounds(np.array([pre_close]), limit))
        scale = pre_close / row["pre_close"]
        for name in ("open", "high", "low", "close"):
            row[name] = min(max(round(row[name] * scale, 2), lowest), highest)
        row["pre_close"], row["vol"] = pre_close, round(row["vol"] / scale, 2)
        close = row["close"]
        rows.append(row)
    return walks.with_changes(pd.DataFrame(rows, columns=list(bars.columns), index=bars.index))


def _text(day: date) -> str:
    return day.strftime("%Y%m%d")
