from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from data.bars import Bars, empty_bars, validate
from data.delta import Upserted
from data.errors import EmptyStore, MalformedSymbol, StoreUnavailable, UnknownSymbol, UnknownVersion
from data.store import PriceStore, stored_rows
from data.upkeep import compact
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


keys = st.tuples(st.sampled_from(["AAPL", "MSFT", "600519.SH"]), st.integers(2020, 2023), st.integers(1, 3))
values = st.tuples(st.sampled_from([9.5, 10.0, 11.0]), st.sampled_from([None, 0.0, 5.0]), st.sampled_from([1.0, 2.0]))
Piece = dict[tuple[str, int, int], tuple[float, float | None, float]]


def piece_of_bars(piece: Piece) -> Bars:
    rows = [
        row(symbol=symbol, session=f"{year}-01-{day:02}", close=close, amount=amount, adj_factor=factor)
        for (symbol, year, day), (close, amount, factor) in piece.items()
    ]
    return checked(table(*rows))


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.one_of(st.just("compact"), st.dictionaries(keys, values, min_size=1)), min_size=1, max_size=6),
    within=st.booleans(),
)
def test_any_sequence_of_upserts_is_a_dictionary_updated(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | Piece], within: bool
) -> None:
    store = PriceStore(tmp_path_factory.mktemp("prices"))
    expected: Piece = {}
    with store.writing() if within else nullcontext():
        for step in steps:
            if isinstance(step, str):
                compact(store)
                continue
            before = store.version()
            done = store.upsert(piece_of_bars(step))
            inserted = len(step.keys() - expected.keys())
            updated = sum(key in expected and expected[key] != value for key, value in step.items())
            version = (-1 if before is None else before) + bool(inserted or updated)
            assert done == Upserted(inserted, updated, version)
            expected |= step
            # Another object, as another process would open it.
            same(PriceStore(store.uri).read(), piece_of_bars(expected))
    if expected:
        other = PriceStore(tmp_path_factory.mktemp("prices"))
        other.upsert(piece_of_bars(expected))
        assert store.fingerprint() == other.fingerprint()


def test_the_fingerprint_is_of_the_content_and_not_of_the_files(tmp_path: Path) -> None:
    bars = trusted(market(5, symbols=4, sessions=300))
    assert bars.frame["session"].dt.year.nunique() == 2
    at_once, reversed_, dated = (PriceStore(tmp_path / name) for name in ("at once", "reversed", "dated"))
    at_once.upsert(bars)
    expected = at_once.fingerprint()
    for symbol in reversed(bars.symbols):
        reversed_.upsert(Bars(bars.frame[bars.frame["symbol"] == symbol].reset_index(drop=True)))
    for _, month in bars.frame.groupby(bars.frame["session"].dt.to_period("Q")):
        # What was wrong at first counts as little as the order.
        dated.upsert(Bars(month.assign(close=month["close"] * 1.001).reset_index(drop=True)))
        dated.upsert(Bars(month.reset_index(drop=True)))
    assert reversed_.fingerprint() == dated.fingerprint() == expected
    compact(reversed_)
    assert reversed_.fingerprint() == expected
    assert reversed_.fingerprint(version=0) != expected


def test_the_layout_of_an_earlier_release_has_the_same_fingerprint(tmp_path: Path) -> None:
    bars = trusted(market(6, symbols=3, sessions=300))
    one, earlier = PriceStore(tmp_path / "one"), PriceStore(tmp_path / "earlier")
    one.upsert(bars)
    days = bars.frame.assign(session=bars.frame["session"].dt.date)
    for rows in (days.iloc[::2], days.iloc[1::2]):
        write_deltalake(f"{earlier.uri}/bars", pa.Table.from_pandas(rows, preserve_index=False), mode="append")
    same(earlier.read(), bars)
    assert earlier.fingerprint() == one.fingerprint()
    assert earlier.fingerprint(version=0) != one.fingerprint()
    assert earlier.upsert(bars) == Upserted(0, 0, 1)
    earlier.upsert(checked(closes([1.0], symbol="NEW")))
    one.upsert(checked(closes([1.0], symbol="NEW")))
    assert earlier.fingerprint() == one.fingerprint()
    same(earlier.read(version=1), bars)
    same(earlier.tail("NEW", 5), checked(closes([1.0], symbol="NEW")))


def test_any_cell_changes_the_fingerprint(tmp_path: Path) -> None:
    frame = two_symbols()
    changes: list[tuple[str, int, object]] = [
        ("symbol", 5, "MSFU"),
        ("session", 5, "2024-01-04"),
        ("session", 5, "2025-01-03"),
        ("amount", 0, 0.0),
        ("volume", 5, 0.0),
        *(
            (name, 3, np.nextafter(frame.loc[3, name], np.inf))
            for name in ("open", "high", "low", "close", "adj_factor")
        ),
    ]
    found = set()
    for number, (name, position, value) in enumerate([("close", 0, frame.loc[0, "close"]), *changes]):
        changed = frame.copy()
        changed.loc[position, name] = value
        store = PriceStore(tmp_path / str(number))
        store.upsert(checked(changed))
        found.add(store.fingerprint())
    shorter = PriceStore(tmp_path / "shorter")
    shorter.upsert(checked(frame.head(5)))
    found.add(shorter.fingerprint())
    assert len(found) == len(changes) + 2


def test_a_zero_has_no_sign_and_an_unknown_no_pattern(tmp_path: Path) -> None:
    plain, odd = PriceStore(tmp_path / "plain"), PriceStore(tmp_path / "odd")
    frame = checked(table(row(volume=0.0, amount=None))).frame
    plain.upsert(Bars(frame))
    other_nan = np.array([0x7FF8000000000123], dtype="uint64").view("float64")
    assert np.isnan(other_nan).all()
    odd.upsert(Bars(frame.assign(volume=-0.0, amount=other_nan)))
    assert odd.fingerprint() == plain.fingerprint()
    assert plain.upsert(Bars(frame.assign(volume=-0.0, amount=other_nan))) == Upserted(0, 0, 0)


def test_a_fingerprint_of_nothing(store: PriceStore) -> None:
    with pytest.raises(EmptyStore):
        store.fingerprint()
    store.upsert(empty_bars())
    # SHA-256 of no bytes, as FIPS 180-4's examples have it.
    assert store.fingerprint() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert len(store.read()) == 0
    assert store.summary().empty
    assert store.newest().empty
    with pytest.raises(UnknownVersion) as caught:
        store.fingerprint(version=7)
    assert (caught.value.uri, caught.value.version, caught.value.newest) == (store.uri, 7, 0)
    with pytest.raises(UnknownSymbol):
        store.tail("AAPL", 1)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> PriceStore:
    """Symbols that trade daily, seldom, no more since years ago, for one session, and in two files a year."""
    store = PriceStore(tmp_path_factory.mktemp("prices"))
    daily = closes([float(n) for n in range(1, 700)], symbol="DAILY", first="2021-06-01")
    seldom = closes([float(n) for n in range(1, 700)], symbol="SELDOM", first="2021-06-01").iloc[::50]
    gone = closes([float(n) for n in range(1, 300)], symbol="GONE", first="2015-06-01")
    once = closes([1.0], symbol="ONCE", first="2018-03-01")
    store.upsert(checked(pd.concat([daily.head(600), seldom, gone], ignore_index=True)))
    store.upsert(checked(pd.concat([daily, once], ignore_index=True)))
    return store


@settings(max_examples=40, deadline=None)
@given(
    symbol=st.sampled_from(["DAILY", "SELDOM", "GONE", "ONCE"]),
    sessions=st.one_of(st.integers(1, 20), st.integers(1, 900)),
)
def test_the_tail_is_the_end_of_what_is_read(many: PriceStore, symbol: str, sessions: int) -> None:
    same(many.tail(symbol, sessions), Bars(many.read([symbol]).frame.tail(sessions).reset_index(drop=True)))


@pytest.mark.parametrize("sessions", [0, -1, -60])
def test_a_tail_of_nothing_is_refused(many: PriceStore, sessions: int) -> None:
    with pytest.raises(ValueError, match=f"from 1 on, got {sessions}"):
        many.tail("DAILY", sessions)


def test_a_tail_of_what_is_not_there(many: PriceStore, store: PriceStore) -> None:
    with pytest.raises(UnknownSymbol) as caught:
        many.tail("NONE", 5)
    assert caught.value.available == ("DAILY", "GONE", "ONCE", "SELDOM")
    for text in ("'", "DAILY'--", "daily", ""):
        with pytest.raises(MalformedSymbol):
            many.tail(text, 5)
    with pytest.raises(EmptyStore):
        store.tail("DAILY", 5)


def test_readers_in_many_threads_see_whole_versions_while_one_writes(store: PriceStore) -> None:
    store.upsert(checked(closes([1.0] * 100)))
    done = threading.Event()

    def read(_: int) -> list[float]:
        seen = []
        while not done.is_set():
            (value,) = set(store.tail("AAPL", 50).frame["close"])
            seen.append(float(value))
        return seen

    with ThreadPoolExecutor(3) as readers, store.writing():
        found = [readers.submit(read, number) for number in range(3)]
        for value in range(2, 15):
            store.upsert(checked(closes([float(value)] * 100)))
        done.set()
        for one in found:
            assert one.result() == sorted(one.result())


def test_pieces_are_one_transaction(store: PriceStore) -> None:
    pieces = [stored_rows(checked(closes([1.0, 2.0], symbol=symbol))) for symbol in ("MSFT", "AAPL", "IBM")]
    assert store.upsert_rows(pieces) == Upserted(6, 0, 0)
    changed = stored_rows(checked(closes([1.0, 3.0], symbol="IBM")))
    added = stored_rows(checked(closes([5.0], symbol="NEW")))
    assert store.upsert_rows([pieces[1], changed, added]) == Upserted(1, 1, 1)
    assert store.read(["IBM", "NEW"]).frame["close"].tolist() == [1.0, 3.0, 5.0]


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
