from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.bars import COLUMNS, QUARANTINE_COLUMNS, Reason, empty_bars, validate
from data.errors import MissingColumns
from tests.data.tables import checked, market, row, table, trusted

TODAY = date(2024, 6, 3)


def only_reason(*rows: dict[str, Any]) -> list[str]:
    """Validate, and say why the rows were set aside; those that were not are good."""
    found = validate(table(*rows), source="test", known_through=TODAY)
    assert len(found.bars) + len(found.quarantine) == len(rows)
    return list(found.quarantine["reason"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": "aapl"}, Reason.BAD_SYMBOL),
        ({"symbol": None}, Reason.BAD_SYMBOL),
        ({"symbol": ""}, Reason.BAD_SYMBOL),
        ({"symbol": "A" * 13}, Reason.BAD_SYMBOL),
        ({"symbol": "A'; drop table it"}, Reason.BAD_SYMBOL),
        ({"session": None}, Reason.BAD_SESSION),
        ({"session": ""}, Reason.BAD_SESSION),
        ({"session": "2023-02-29"}, Reason.BAD_SESSION),
        ({"session": "02/01/2024"}, Reason.BAD_SESSION),
        ({"session": 20241301}, Reason.BAD_SESSION),
        ({"session": "2024-06-04"}, Reason.IN_THE_FUTURE),
        ({"session": "9999-12-31"}, Reason.IN_THE_FUTURE),
        ({"open": None}, Reason.MISSING_VALUE),
        ({"close": math.nan}, Reason.MISSING_VALUE),
        ({"high": " "}, Reason.MISSING_VALUE),
        ({"low": "N/A"}, Reason.MISSING_VALUE),
        ({"volume": "-"}, Reason.MISSING_VALUE),
        ({"adj_factor": "null"}, Reason.MISSING_VALUE),
        ({"close": "eleven"}, Reason.NOT_A_NUMBER),
        ({"close": "1,100"}, Reason.NOT_A_NUMBER),
        ({"open": math.inf}, Reason.NOT_A_NUMBER),
        ({"volume": "1e999"}, Reason.NOT_A_NUMBER),
        ({"adj_factor": -math.inf}, Reason.NOT_A_NUMBER),
        ({"amount": "much"}, Reason.NOT_A_NUMBER),
        ({"amount": math.inf}, Reason.NOT_A_NUMBER),
        ({"open": 0.0}, Reason.NOT_POSITIVE),
        ({"low": -9.0}, Reason.NOT_POSITIVE),
        ({"high": 10.5}, Reason.INCONSISTENT_RANGE),
        ({"low": 10.5}, Reason.INCONSISTENT_RANGE),
        ({"open": 12.1}, Reason.INCONSISTENT_RANGE),
        ({"close": 8.9}, Reason.INCONSISTENT_RANGE),
        ({"volume": -1.0}, Reason.NEGATIVE_VOLUME),
        ({"amount": -1.0}, Reason.NEGATIVE_VOLUME),
        ({"adj_factor": 0.0}, Reason.BAD_FACTOR),
        ({"adj_factor": -2.0}, Reason.BAD_FACTOR),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason(changes: dict[str, Any], reason: Reason) -> None:
    # A good row beside it must not be touched.
    assert only_reason(row(symbol="GOOD"), row(**changes)) == [str(reason)]


def test_every_reason_has_an_example() -> None:
    marks = test_a_bad_row_is_set_aside_with_its_reason.pytestmark  # type: ignore[attr-defined]
    shown = {reason for _, reason in marks[0].args[1]}
    assert shown | {Reason.DUPLICATE, Reason.CONFLICTING} == set(Reason)


def test_the_first_broken_rule_counts() -> None:
    everything = row(symbol="?", session="?", open=None, close="x", low=-1, volume=-1, adj_factor=0)
    assert only_reason(everything) == ["bad_symbol"]
    assert only_reason(everything | {"symbol": "A"}) == ["bad_session"]
    assert only_reason(row(session="2030-01-01", open=None)) == ["in_the_future"]
    assert only_reason(row(open=None, close="x")) == ["missing_value"]
    assert only_reason(row(low=-1, volume=-1, adj_factor=0)) == ["price_not_positive"]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": None},
        {"amount": ""},
        {"volume": 0},
        {"open": 11.0, "high": 11.0, "low": 11.0, "close": 11.0},
        {"session": TODAY.isoformat()},
        # A high that went through float32 may lie below the close by its rounding.
        {"close": 12.0, "high": float(np.float32(11.999999))},
        {"close": "11.0", "open": "1e1", "high": " 12 ", "low": Decimal("9.00")},
        {"symbol": " AAPL "},
    ],
)
def test_a_row_at_the_edge_of_the_rules_is_good(changes: dict[str, Any]) -> None:
    assert only_reason(row(**changes)) == []


def test_nothing_is_lost_and_originals_are_kept() -> None:
    rows = [row(), row(symbol="MSFT"), row(symbol="?", close="n.k."), row(session="x"), row(symbol="IBM", volume=-5.5)]
    found = validate(table(*rows), source="book.csv")
    assert (len(found.bars), len(found.quarantine)) == (2, 3)
    assert list(found.quarantine.columns) == ["source", "row", "reason", "raw"]
    assert set(found.quarantine["source"]) == {"book.csv"}
    assert list(found.quarantine["row"]) == [2, 3, 4]
    assert [json.loads(raw) for raw in found.quarantine["raw"]] == rows[2:]
    assert found.counts() == {"bad_session": 1, "bad_symbol": 1, "negative_volume": 1}


@pytest.mark.parametrize(
    ("changes", "name", "kept"),
    [
        # Longer than the 15 digits that some writers stop at: the last bit of the original must survive.
        ({"symbol": "?", "close": 0.1 + 0.2}, "close", 0.30000000000000004),
        ({"symbol": "?", "close": 1e-300}, "close", 1e-300),
        # JSON has no infinity, and null would read as "was missing".
        ({"volume": math.inf}, "volume", "inf"),
        ({"volume": -math.inf}, "volume", "-inf"),
        ({"volume": math.nan}, "volume", None),
        ({"symbol": "a\u2028b\n\x85\t\"'"}, "symbol", "a\u2028b\n\x85\t\"'"),
        ({"session": "14:30"}, "session", "14:30"),
        ({"close": "twelve / 12"}, "close", "twelve / 12"),
    ],
)
def test_an_original_value_can_be_read_back(changes: dict[str, Any], name: str, kept: object) -> None:
    found = validate(table(row(**changes)), source="test")
    assert json.loads(found.quarantine["raw"][0], parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))[
        name
    ] == (kept)


def test_bars_are_sorted_and_typed_whatever_came() -> None:
    rows = [
        row(symbol="MSFT", session="2024-01-03"),
        row(symbol="AAPL", session="2024-01-03"),
        row(symbol="MSFT", session="2024-01-02"),
        row(symbol="AAPL", session="2024-01-02"),
    ]
    shuffled = table(*rows)[list(reversed(COLUMNS))].assign(extra="ignored", volume=["1", "2", "3", "4"])
    shuffled.index = pd.Index([7, 7, 1, 0])
    frame = validate(shuffled, source="test").bars.frame
    assert list(frame.columns) == [
        *("symbol", "session", "open", "high", "low", "close", "volume", "amount", "adj_factor")
    ]
    assert list(frame.index) == [0, 1, 2, 3]
    assert list(zip(frame["symbol"], frame["session"].dt.day, frame["volume"], strict=True)) == [
        ("AAPL", 2, 4.0),
        ("AAPL", 3, 2.0),
        ("MSFT", 2, 3.0),
        ("MSFT", 3, 1.0),
    ]
    assert frame["symbol"].dtype == "str"
    assert frame["session"].dtype == "datetime64[s]"
    assert {str(frame[name].dtype) for name in COLUMNS[2:]} == {"float64"}


@pytest.mark.parametrize("seed", range(10))
def test_a_random_market_is_good_and_the_short_way_to_its_bars_is_the_long_one(seed: int) -> None:
    rows = market(seed, symbols=3)
    pd.testing.assert_frame_equal(trusted(rows).frame, checked(rows).frame, check_exact=True)


def test_no_rows_are_no_bars() -> None:
    found = validate(table(row()).iloc[:0], source="test")
    assert len(found.bars) == 0
    assert found.bars.symbols == ()
    assert found.counts() == {}
    assert list(found.quarantine.columns) == list(QUARANTINE_COLUMNS)
    assert found.bars.frame.dtypes.equals(empty_bars().frame.dtypes)
    assert validate(table(row()), source="test").bars.frame.dtypes.equals(empty_bars().frame.dtypes)


def test_a_missing_column_is_named_beside_what_was_found() -> None:
    with pytest.raises(MissingColumns) as caught:
        validate(table(row()).drop(columns=["close", "volume"]).rename(columns={"open": "Opening"}), source="a.csv")
    assert caught.value.source == "a.csv"
    assert caught.value.missing == ("open", "close", "volume")
    assert "Opening" in caught.value.found
    assert "'Opening'" in str(caught.value)


def test_only_the_amount_may_be_absent() -> None:
    whole = table(row())
    assert np.isnan(validate(whole.drop(columns="amount"), source="test").bars.frame["amount"][0])
    for name in set(COLUMNS) - {"amount"}:
        with pytest.raises(MissingColumns) as caught:
            validate(whole.drop(columns=name), source="test")
        assert caught.value.missing == (name,)


def test_an_exact_repetition_counts_once() -> None:
    # Equal after reading: a repeated line need not be written alike, and an unknown amount equals itself.
    rows = [row(amount=None), row(symbol="MSFT"), row(amount="", close="11.00"), row(amount=None, session=20240102)]
    found = validate(table(*rows), source="test")
    assert list(found.bars.frame["symbol"]) == ["AAPL", "MSFT"]
    assert list(found.quarantine["row"]) == [2, 3]
    assert found.counts() == {"duplicate": 2}


def test_contradicting_rows_are_all_set_aside() -> None:
    # Row 3 repeats row 0, which row 1 contradicts: three rows of which nobody knows the true one.
    rows = [row(), row(close=10.5), row(session="2024-01-03"), row(), row(symbol="MSFT")]
    found = validate(table(*rows), source="test")
    assert list(zip(found.bars.frame["symbol"], found.bars.frame["session"].dt.day, strict=True)) == [
        ("AAPL", 3),
        ("MSFT", 2),
    ]
    assert list(found.quarantine["row"]) == [0, 1, 3]
    assert found.counts() == {"conflicting_duplicate": 3}


def test_a_bad_row_does_not_contradict_a_good_one() -> None:
    assert only_reason(row(), row(close=-1.0)) == ["price_not_positive"]


@pytest.mark.parametrize(
    "written",
    [
        *("2024-01-02", "20240102", "2024/01/02", "2024-1-2", "2024/1/2", " 2024-01-02 ", "20240102.0"),
        *(20240102, 20240102.0, np.int64(20240102), date(2024, 1, 2), datetime(2024, 1, 2)),
        *("2024-01-02 15:00:00", "2024-01-02T15:00:00.000Z", "2024-1-2 15:00", "20240102T150000"),
        # Whatever the zone says: the date is the one that the exchange wrote.
        *("2024-01-02T00:00:00+08:00", "2024-01-02 23:59:59-05:00"),
        datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=8))),
        datetime(2024, 1, 2, 23, 30, tzinfo=UTC),
        np.datetime64("2024-01-02"),
        pd.Timestamp("2024-01-02", tz="America/New_York"),
    ],
)
def test_a_day_is_read_as_it_is_written(written: object) -> None:
    found = validate(table(row(session=written)), source="test")
    assert list(found.bars.frame["session"]) == [pd.Timestamp(2024, 1, 2)]


def test_a_column_of_moments_with_a_zone_keeps_its_own_dates() -> None:
    # Midnight in Shanghai is the day before in UTC.
    days = pd.date_range("2024-01-02", periods=3, tz="Asia/Shanghai")
    frame = table(row(), row(), row()).assign(session=days)
    assert list(validate(frame, source="test").bars.frame["session"].dt.day) == [2, 3, 4]


@pytest.mark.parametrize(
    "written",
    # Half a date would be a guess, a count of seconds another day, and a word would read the clock.
    [
        *("2024", "2024-01", "202401", "2024-Q1", "2024-W01", "2024-001", "today", "now", "24-01-02", "Jan 2, 2024"),
        *("1704153600", "1704153600000", "2024-01-021", "202401021", "2024010215", "-2024-01-02", "20240102.5"),
        *(2024, 1704153600, 1704153600000, True, 0, 1.5, "0000-00-00", "2024-00-01", "2024/01-02"),
    ],
)
def test_what_is_no_whole_date_is_no_session(written: object) -> None:
    assert only_reason(row(session=written)) == ["bad_session"]


@pytest.mark.parametrize("cell", [True, [11.0], {"close": 11.0}, b"\xff", timedelta(days=1), datetime(2024, 1, 2)])
def test_what_is_no_number_is_no_price(cell: object) -> None:
    assert only_reason(row(symbol="GOOD"), row(close=cell)) == ["not_a_number"]


@pytest.mark.parametrize(
    "cells",
    [
        pd.array([True], dtype="boolean"),
        np.array([True]),
        pd.to_datetime(["2024-01-02"]),
        pd.to_timedelta(["1 day"]),
        np.array([1 + 0j]),
    ],
)
def test_a_column_of_moments_spans_or_truths_holds_no_prices(cells: Any) -> None:
    # pandas would turn each of them into numbers.
    frame = table(row()).assign(open=cells, high=cells, low=cells, close=cells)
    assert validate(frame, source="test").counts() == {"not_a_number": 1}


@pytest.mark.parametrize("dtype", ["float32", "Float64", "string", "category", "object", "float64[pyarrow]"])
def test_numbers_are_read_from_any_dtype(dtype: str) -> None:
    names = ["open", "high", "low", "close", "volume", "amount", "adj_factor"]
    frame = table(row(), row(symbol="MSFT")).astype(dict.fromkeys(names, dtype)).astype({"symbol": "category"})
    found = validate(frame, source="test")
    assert found.bars.frame["close"].tolist() == [11.0, 11.0]


def as_categories(column: pd.Series[Any]) -> pd.Series[Any]:
    # In an order that is not theirs, with one that no row has.
    return column.astype("category").cat.add_categories(["AAA"]).cat.reorder_categories(["AAA", "S2", "S0", "S1"])


FORMS: dict[str, dict[str, Callable[[pd.Series[Any]], pd.Series[Any]]]] = {
    "symbol": {
        "object": lambda column: column.astype("object"),
        "string": lambda column: column.astype("string"),
        "arrow": lambda column: column.astype("string[pyarrow]"),
        "category": as_categories,
        "untrimmed": lambda column: column + pd.Series(["", " ", "\t"] * len(column))[: len(column)],
    },
    "session": {
        "microseconds": lambda column: column.astype("datetime64[us]") + pd.Timedelta("23:59:59.999999"),
        "nanoseconds": lambda column: column.astype("datetime64[ns]"),
        "zone": lambda column: (column + pd.Timedelta("15:00:00")).dt.tz_localize("Asia/Shanghai"),
        "ISO": lambda column: column.dt.strftime("%Y-%m-%d"),
        "ISO objects": lambda column: column.dt.strftime("%Y-%m-%d").astype("object"),
        "moments as text": lambda column: column.dt.strftime("%Y-%m-%dT15:00:00+08:00"),
        "digits": lambda column: column.dt.strftime("%Y%m%d").astype("object"),
        "integers": lambda column: column.dt.strftime("%Y%m%d").astype("int64"),
        "nullable integers": lambda column: column.dt.strftime("%Y%m%d").astype("int64").astype("Int64"),
        "floats": lambda column: column.dt.strftime("%Y%m%d").astype("float64"),
        "categories": lambda column: column.dt.strftime("%Y%m%d").astype("category"),
        "dates": lambda column: column.dt.date,
    },
    "amount": {
        "nullable": lambda column: column.astype("Float64"),
        "arrow": lambda column: column.astype("float64[pyarrow]"),
        "object": lambda column: column.astype("object"),
        "gaps are None": lambda column: column.astype("object").where(column.notna(), None),
    },
}


@pytest.mark.parametrize(("name", "form"), [(name, form) for name, forms in FORMS.items() for form in forms])
def test_bars_do_not_depend_on_the_form_in_which_a_column_comes(name: str, form: str) -> None:
    rows = market(3, symbols=3)
    changed = rows.assign(**{name: FORMS[name][form](rows[name])})
    pd.testing.assert_frame_equal(checked(changed).frame, trusted(rows).frame, check_exact=True)


@pytest.mark.parametrize("order", ["newest first", "by session", "shuffled"])
def test_bars_do_not_depend_on_the_order_of_the_rows(order: str) -> None:
    rows = market(4, symbols=3)
    changed = {
        "newest first": rows.iloc[::-1],
        "by session": rows.sort_values("session", kind="stable"),
        "shuffled": rows.sample(frac=1.0, random_state=0),
    }[order]
    pd.testing.assert_frame_equal(checked(changed).frame, trusted(rows).frame, check_exact=True)


def test_a_typed_sorted_table_is_its_own_bars() -> None:
    rows = market(5, symbols=3).astype({"session": "datetime64[s]"})
    before = rows.copy(deep=True)
    bars = checked(rows)
    pd.testing.assert_frame_equal(bars.frame, before, check_exact=True)
    assert np.shares_memory(bars.frame["close"].to_numpy(), rows["close"].to_numpy())
    # Nothing was copied, and yet neither side sees what the other writes.
    rows.loc[0, "close"] = -1.0
    bars.frame.loc[1, "open"] = -1.0
    assert bars.frame["close"][0] == before["close"][0]
    assert rows["open"][1] == before["open"][1]


def test_a_table_and_its_pieces_give_the_same_bars() -> None:
    rows = market(6, symbols=3)
    pieces = [checked(rows.iloc[start : start + 7]).frame for start in range(0, len(rows), 7)]
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), checked(rows).frame, check_exact=True)


def test_repetitions_are_found_however_far_apart() -> None:
    rows = market(7, symbols=3)
    contradiction = rows.iloc[[5]].assign(adj_factor=99.0)
    frame = pd.concat([rows, rows.iloc[10:14], contradiction, rows.iloc[[5, 10]]], ignore_index=True)
    found = validate(frame, source="test")
    n = len(rows)
    # The first of equal rows stays; of row 5 and what contradicts it, none does.
    assert dict(zip(found.quarantine["row"], found.quarantine["reason"], strict=True)) == {
        5: "conflicting_duplicate",
        **dict.fromkeys(range(n, n + 4), "duplicate"),
        n + 4: "conflicting_duplicate",
        n + 5: "conflicting_duplicate",
        n + 6: "duplicate",
    }
    pd.testing.assert_frame_equal(found.bars.frame, trusted(rows.drop(index=5)).frame, check_exact=True)


def test_one_symbol_or_session_written_in_two_ways_is_the_same() -> None:
    rows = [row(symbol="AAPL"), row(symbol=" AAPL"), row(session="20240102"), row(symbol="AAPL ", volume=-0.0)]
    again = [row(symbol="MSFT", volume=0.0), row(symbol="MSFT", volume=-0.0)]
    frame = table(*rows, *again)
    for changed in (frame, frame.astype({"symbol": "category", "session": "category"})):
        found = validate(changed, source="test")
        assert list(found.quarantine["row"]) == [0, 1, 2, 3, 5]
        assert found.counts() == {"conflicting_duplicate": 4, "duplicate": 1}


def test_equal_cells_may_be_written_differently() -> None:
    # One moment, two dates; and one number, of which one spelling is no date.
    moments = [pd.Timestamp("2024-01-02T00:30+08:00"), pd.Timestamp("2024-01-01T16:30Z")]
    assert moments[0] == moments[1]
    frame = validate(table(*(row(session=moment) for moment in moments)), source="test").bars.frame
    assert list(frame["session"].dt.day) == [1, 2]
    cells = pd.Series([Decimal("20240102.00"), 20240102], dtype="object")
    assert cells[0] == cells[1]
    found = validate(table(row(), row()).assign(session=cells), source="test")
    assert list(found.quarantine["row"]) == [0]
    assert found.counts() == {"bad_session": 1}


def test_a_column_of_moments_keeps_the_days_of_four_digit_years() -> None:
    moments = ["-0001-12-31", "0001-01-01", "1969-12-31T23:59:59", "9999-12-31T23:59:59", "10000-01-01", "NaT"]
    frame = table(*[row()] * 6).assign(session=np.array(moments, dtype="datetime64[s]"))
    found = validate(frame, source="test")
    assert list(found.bars.frame["session"].astype("str")) == ["0001-01-01", "1969-12-31", "9999-12-31"]
    assert list(found.quarantine["row"]) == [0, 4, 5]
    assert found.counts() == {"bad_session": 3}
    assert validate(frame, source="test", known_through=TODAY).counts() == {"bad_session": 3, "in_the_future": 1}


@pytest.mark.parametrize("dtype", ["float64", "Float64", "Int64", "float64[pyarrow]", "str", "string", "category"])
def test_a_gap_in_a_typed_column_is_a_missing_value(dtype: str) -> None:
    cells = pd.Series(["5", None], dtype="object") if dtype in ("str", "string") else pd.Series([5, None])
    frame = table(row(), row(symbol="MSFT")).assign(volume=cells.astype(dtype))
    found = validate(frame, source="test")
    assert list(found.bars.frame["volume"]) == [5.0]
    assert found.counts() == {"missing_value": 1}
    assert json.loads(found.quarantine["raw"][0])["volume"] is None


@pytest.mark.parametrize("dtype", ["str", "string", "object", "category"])
def test_a_gap_among_symbols_or_sessions_is_no_text(dtype: str) -> None:
    frame = table(row(symbol=None), row(session=None), row()).astype({"symbol": dtype, "session": dtype})
    found = validate(frame, source="test")
    assert list(zip(found.quarantine["row"], found.quarantine["reason"], strict=True)) == [
        (0, "bad_symbol"),
        (1, "bad_session"),
    ]


def test_categories_of_numbers_are_read_as_the_column_of_numbers() -> None:
    # A gap makes floats of whole numbers, and 600519.0 is no symbol.
    cells = [600519, None]
    for symbols in (pd.Series(cells), pd.Series(pd.Categorical(cells))):
        assert validate(table(row(), row()).assign(symbol=symbols), source="test").counts() == {"bad_symbol": 2}


def test_numbers_at_the_end_of_their_range_raise_no_warning() -> None:
    def everywhere(price: float) -> dict[str, Any]:
        return row(open=price, high=price, low=price, close=price)

    assert only_reason(everywhere(float(np.finfo("float64").max))) == []
    assert only_reason(everywhere(math.inf)) == ["not_a_number"]


def test_whole_dates_do_not_excuse_half_of_one_beside_them() -> None:
    rows = [row(session="2024-01-03"), row(session="2024-01"), row(session="20240104"), row(session="2024/1/5")]
    found = validate(table(*rows), source="test")
    assert list(found.bars.frame["session"].dt.day) == [3, 4, 5]
    assert list(found.quarantine["row"]) == [1]


def test_no_session_is_so_late_that_it_belongs_to_the_next_symbol() -> None:
    rows = [row(symbol=symbol, session=day) for symbol in ("B", "A") for day in ("0001-01-01", "9999-12-31")]
    frame = validate(table(*rows), source="test").bars.frame
    assert list(frame["symbol"] + " " + frame["session"].astype("str")) == [
        *("A 0001-01-01", "A 9999-12-31", "B 0001-01-01", "B 9999-12-31")
    ]


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
rubbish = st.one_of(
    st.none(),
    text,
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.floats(width=32),
    st.booleans(),
    st.binary(max_size=4),
    st.decimals(allow_nan=False, places=4),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(
        [
            "NaN",
            "inf",
            "1e999",
            "-",
            "now",
            "today",
            "2024",
            "0x1F",
            "1_000",
            "½",
            "\uff11",
            Decimal("NaN"),
            pd.NA,
            pd.NaT,
        ]
    ),
)
# Mostly plausible: a table of rubbish alone would never reach the later rules.
price = st.sampled_from([9.0, 10.0, 11.0, "10", "10.5", Decimal("11"), 0, -1.0])
CELLS: dict[str, st.SearchStrategy[object]] = {
    "symbol": st.sampled_from(["AAPL", "MSFT", " AAPL", "600519.SH", "aapl"]),
    "session": st.sampled_from(["2024-01-02", "20240102", 20240103, date(2024, 1, 4), "2024-06-03", "2024-06-04"]),
    "open": price,
    "high": st.sampled_from([11.0, 12.0, "12"]),
    "low": st.sampled_from([9.0, 9, "8.5"]),
    "close": price,
    "volume": st.sampled_from([0, 1000.0, "5", -1]),
    "amount": st.sampled_from([None, 10.0, "", "7", -1]),
    "adj_factor": st.sampled_from([1.0, 2, "1.5", 0]),
}


def as_text(cell: object) -> str:
    return (cell.decode() if isinstance(cell, bytes) else str(cell)).strip()


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    n = draw(st.integers(0, 8))
    share = draw(st.sampled_from([0.0, 0.05, 0.5]))
    columns = {}
    for name, plausible in CELLS.items():
        one = st.floats(0, 1).flatmap(lambda chance, good=plausible: rubbish if chance < share else good)
        columns[name] = draw(st.lists(one, min_size=n, max_size=n))
    # With and without letting pandas choose a dtype for a column.
    frame = pd.DataFrame(columns, dtype=draw(st.sampled_from([None, object])))
    return frame.drop(columns="amount") if draw(st.booleans()) else frame


@settings(max_examples=100, deadline=None)
@given(tables())
def test_any_table_is_split_into_good_bars_and_quarantine(frame: pd.DataFrame) -> None:
    before = frame.copy(deep=True)
    found = validate(frame, source="test", known_through=TODAY)
    pd.testing.assert_frame_equal(frame, before)
    assert len(found.bars) + len(found.quarantine) == len(frame)

    aside = found.quarantine.to_dict("records")
    assert len({one["row"] for one in aside}) == len(aside)
    for one in aside:
        assert one["reason"] in set(Reason)
        original = json.loads(one["raw"], parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
        assert set(original) == set(COLUMNS)
        for name in frame.columns:
            cell = frame[name].iloc[one["row"]]
            if isinstance(cell, str) or (isinstance(cell, float) and math.isfinite(cell)):
                assert original[name] == cell

    bars = found.bars.frame.to_dict("records")
    pairs = [(bar["symbol"], bar["session"]) for bar in bars]
    assert pairs == sorted(set(pairs))
    for bar in bars:
        assert re.fullmatch(r"[A-Z0-9][A-Z0-9-]{0,11}(\.[A-Z]{1,4})?", bar["symbol"])
        assert bar["session"] == pd.Timestamp(bar["session"].date())
        assert bar["session"].date() <= TODAY
        numbers = [bar[name] for name in ("open", "high", "low", "close", "volume", "adj_factor")]
        assert all(math.isfinite(number) for number in numbers)
        assert min(bar["open"], bar["high"], bar["low"], bar["close"], bar["adj_factor"]) > 0
        room = 1e-6 * bar["close"]
        assert bar["high"] >= max(bar["open"], bar["close"]) - room
        assert bar["low"] <= min(bar["open"], bar["close"]) + room
        assert bar["volume"] >= 0
        assert math.isnan(bar["amount"]) or 0 <= bar["amount"] < math.inf

    # Good values are the ones that came: nothing is repaired. Each bar has its row, and no row serves two.
    kept = frame.drop(index=[one["row"] for one in aside])
    came = sorted(
        (as_text(cells["symbol"]), *(float(cells[name]) for name in ("open", "close", "volume", "adj_factor")))
        for cells in kept.to_dict("records")
    )
    assert came == sorted((bar["symbol"], bar["open"], bar["close"], bar["volume"], bar["adj_factor"]) for bar in bars)
