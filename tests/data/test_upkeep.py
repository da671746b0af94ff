from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from data.bars import Bars
from data.errors import StoreBusy, StoreUnavailable
from data.store import PriceStore
from data.upkeep import SCATTERED, TableShape, clean, compact, compact_if_scattered, shapes
from tests.data.tables import checked, closes, market, trusted

NONE = {"bars": [], "quarantine": [], "calendar": [], "listings": [], "gaps": [], "coverage": [], "universes": []}


@pytest.fixture
def store(tmp_path: Path) -> PriceStore:
    return PriceStore(tmp_path / "prices")


def bars(store: PriceStore) -> Path:
    return Path(store.uri) / "bars"


def parts(store: PriceStore) -> dict[str, Path]:
    return {file.relative_to(bars(store)).as_posix(): file for file in bars(store).rglob("part-*")}


def two_years(value: float, symbol: str = "AAPL") -> Bars:
    """The last weekday of 2023 and the first of 2024."""
    return checked(closes([value, value], symbol=symbol, first="2023-12-29"))


def pass_days(store: PriceStore, days: int) -> None:
    """As if all that was written had been written so many days earlier."""
    earlier = timedelta(days=days)
    for file in Path(store.uri).rglob("*.*"):
        if file.suffix == ".json":
            stamps = r'"(timestamp|deletionTimestamp|modificationTime|createdTime)":(\d{13})'
            text = re.sub(
                stamps,
                lambda found: f'"{found[1]}":{int(found[2]) - int(earlier.total_seconds() * 1000)}',
                file.read_text(),
            )
            file.write_text(text)
        then = file.stat().st_mtime - earlier.total_seconds()
        os.utime(file, (then, then))


@contextmanager
def unchanged(store: PriceStore) -> Iterator[None]:
    before, fingerprint = store.read().frame, store.fingerprint()
    yield
    pd.testing.assert_frame_equal(store.read().frame, before, check_exact=True)
    assert store.fingerprint() == fingerprint


def test_compaction_leaves_one_file_a_year_and_the_same_content(store: PriceStore) -> None:
    pieces = market(3, symbols=6, sessions=320).groupby("symbol")
    for _, piece in pieces:
        store.upsert(trusted(piece))
    first, version = store.read().frame, store.version()
    years = first["session"].dt.year.nunique()
    assert years == 2
    with unchanged(store):
        (done,) = compact(store)
    assert (done.name, done.partitions, done.before, done.after) == ("bars", 2, 12, 2)
    # What it was before stays readable, too.
    pd.testing.assert_frame_equal(store.read(version=version).frame, first)
    newest = store.version()
    assert compact(store) == []
    assert store.version() == newest
    # The next write finds what lies in the compacted files.
    assert store.upsert(trusted(first)).version == newest


def test_every_table_is_compacted(store: PriceStore) -> None:
    for n in (1, 2):
        listing = pd.DataFrame({"symbol": [f"S{n}"], "name": "x", "status": "L", "listed": pd.NaT, "delisted": pd.NaT})
        store.facts.keep_listings(listing)
    assert [(one.name, one.partitions, one.before, one.after) for one in compact(store)] == [("listings", 1, 2, 1)]
    assert list(store.facts.listings()["symbol"]) == ["S1", "S2"]


def test_only_what_is_scattered_is_compacted_after_a_write(store: PriceStore) -> None:
    for n in range(SCATTERED - 1):
        store.upsert(two_years(1.0, f"S{n}"))
    compact_if_scattered(store)
    assert len(parts(store)) == 2 * (SCATTERED - 1)
    store.upsert(checked(closes([1.0], symbol="LAST", first="2024-01-01")))
    with unchanged(store):
        compact_if_scattered(store)
    files = [found.files for found in shapes(store)]
    assert files == [SCATTERED - 1 + 1]


def test_shapes_say_how_the_tables_lie(store: PriceStore) -> None:
    assert shapes(store) == []
    store.upsert(two_years(1.0))
    store.upsert(two_years(1.0, "MSFT"))
    store.facts.replace_universe("all", ["AAPL", "MSFT", "IBM"])
    size = sum(file.stat().st_size for file in parts(store).values())
    found = shapes(store)
    assert found[0] == TableShape("bars", version=1, rows=4, files=4, size=size, scattered=2)
    assert (found[1].name, found[1].version, found[1].rows, found[1].files, found[1].scattered) == (
        "universes",
        0,
        3,
        1,
        0,
    )
    compact(store)
    assert (shapes(store)[0].files, shapes(store)[0].scattered) == (2, 0)


def test_a_table_of_no_rows_has_a_shape(store: PriceStore) -> None:
    spans = pd.DataFrame({"symbol": ["A"], "first": "2024-01-01", "through": "2024-01-02", "bars": 1})
    store.facts.replace_coverage(spans)
    store.facts.replace_coverage(spans.head(0))
    assert shapes(store) == [TableShape("coverage", version=1, rows=0, files=0, size=0, scattered=0)]
    assert compact(store) == []


def test_a_store_that_is_being_written_is_left_alone(store: PriceStore) -> None:
    store.upsert(two_years(1.0))
    other = PriceStore(store.uri)
    with store.writing():
        for act in (compact, compact_if_scattered, clean):
            with pytest.raises(StoreBusy):
                act(other)


def test_nothing_to_clean(store: PriceStore) -> None:
    assert clean(store) == NONE
    store.upsert(two_years(1.0))
    assert clean(store, keep=timedelta(0)) == NONE
    assert store.version() == 0


def test_a_time_before_now_is_refused(store: PriceStore) -> None:
    with pytest.raises(ValueError, match="from 0 on"):
        clean(store, keep=timedelta(days=-1))


def test_a_dry_run_says_what_would_go_and_deletes_nothing(store: PriceStore) -> None:
    for value in (1.0, 2.0, 3.0):
        store.upsert(two_years(value))
    before = set(Path(store.uri).rglob("*"))
    told = clean(store, keep=timedelta(0), dry_run=True)
    assert set(Path(store.uri).rglob("*")) == before
    assert store.version() == 2
    with unchanged(store):
        done = clean(store, keep=timedelta(0))
    assert {name: sorted(files) for name, files in done.items()} == {
        name: sorted(files) for name, files in told.items()
    }
    assert len(done["bars"]) == 4
    # And a second time there is nothing left to name.
    version = store.version()
    assert clean(store, keep=timedelta(0)) == NONE
    assert store.version() == version


def test_versions_stay_as_long_as_they_were_promised(store: PriceStore) -> None:
    # Version 0 was replaced 70 days ago, 1 was 20 days ago, 2 and 3 are by compaction just now.
    store.upsert(two_years(1.0))
    pass_days(store, 10)
    store.upsert(two_years(2.0))
    pass_days(store, 50)
    store.upsert(two_years(3.0))
    store.upsert(two_years(3.0, "MSFT"))
    pass_days(store, 20)
    compact(store)
    gone = clean(store)["bars"]
    assert len(gone) == 2
    for version, expected in ((1, {2.0}), (2, {3.0}), (3, {3.0}), (store.version(), {3.0})):
        assert set(store.read(version=version).frame["close"]) == expected
    with pytest.raises(StoreUnavailable, match="version 0 is no longer there, or not whole"):
        store.read(version=0)
    assert len(clean(store, keep=timedelta(days=19))["bars"]) == 2
    with pytest.raises(StoreUnavailable, match="version 1 is no longer there"):
        store.read(version=1)
    assert set(store.read(version=2).frame["close"]) == {3.0}


def test_versions_that_models_were_trained_on_stay_for_good(store: PriceStore) -> None:
    for value in (1.0, 2.0, 3.0, 4.0):
        store.upsert(two_years(value))
        pass_days(store, 100)
    gone = clean(store, keep_versions=[1, 99, -1])["bars"]
    assert len(gone) == 4
    assert set(store.read(version=1).frame["close"]) == {2.0}
    assert set(store.read().frame["close"]) == {4.0}
    for version in (0, 2):
        with pytest.raises(StoreUnavailable, match=f"version {version} is no longer there"):
            store.read(version=version)
    # A version that is gone is none that could be kept.
    assert clean(store, keep_versions=[0, 1]) == NONE
    assert len(clean(store)["bars"]) == 2


def test_a_version_stays_though_deltalake_has_forgotten_what_it_consisted_of(store: PriceStore) -> None:
    """A checkpoint names a replaced file for a week; after that deltalake takes it for one that nobody ever knew."""
    store.upsert(two_years(1.0))
    pass_days(store, 80)
    store.upsert(two_years(2.0))
    pass_days(store, 10)  # more than a week, and fewer days than versions are kept
    store.upsert(two_years(2.0, "MSFT"))
    compact(store)
    assert "checkpoint" in "".join(file.name for file in (bars(store) / "_delta_log").iterdir())
    assert clean(store) == NONE
    assert set(store.read(version=0).frame["close"]) == {1.0}


@pytest.mark.parametrize("age", [0, 29, 31])
def test_what_killed_writers_left_goes_once_it_is_old(store: PriceStore, age: int) -> None:
    store.upsert(two_years(1.0))
    year = bars(store) / "year=2024"
    left = {
        # The first is being written, the second is whole, and no commit names it.
        year / "part-00000-0-c000.snappy.parquet#1": f"year={2024}/part-00000-0-c000.snappy.parquet#1",
        year / "part-00000-1-c000.snappy.parquet": f"year={2024}/part-00000-1-c000.snappy.parquet",
        bars(store) / "_delta_log" / f"{1:020}.json#1": f"_delta_log/{1:020}.json#1",
    }
    then = (datetime.now(UTC) - timedelta(days=age)).timestamp()
    for file in left:
        file.write_bytes(b"half")
        os.utime(file, (then, then))
    expected = sorted(left.values()) if age > 30 else []
    assert sorted(clean(store, dry_run=True)["bars"]) == expected
    assert all(file.exists() for file in left)
    with unchanged(store):
        assert sorted(clean(store)["bars"]) == expected
    assert [file.exists() for file in left] == [age <= 30] * 3


def test_less_than_an_hour_is_no_shorter_than_it_was_promised(store: PriceStore) -> None:
    for value in (1.0, 2.0):
        store.upsert(two_years(value))
    assert clean(store, keep=timedelta(minutes=10)) == NONE
    assert set(store.read(version=0).frame["close"]) == {1.0}


def log(store: PriceStore) -> list[str]:
    """Names in the bars' log without leading zeros: 0.json, 3.checkpoint.parquet."""
    names = [file.name for file in (bars(store) / "_delta_log").iterdir()]
    return sorted(name.lstrip("0") if not name.startswith("0" * 20) else name[19:] for name in names)


def test_the_log_is_shortened_to_what_the_versions_that_stay_need(store: PriceStore) -> None:
    for n in range(1, 6):
        store.upsert(two_years(float(n)))
    store.tables["bars"].checkpoint()
    store.upsert(two_years(6.0))
    # No version is old enough to go, so nothing of the log does.
    clean(store)
    assert [name for name in log(store) if name.endswith(".json")] == [f"{n}.json" for n in range(6)]
    # Version 4, at the first checkpoint, is the oldest that stays.
    clean(store, keep=timedelta(0), keep_versions=[4])
    assert next(name for name in log(store) if name.endswith(".json")) == "4.json"
    assert set(store.read(version=4).frame["close"]) == {5.0}
    with pytest.raises(StoreUnavailable, match="version 3 is no longer there"):
        store.read(version=3)
    # Nothing but the newest.
    clean(store, keep=timedelta(0))
    clean(store, keep=timedelta(0))
    newest = store.version()
    assert log(store) == sorted([f"{newest}.checkpoint.parquet", f"{newest}.json", "_last_checkpoint"])
    assert set(store.read().frame["close"]) == {6.0}
    assert store.upsert(two_years(7.0)).version == newest + 1
    assert set(store.read(version=newest).frame["close"]) == {6.0}


def test_daily_commits_do_not_make_the_log_grow(store: PriceStore) -> None:
    lengths = []
    for day in range(40):
        store.upsert(two_years(float(day + 1)))
        pass_days(store, 1)
        if day % 5 == 4:
            clean(store, keep=timedelta(days=7))
            lengths.append(len(log(store)))
    assert max(lengths) < 30
    assert set(store.read().frame["close"]) == {40.0}


def test_a_store_of_an_earlier_release_can_be_compacted_and_cleaned(store: PriceStore) -> None:
    for symbol in ("AAPL", "MSFT"):
        frame = two_years(1.0, symbol).frame
        rows = pa.Table.from_pandas(frame.assign(session=frame["session"].dt.date), preserve_index=False)
        write_deltalake(str(bars(store)), rows, mode="append")
    with unchanged(store):
        (done,) = compact(store)
        assert (done.partitions, done.before, done.after) == (1, 2, 1)
        assert DeltaTable(str(bars(store))).metadata().partition_columns == []
        assert len(clean(store, keep=timedelta(0))["bars"]) == 2
