from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.bars import empty_bars, validate
from data.health.check import check
from data.health.findings import Severity
from data.providers.sample import SampleProvider
from tests.data.health.shares import NOTHING_SUSPENDED, SESSIONS, at, goes_ex, look, random_market, walk
from tests.data.tables import several, trusted


@several
@given(seed=st.integers(0, 2**31))
def test_a_clean_market_has_no_findings(seed: int) -> None:
    table, suspensions = random_market(seed)
    # The exchanges keep different holidays; up to the first symbol's last day none is late.
    last = table.groupby("symbol")["session"].max().min()
    until = trusted(table[table["session"] <= last])
    assert check(until, sessions=SESSIONS, now=at(last.date()), gaps=suspensions) == []


def test_no_bars_no_findings() -> None:
    assert check(empty_bars(), sessions=SESSIONS, now=at("2024-01-02")) == []


def test_the_sample_s_splits_dividends_and_crashes_are_no_findings() -> None:
    table = pd.concat([batch.table for batch in SampleProvider().batches(None, None, None)])
    bars = validate(table, source="sample").bars
    # Its last session is Friday, 1 March 2013; AAPL split twice and fell by half overnight, MSFT split once.
    assert check(bars, sessions=SESSIONS, now=at("2013-03-03"), gaps=NOTHING_SUSPENDED) == []
    assert {one.severity for one in check(bars, sessions=SESSIONS, now=at("2013-03-05"))} == {Severity.PROBLEM}


def test_findings_are_in_order_and_do_not_depend_on_the_neighbours() -> None:
    broken: list[pd.DataFrame] = [
        goes_ex(walk("600000.SH"), 30, shares=2.0).assign(adj_factor=1.0),
        walk("000001.SZ").drop(index=[5, 40]),
        walk("AAPL").assign(adj_factor=np.where(np.arange(60) < 30, 1.0, 2.0)),
        walk("300001.SZ").iloc[:50],
    ]
    now = at("2015-03-27")
    alone = [one for table in broken for one in look(table[table["session"] <= "2015-03-27"], now=now)]
    together = look(*(table[table["session"] <= "2015-03-27"] for table in broken), now=now)
    assert together == sorted(alone, key=lambda one: (one.symbol, one.first, one.kind))
    assert together == look(*reversed([table[table["session"] <= "2015-03-27"] for table in broken]), now=now)


def test_blocks_of_any_size_give_the_same_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    table, suspensions = random_market(7)
    table = table.drop(index=table.index[::97])
    now = at(table["session"].max().date())
    whole = look(table, gaps=suspensions, now=now)
    assert whole
    monkeypatch.setattr("data.health.blocks._BLOCK", 1)
    assert look(table, gaps=suspensions, now=now) == whole
