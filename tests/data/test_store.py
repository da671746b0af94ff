from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.bars import Bars, validate
from data.errors import EmptyStore, MalformedSymbol, StoreUnavailable, UnknownSymbol, UnknownVersion
from data.store import PriceStore, Upserted
from tests.data.tables import checked, closes, market, row, table, trusted


@pytest.fixture
def store(tmp_path: Path) -> PriceStore:
    return PriceStore(tmp_path / "prices")


def two_symbols() -> pd.DataFrame:
    return pd.concat(
        [closes([10.0, 11.0, 12.0], symbol="AAPL"), closes([20.0, 21.0, 22.0], symbol="MSFT")], ignore_index=True
    )


def same(one: Bars, other: Bars) -> None:
    pd.testing.assert_frame_equal(one.frame, other.frame, check_exact=True)


def test_what_is_written_is_read_back_to_the_last_bit(store: PriceStore) -> None:
    bars = checked(market(1, symbols=3, sessions=50))
    assert store.upsert(bars) == Upserted(inserted=len(bars), updated=0, version=0)
    # Another object, as another process would open it.
    same(PriceStore(store.uri).read(), bars)


def test_new_changed_and_unchanged_rows_are_told_apart(store: PriceStore) -> None:
    store.upsert(checked(two_symbols()))
    later = two_symbols()
    later.loc[1, ["close", "adj_factor"]] = [11.1, 2.0]
    later = pd.concat([later, closes([30.0], symbol="IBM")], ignore_index=True)
    assert store.upsert(checked(later)) == Upserted(inserted=1, updated=1, version=1)
    same(store.read(), checked(later))


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume", "amount", "adj_factor"])
def test_a_change_in_any_column_is_a_change(store: PriceStore, name: str) -> None:
    store.upsert(checked(two_symbols()))
    changed = two_symbols()
    changed.loc[4, name] = np.nextafter(changed.loc[4, name], np.inf) if name != "amount" else 5.0
    assert store.upsert(checked(changed)) == Upserted(inserted=0, updated=1, version=1)
    same(store.read(), checked(changed))


def test_writing_the_same_again_writes_no_version(store: PriceStore) -> None:
    bars = checked(two_symbols())
    # The amounts are unknown: two unknowns must count as equal.
    assert bars.frame["amount"].isna().all()
    store.upsert(bars)
    assert store.upsert(bars) == Upserted(inserted=0, updated=0, version=0)
    assert store.version() == 0
    same(store.read(), bars)


def test_an_amount_that_becomes_known_or_unknown_is_a_change(store: PriceStore) -> None:
    unknown, known = (checked(table(row(amount=amount))) for amount in (None, 5.0))
    assert store.upsert(unknown).inserted == 1
    assert store.upsert(known).updated == 1
    assert store.upsert(unknown).updated == 1
    assert store.upsert(unknown).updated == 0
    same(store.read(), unknown)


def test_a_piece_leaves_the_other_rows_as_they_were(store: PriceStore) -> None:
    store.upsert(checked(two_symbols()))
    store.upsert(checked(closes([99.0], symbol="MSFT")))
    assert store.read().frame["close"].tolist() == [10.0, 11.0, 12.0, 99.0, 21.0, 22.0]


def test_every_version_can_be_read_again(store: PriceStore) -> None:
    states = [two_symbols().head(n) for n in (2, 4, 6)]
    for expected, state in enumerate(states):
        assert store.upsert(checked(state)).version == expected
    for number, state in enumerate(states):
        same(store.read(version=number), checked(state))
        assert store.summary(number)["sessions"].sum() == len(state)
    assert store.version() == 2


@pytest.mark.parametrize("version", [-1, 2, 10**6])
def test_a_version_that_never_was_is_told(store: PriceStore, version: int) -> None:
    store.upsert(checked(two_symbols().head(2)))
    store.upsert(checked(two_symbols()))
    with pytest.raises(UnknownVersion) as caught:
        store.read(version=version)
    assert (caught.value.version, caught.value.newest) == (version, 1)


@pytest.mark.parametrize(
    ("symbols", "start", "end", "expected"),
    [
        (None, None, None, [10, 11, 12, 20, 21, 22]),
        (["MSFT"], None, None, [20, 21, 22]),
        (["MSFT", "AAPL"], None, None, [10, 11, 12, 20, 21, 22]),
        (["MSFT", "MSFT"], None, None, [20, 21, 22]),
        ([], None, None, []),
        (None, date(2024, 1, 2), None, [11, 12, 21, 22]),
        (None, None, date(2024, 1, 1), [10, 20]),
        (["AAPL"], date(2024, 1, 2), date(2024, 1, 2), [11]),
        (["AAPL"], date(2024, 1, 4), None, []),
        (["AAPL"], date(2024, 1, 3), date(2024, 1, 1), []),
    ],
)
def test_bars_are_read_by_symbol_and_span(
    store: PriceStore, symbols: list[str] | None, start: date | None, end: date | None, expected: list[float]
) -> None:
    store.upsert(checked(two_symbols()))
    found = store.read(symbols, start=start, end=end)
    assert found.frame["close"].tolist() == expected
    assert found.frame.dtypes.equals(checked(two_symbols()).frame.dtypes)


def test_an_unknown_symbol_comes_with_those_there_are(store: PriceStore) -> None:
    store.upsert(checked(two_symbols()))
    with pytest.raises(UnknownSymbol) as caught:
        store.read(["AAPL", "IBM"])
    assert (caught.value.symbol, caught.value.available) == ("IBM", ("AAPL", "MSFT"))


def test_a_symbol_is_known_to_the_versions_that_have_it(store: PriceStore) -> None:
    store.upsert(checked(two_symbols().head(3)))
    store.upsert(checked(two_symbols()))
    assert len(store.read(["MSFT"], version=1)) == 3
    with pytest.raises(UnknownSymbol):
        store.read(["MSFT"], version=0)


@pytest.mark.parametrize(
    "text", ["'", "A' or '1'='1", "A'); drop table it; --", "AAPL'--", "a", "", "AAPL\n", "A\\", "*", "A" * 40]
)
def test_a_malformed_symbol_never_reaches_the_query(store: PriceStore, text: str) -> None:
    store.upsert(checked(two_symbols()))
    # In the query it would be a syntax error, all rows or UnknownSymbol; it must be none of these.
    with pytest.raises(MalformedSymbol):
        store.read(["AAPL", text])


def test_an_empty_store_says_what_to_do(store: PriceStore) -> None:
    assert store.version() is None
    assert store.quarantined().empty
    for read in (store.read, store.summary, lambda: store.read(["AAPL"]), lambda: store.read(version=0)):
        with pytest.raises(EmptyStore, match="forecaster fetch") as caught:
            read()
        assert caught.value.uri == store.uri
    # Asking must not create anything.
    assert not Path(store.uri).exists()


def test_the_summary_has_one_row_a_symbol(store: PriceStore) -> None:
    store.upsert(checked(two_symbols().drop(index=3)))
    assert store.summary().to_dict("records") == [
        {"symbol": "AAPL", "sessions": 3, "first": date(2024, 1, 1), "last": date(2024, 1, 3)},
        {"symbol": "MSFT", "sessions": 2, "first": date(2024, 1, 2), "last": date(2024, 1, 3)},
    ]


def test_a_folder_may_be_written_with_a_slash_at_its_end(tmp_path: Path) -> None:
    PriceStore(f"{tmp_path}/prices/").upsert(checked(two_symbols()))
    assert len(PriceStore(tmp_path / "prices").read()) == 6


def test_rows_set_aside_are_kept_once(store: PriceStore) -> None:
    rows = [row(symbol="?"), row(close="x"), row(close="x"), row()]
    aside = validate(table(*rows), source="a.csv").quarantine
    assert store.quarantine(aside) == 3
    assert store.quarantine(aside) == 0
    # The same row of another source is another finding.
    assert store.quarantine(validate(table(*rows), source="b.csv").quarantine) == 3
    kept = store.quarantined()
    assert list(zip(kept["source"], kept["row"], kept["reason"], strict=True)) == [
        ("a.csv", 0, "bad_symbol"),
        ("a.csv", 1, "not_a_number"),
        ("a.csv", 2, "not_a_number"),
        ("b.csv", 0, "bad_symbol"),
        ("b.csv", 1, "not_a_number"),
        ("b.csv", 2, "not_a_number"),
    ]
    assert list(kept["raw"]) == 2 * list(aside["raw"])


def test_nothing_set_aside_makes_no_table(store: PriceStore) -> None:
    assert store.quarantine(validate(table(row()), source="a.csv").quarantine) == 0
    assert not Path(store.uri).exists()


keys = st.tuples(st.sampled_from(["AAPL", "MSFT", "600519.SH"]), st.integers(1, 5))
values = st.tuples(st.sampled_from([9.5, 10.0, 11.0]), st.sampled_from([None, 0.0, 5.0]), st.sampled_from([1.0, 2.0]))


@settings(max_examples=12, deadline=None)
@given(pieces=st.lists(st.dictionaries(keys, values, min_size=1, max_size=6), min_size=1, max_size=5))
def test_any_sequence_of_upserts_is_a_dictionary_updated(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[dict[tuple[str, int], tuple[float, float | None, float]]],
) -> None:
    store = PriceStore(tmp_path_factory.mktemp("prices"))
    expected: dict[tuple[str, int], tuple[float, float | None, float]] = {}
    version = -1
    for piece in pieces:
        rows = [
            row(symbol=symbol, session=f"2024-01-{day:02}", close=close, amount=amount, adj_factor=factor)
            for (symbol, day), (close, amount, factor) in piece.items()
        ]
        done = store.upsert(checked(table(*rows)))
        inserted = len(piece.keys() - expected.keys())
        updated = sum(key in expected and expected[key] != value for key, value in piece.items())
        version += bool(inserted or updated)
        assert done == Upserted(inserted, updated, version)
        expected |= piece
        found = store.read().frame
        amounts = [None if np.isnan(amount) else amount for amount in found["amount"]]
        assert (
            dict(
                zip(
                    zip(found["symbol"], found["session"].dt.day, strict=True),
                    zip(found["close"], amounts, found["adj_factor"], strict=True),
                    strict=True,
                )
            )
            == expected
        )


def test_a_place_that_cannot_hold_a_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = PriceStore(tmp_path / "file")
    with pytest.raises(StoreUnavailable, match="cannot be read or written") as caught:
        store.upsert(trusted(market(1)))
    assert caught.value.uri == str(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "not a folder"


def test_a_damaged_table_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    store = PriceStore(tmp_path / "prices")
    store.upsert(trusted(market(1)))
    for file in (tmp_path / "prices" / "bars").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(StoreUnavailable):
        store.read()
