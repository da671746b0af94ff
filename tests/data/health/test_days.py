from __future__ import annotations

from datetime import UTC, date, datetime

import pandas as pd

from data.facts import ABSENT, SUSPENDED
from data.health.findings import Kind, Severity
from tests.data.health.shares import SHARE, at, day_of, holes, look, only, walk


def test_bars_on_a_holiday_are_out_of_session() -> None:
    table = walk()
    extra = table.iloc[[31, 31]].assign(session=pd.to_datetime(["2015-02-19", "2015-02-21"]).as_unit("s"))
    found = only(look(pd.concat([table, extra])), Kind.OUT_OF_SESSION)
    assert (found.first, found.last, found.sessions) == (date(2015, 2, 19), date(2015, 2, 21), 2)


def test_a_table_of_nothing_but_bars_out_of_session() -> None:
    table = walk(sessions=2).assign(session=pd.to_datetime(["2015-02-19", "2015-02-21"]).as_unit("s"))
    only(look(table, now=at("2015-02-16")), Kind.OUT_OF_SESSION)


def test_one_session_late_is_a_note_and_two_are_a_problem() -> None:
    table = walk()
    late = only(look(table.iloc[:-1], now=at(day_of(table, -1))), Kind.STALE, Severity.NOTE)
    assert (late.first, late.last, late.sessions) == (day_of(table, -1), day_of(table, -1), 1)
    assert (
        late.text == f"the last bar is of {day_of(table, -2)}, 1 session before {day_of(table, -1)}, whose bar is due"
    )
    later = only(look(table.iloc[:-2], now=at(day_of(table, -1))), Kind.STALE)
    assert (later.first, later.last, later.sessions) == (day_of(table, -2), day_of(table, -1), 2)


def test_a_suspension_or_a_delisting_excuses_a_late_bar() -> None:
    table, said = holes(walk(), list(range(50, 60)), SUSPENDED)
    now = at(said["session"].max().date())
    assert "suspended on 10 of them" in only(look(table, gaps=said, now=now), Kind.STALE, Severity.NOTE).text
    assert "suspended on 8 of them" in only(look(table, gaps=said.iloc[:-2], now=now), Kind.STALE).text
    absent = said.assign(why=ABSENT)
    assert "has none of 10" in only(look(table, gaps=absent, now=now), Kind.STALE).text
    assert look(table, now=now, delisted={SHARE: day_of(walk(), 52)}) == []
    only(look(table, now=now, delisted={SHARE: date(2030, 1, 1)}), Kind.STALE)


def test_past_the_calendar_nobody_knows_what_is_stale() -> None:
    found = only(look(walk(), now=at("2100-01-01")), Kind.STALE, Severity.NOTE)
    assert "cannot be known: the trading days of XSHG are known from" in found.text


def test_of_an_unknown_exchange_only_staleness_is_told() -> None:
    table = walk().assign(symbol="VOD.L").drop(index=20)
    assert "its exchange is not known" in only(look(table), Kind.STALE, Severity.NOTE).text


def test_a_bar_from_before_the_close_is_half_finished() -> None:
    table = walk()
    last = day_of(table, -1)
    # Shanghai closes at 07:00 UTC, and the bar is due an hour later.
    early = datetime(last.year, last.month, last.day, 7, 59, tzinfo=UTC)
    found = only(look(table, now=early), Kind.HALF_FINISHED)
    assert (found.first, found.last, found.sessions) == (last, last, 1)
    assert f"is {day_of(table, -2)}" in found.text
    assert look(table, now=early.replace(hour=8, minute=0)) == []
