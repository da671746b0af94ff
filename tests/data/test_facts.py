from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data.bars import QUARANTINE_COLUMNS, validate
from data.facts import ABSENT, OPEN, SUSPENDED, SourceFacts
from data.store import PriceStore
from tests.data.tables import row, table

DAYS = "datetime64[s]"


@pytest.fixture
def facts(tmp_path: Path) -> SourceFacts:
    return SourceFacts(str(tmp_path / "prices"))


def frame(dtypes: dict[str, str], *rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(dtypes)).astype(dtypes)


CALENDAR = {"exchange": "str", "day": DAYS, "is_open": "bool"}
LISTINGS = {"symbol": "str", "name": "str", "status": "str", "listed": DAYS, "delisted": DAYS}
GAPS = {"symbol": "str", "session": DAYS, "why": "str"}
COVERAGE = {"symbol": "str", "first": DAYS, "through": DAYS, "bars": "int64"}


@pytest.mark.parametrize(
    ("name", "dtypes"), [("calendar", CALENDAR), ("listings", LISTINGS), ("gaps", GAPS), ("coverage", COVERAGE)]
)
def test_without_facts_the_tables_are_empty_and_typed(facts: SourceFacts, name: str, dtypes: dict[str, str]) -> None:
    found = getattr(facts, name)()
    pd.testing.assert_frame_equal(found, frame(dtypes))
    assert facts.tables[name].version() is None


def test_no_rows_make_no_table(facts: SourceFacts) -> None:
    facts.keep_calendar(frame(CALENDAR))
    facts.keep_listings(frame(LISTINGS))
    facts.keep_gaps(frame(GAPS))
    facts.replace_coverage(frame(COVERAGE))
    facts.replace_universe("all", [])
    assert [one.version() for one in facts.tables.values()] == [None] * 5


def test_days_come_back_in_order_and_are_corrected(facts: SourceFacts) -> None:
    facts.keep_calendar(frame(CALENDAR, ("XSHG", "2031-01-03", True), ("XSHG", "2031-01-01", False)))
    facts.keep_calendar(frame(CALENDAR, ("XHKG", "2031-01-01", False), ("XSHG", "2031-01-03", False)))
    expected = [("XHKG", "2031-01-01", False), ("XSHG", "2031-01-01", False), ("XSHG", "2031-01-03", False)]
    pd.testing.assert_frame_equal(facts.calendar(), frame(CALENDAR, *expected))
    # And as another process would open it.
    pd.testing.assert_frame_equal(
        SourceFacts(facts.tables["calendar"].uri[: -len("/calendar")]).calendar(), facts.calendar()
    )


def test_a_share_without_a_name_or_an_end_comes_back_so(facts: SourceFacts) -> None:
    first = ("000001.SZ", "平安银行", "L", "1991-04-03", None)
    facts.keep_listings(frame(LISTINGS, first, ("600001.SH", None, None, None, None)))
    found = facts.listings()
    pd.testing.assert_frame_equal(found, frame(LISTINGS, first, ("600001.SH", None, None, None, None)))
    assert found["delisted"].isna().all()
    assert found["name"].isna().tolist() == [False, True]
    gone = ("600001.SH", "it's gone", "D", "1998-01-22", "2009-12-29")
    facts.keep_listings(frame(LISTINGS, gone))
    pd.testing.assert_frame_equal(facts.listings(), frame(LISTINGS, first, gone))
    # A date that turns out to be wrong can be taken back.
    facts.keep_listings(frame(LISTINGS, (*gone[:4], None)))
    assert facts.listings()["delisted"].isna().all()


def test_unknowns_that_stay_unknown_write_nothing(facts: SourceFacts) -> None:
    rows = frame(LISTINGS, ("600001.SH", None, None, None, None))
    facts.keep_listings(rows)
    facts.keep_listings(rows)
    assert facts.tables["listings"].version() == 0


def test_what_a_gap_is_can_be_found_out_later(facts: SourceFacts) -> None:
    facts.keep_gaps(frame(GAPS, ("A", "2024-01-02", OPEN), ("A", "2024-01-03", OPEN)))
    facts.keep_gaps(frame(GAPS, ("A", "2024-01-02", SUSPENDED), ("B", "2024-01-02", ABSENT)))
    expected = [("A", "2024-01-02", SUSPENDED), ("A", "2024-01-03", OPEN), ("B", "2024-01-02", ABSENT)]
    pd.testing.assert_frame_equal(facts.gaps(), frame(GAPS, *expected))


def test_spans_replace_those_before(facts: SourceFacts) -> None:
    spans = frame(COVERAGE, ("A", "2024-01-01", "2024-01-31", 22), ("B", "2024-01-01", "2024-01-31", 21))
    facts.replace_coverage(spans)
    pd.testing.assert_frame_equal(facts.coverage(), spans)
    facts.replace_coverage(spans.head(1))
    pd.testing.assert_frame_equal(facts.coverage(), spans.head(1))
    facts.replace_coverage(spans.head(0))
    pd.testing.assert_frame_equal(facts.coverage(), frame(COVERAGE))
    assert facts.tables["coverage"].version() == 2


@pytest.mark.parametrize(
    "again",
    [
        lambda spans: spans,
        lambda spans: spans.iloc[::-1],
        lambda spans: spans[["bars", "through", "first", "symbol"]],
        lambda spans: spans.astype({"first": "datetime64[ns]", "bars": "int32"}),
    ],
)
def test_the_same_spans_write_nothing(facts: SourceFacts, again: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    spans = frame(COVERAGE, ("A", "2024-01-01", "2024-01-31", 22), ("A", "2024-03-01", "2024-03-31", 21))
    facts.replace_coverage(spans)
    facts.replace_coverage(again(spans))
    assert facts.tables["coverage"].version() == 0
    pd.testing.assert_frame_equal(facts.coverage(), spans)


def test_an_index_has_the_members_that_were_told_last(facts: SourceFacts) -> None:
    assert facts.universe("000300.SH") == ()
    facts.replace_universe("000300.SH", ["B", "A", "B"])
    facts.replace_universe("it's one", ["C"])
    assert facts.universe("000300.SH") == ("A", "B")
    assert facts.universe("it's one") == ("C",)
    version = facts.tables["universes"].version()
    facts.replace_universe("000300.SH", ["A", "B"])
    assert facts.tables["universes"].version() == version
    facts.replace_universe("000300.SH", ["D"])
    assert (facts.universe("000300.SH"), facts.universe("it's one")) == (("D",), ("C",))


@pytest.fixture
def store(tmp_path: Path) -> PriceStore:
    return PriceStore(tmp_path / "prices")


def aside(*rows: dict[str, Any], source: str = "a.csv") -> pd.DataFrame:
    return validate(table(*rows), source=source).quarantine


def test_a_row_set_aside_is_known_again_wherever_it_stands(store: PriceStore) -> None:
    bad, worse, good = row(symbol="?"), row(close="x"), row()
    assert store.quarantine(aside(bad, worse)) == 2
    assert store.quarantine(aside(good, good | {"session": "2024-01-03"}, worse, bad)) == 0
    assert store.quarantine(aside(worse)) == 0
    assert store.quarantine(aside(bad, row(symbol="!"))) == 1
    kept = store.quarantined()
    assert sorted(kept["reason"]) == ["bad_symbol", "bad_symbol", "not_a_number"]


def test_equal_rows_are_kept_as_often_as_they_come(store: PriceStore) -> None:
    bad = row(symbol="?")
    assert store.quarantine(aside(bad, bad, bad)) == 3
    assert store.quarantine(aside(bad, bad, bad)) == 0
    assert store.quarantine(aside(bad)) == 0
    assert store.quarantine(aside(*[bad] * 5)) == 2
    assert len(store.quarantined()) == 5
    assert store.tables["quarantine"].version() == 1


def test_nothing_set_aside_has_the_same_dtypes_as_something(store: PriceStore) -> None:
    empty = store.quarantined()
    assert tuple(empty.columns) == QUARANTINE_COLUMNS
    store.quarantine(aside(row(symbol='it\'s "it"; drop table it --')))
    kept = store.quarantined()
    assert kept.dtypes.equals(empty.dtypes)
    assert kept.dtypes.astype(str).to_dict() == {"source": "str", "row": "int64", "reason": "str", "raw": "str"}
    assert "drop table it --" in kept["raw"].iloc[0]
