from __future__ import annotations

from datetime import date

import pandas as pd

from data.facts import ABSENT, OPEN, SUSPENDED
from data.health.findings import Kind, Severity
from tests.data.health.shares import SHARE, day_of, holes, look, only, walk


def test_each_run_of_missing_sessions_is_one_finding() -> None:
    table, _ = holes(walk(), [20, 21, 22, 30], SUSPENDED)
    whole = walk()
    first, second = look(table)
    assert (first.kind, first.symbol, first.sessions, first.severity) == (Kind.GAP, SHARE, 3, Severity.PROBLEM)
    assert (first.first, first.last) == (day_of(whole, 20), day_of(whole, 22))
    assert (second.first, second.last, second.sessions) == (day_of(whole, 30), day_of(whole, 30), 1)
    assert second.text == f"no bar of {second.first}; expected one a session, as no suspension is known"


def test_a_suspension_explains_a_gap() -> None:
    table, said = holes(walk(), [20, 21, 22], SUSPENDED)
    assert look(table, gaps=said) == []


def test_what_a_suspension_leaves_over_stays_a_gap() -> None:
    whole = walk()
    table, said = holes(whole, [20, 21, 22], [OPEN, SUSPENDED, OPEN])
    assert [(one.first, one.last) for one in look(table, gaps=said)] == [(day_of(whole, row),) * 2 for row in (20, 22)]


def test_a_gap_that_the_source_cannot_fill_says_so() -> None:
    table, said = holes(walk(), [20, 21], ABSENT)
    assert "the source was asked and has none" in only(look(table, gaps=said), Kind.GAP).text
    half = said.assign(why=[ABSENT, OPEN])
    assert "has none of 1 of them" in only(look(table, gaps=half), Kind.GAP).text


def test_without_facts_a_gap_may_be_a_suspension() -> None:
    table, _ = holes(walk(), [20, 21], OPEN)
    assert "not known" in only(look(table, gaps=None), Kind.GAP, Severity.NOTE).text


def test_facts_about_others_and_about_days_without_a_session_explain_nothing() -> None:
    table, said = holes(walk(), [20], SUSPENDED)
    whose = said.assign(symbol="000001.SZ")
    saturday = said.assign(session=pd.Timestamp("2015-02-01").as_unit("s"))  # row 20 is Monday the 2nd
    assert day_of(walk(), 20) == date(2015, 2, 2)
    only(look(table, gaps=pd.concat([whose, saturday])), Kind.GAP)


def test_a_suspension_counts_before_another_answer_about_the_same_session() -> None:
    table, said = holes(walk(), [20], SUSPENDED)
    assert look(table, gaps=pd.concat([said, said.assign(why=ABSENT)])) == []


def test_a_gap_over_a_holiday_counts_sessions_only() -> None:
    # From the exchange's notice for 2015: closed from 18 to 24 February.
    table = walk()
    out = table["session"].between("2015-02-17", "2015-02-25")
    found = only(look(table[~out]), Kind.GAP)
    assert (found.first, found.last, found.sessions) == (date(2015, 2, 17), date(2015, 2, 25), 2)
