"""The provider between a server and a store, under a clock that a test moves."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, Self

import pandas as pd

from data.ingest import IngestReport, ingest
from data.providers.base import Batch, Plan, Request
from data.providers.tushare.client import TushareClient
from data.providers.tushare.limits import CallLimits
from data.providers.tushare.provider import TushareProvider
from data.providers.tushare.wanted import is_index
from data.store import PriceStore
from tests.tushare_server.clock import SimulatedClock
from tests.tushare_server.market import Market
from tests.tushare_server.server import TushareServer

TOKEN = "open-sesame-0123456789"


def evening(day: date) -> datetime:
    """20:00 in Shanghai, when the day's bars are published."""
    return datetime.combine(day, time(12), UTC)


class Stopping:
    """A provider of which only the first `count` batches are taken."""

    name = TushareProvider.name

    def __init__(self, provider: TushareProvider, count: int) -> None:
        self._provider = provider
        self._count = count

    def plan(self, request: Request) -> tuple[Plan, Iterator[Batch]]:
        plan, batches = self._provider.plan(request)
        return plan, islice(batches, self._count)


class Bench:
    """A market, its server, a store, and fetches from one to the other.

    Attributes:
        batches: those of the last fetch.
        asked: calls of the last fetch, by interface.
    """

    def __init__(
        self,
        folder: Path,
        market: Market,
        *,
        now: datetime,
        today: date | None = None,
        per_minute: int | None = None,
        timeout: float = 5.0,
    ) -> None:
        self.market = market
        self.clock = SimulatedClock(now)
        self.server = TushareServer(market, clock=self.clock, token=TOKEN, today=today, per_minute=per_minute)
        self.store = PriceStore(folder)
        self.timeout = timeout
        self.batches: list[Batch] = []
        self.plan: Plan | None = None
        self.asked: Counter[str] = Counter()
        self._per_minute = per_minute or 100_000

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()

    def copy(self, folder: Path) -> Bench:
        """The same server and clock, with a copy of the store."""
        other = copy(self)
        shutil.copytree(self.store.uri, folder)
        other.store = PriceStore(folder)
        return other

    def until(self, day: date) -> None:
        """Go on to the evening of a later day, on which the source has that day's bars."""
        self.server.today = day
        self.clock.advance((evening(day) - self.clock.now()).total_seconds())

    def fetch(
        self, symbols: Sequence[str] | None = None, *, stop_after: int | None = None, **request: Any
    ) -> IngestReport:
        """One fetch with a client of its own. The token is nowhere in what it tells."""
        limits = CallLimits(self.clock, self._per_minute)
        before = len(self.server.calls)
        self.batches = []
        with TushareClient(
            TOKEN,
            limits=limits,
            clock=self.clock,
            url=self.server.url,
            timeout=self.timeout,
            chance=random.Random(1),
        ) as client:
            provider = TushareProvider(client, limits)
            source = provider if stop_after is None else Stopping(provider, stop_after)
            try:
                report = ingest(
                    source,
                    self.store,
                    now=self.clock.now(),
                    symbols=symbols,
                    planned=self._planned,
                    progress=self.batches.append,
                    **request,
                )
            finally:
                self.asked = Counter(call.api_name for call in self.server.calls[before:])
        if stop_after is None:
            assert report.calls == self.asked.total(), "every call is reported"
        told = [*report.notes, *map(str, report.missing), str(report.failure), self.plan.text if self.plan else ""]
        assert TOKEN not in "\n".join(told)
        return report

    def _planned(self, plan: Plan) -> None:
        self.plan = plan

    def truth(
        self, symbols: Sequence[str] | None = None, first: date | None = None, last: date | None = None
    ) -> pd.DataFrame:
        """What the store should hold of the market's shares, and of indices that are named."""
        indices = [symbol for symbol in symbols or () if is_index(symbol)]
        return pd.concat(
            [
                self.market.expected_bars(symbols, first, last),
                index_bars(self.market, indices, first, last),
            ]
        ).sort_values(["symbol", "session"], ignore_index=True)

    def held(self) -> pd.DataFrame:
        """What is stored, as `Market.expected_bars` has it."""
        if self.store.version() is None:
            return self.market.expected_bars([])
        return self.store.read().frame

    def held_on(self, day: date) -> pd.DataFrame:
        """What is stored of a session."""
        held = self.held()
        return held[held["session"] == pd.Timestamp(day)]

    def assert_holds(
        self, symbols: Sequence[str] | None = None, first: date | None = None, last: date | None = None
    ) -> None:
        """The store holds these bars of the market and nothing else, to the last bit."""
        assert_equal(self.held(), self.truth(symbols, first, last))

    def assert_true_as_far_as_it_goes(self, symbols: Sequence[str] | None = None) -> None:
        """What is stored is the market's, and the store lacks nothing that it believes to have."""
        truth = self.truth(symbols).set_index(["symbol", "session"])
        held = self.held().set_index(["symbol", "session"])
        assert_equal(held.reset_index(), truth.loc[truth.index.isin(held.index)].reset_index())
        lacking = truth.index[~truth.index.isin(held.index)]
        for row in self.store.facts.coverage().itertuples():
            own = [day for symbol, day in lacking if symbol == row.symbol and row.first <= day <= row.through]
            assert not own, f"{row.symbol} from {row.first} to {row.through} lacks {own}"
        gaps = self.store.facts.gaps()
        said = pd.MultiIndex.from_frame(gaps[["symbol", "session"]])
        assert not said.isin(truth.index).any(), "a session with a bar is said to have none"


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """The same bars, to the last bit."""
    pd.testing.assert_frame_equal(
        found[list(expected.columns)].reset_index(drop=True),
        expected.reset_index(drop=True),
        check_exact=True,
        check_dtype=False,
    )


def index_bars(market: Market, symbols: Sequence[str], first: date | None, last: date | None) -> pd.DataFrame:
    """Bars of indices as they should be stored: volume in shares, amount in CNY, and a factor of 1."""
    told = market.indices[market.indices["ts_code"].isin(list(symbols))]
    bars = pd.DataFrame(
        {
            "symbol": told["ts_code"],
            "session": pd.to_datetime(told["trade_date"], format="%Y%m%d").astype("datetime64[s]"),
            **{name: told[name] for name in ("open", "high", "low", "close")},
            "volume": told["vol"] * 100,
            "amount": told["amount"] * 1000,
            "adj_factor": 1.0,
        }
    )
    after = bars["session"] >= pd.Timestamp(first) if first else bars["session"].notna()
    before = bars["session"] <= pd.Timestamp(last) if last else bars["session"].notna()
    return bars[after & before]
