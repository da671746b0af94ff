from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from data.comparing import bounds, compared, literal
from data.delta import KeyedTable, Upserted
from data.errors import StoreUnavailable, UnknownVersion

SCHEMA = pa.schema([("name", pa.string()), ("day", pa.date32()), ("value", pa.float64())])


def rows(*cells: tuple[str, str, float | None]) -> pa.Table:
    """Name, day and value."""
    names, days, values = zip(*cells, strict=True) if cells else ((), (), ())
    dates = [dt.date.fromisoformat(day) for day in days]
    return pa.table([pa.array(names), pa.array(dates), pa.array(values, pa.float64())], schema=SCHEMA)


@pytest.fixture
def keyed(tmp_path: Path) -> KeyedTable:
    return KeyedTable(str(tmp_path / "table"), SCHEMA, ("name", "day"), year_of="day", schema_version=2)


def held(keyed: KeyedTable, version: int | None = None) -> dict[tuple[str, str], float | None]:
    found = keyed.select("select name, day, value from it", version)
    assert found is not None
    cells = found.astype({"value": object}).where(found.notna(), None).itertuples(index=False, name=None)
    content = {(name, f"{day}"): value for name, day, value in cells}
    assert len(content) == len(found), "a key occurs twice"
    return content


def files(keyed: KeyedTable) -> list[Path]:
    return sorted(Path(keyed.uri).rglob("*.parquet"))


def test_a_table_that_was_never_written_is_none(keyed: KeyedTable) -> None:
    assert keyed.version() is None
    assert keyed.select("select * from it") is None
    assert keyed.newest("name = 'a'", "day", 1, dt.timedelta(1)) is None
    assert not keyed.has(0)
    assert not Path(keyed.uri).exists()


def test_a_table_of_no_rows_is_a_table(keyed: KeyedTable) -> None:
    assert keyed.upsert(rows()) == Upserted(0, 0, 0)
    assert held(keyed) == {}
    assert keyed.upsert(rows()) == Upserted(0, 0, 0)
    assert keyed.newest("name = 'a'", "day", 1, dt.timedelta(1)).empty
    assert keyed.upsert(rows(("a", "2024-01-01", 1.0))) == Upserted(1, 0, 1)
    assert held(keyed, 0) == {}
    keyed.replace(rows())
    assert held(keyed) == {}
    assert keyed.upsert(rows(("a", "2024-01-01", 1.0))) == Upserted(1, 0, 3)


def test_new_and_changed_rows_of_many_years_are_one_version(keyed: KeyedTable) -> None:
    years = range(1990, 2030)
    keyed.upsert(rows(*((name, f"{year}-06-01", 1.0) for year in years for name in "ac")))
    # In every year one row that changes, one that stays, and one that is new.
    changes = rows(
        *((name, f"{year}-06-01", value) for year in years for name, value in (("a", 2.0), ("b", 3.0), ("c", 1.0)))
    )
    assert keyed.upsert(changes) == Upserted(40, 40, 1)
    expected = {"a": 2.0, "b": 3.0, "c": 1.0}
    assert held(keyed) == {(name, f"{year}-06-01"): value for year in years for name, value in expected.items()}
    assert keyed.upsert(changes) == Upserted(0, 0, 1)
    assert {file.parent.name for file in files(keyed)} == {f"year={year}" for year in years}


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (1.0, 1.0, False),
        (1.0, 1.0000000000000002, True),
        (0.0, -0.0, False),
        (-0.0, 0.0, False),
        (None, None, False),
        (None, float("nan"), False),
        (float("nan"), None, False),
        (float("nan"), float("nan"), False),
        (None, 0.0, True),
        (0.0, None, True),
        (float("nan"), 0.0, True),
        (0.0, float("nan"), True),
        (float("inf"), float("inf"), False),
        (float("inf"), float("-inf"), True),
    ],
)
def test_what_counts_as_a_change(keyed: KeyedTable, before: float | None, after: float | None, changed: bool) -> None:
    keyed.upsert(rows(("a", "2024-01-01", before)))
    assert keyed.upsert(rows(("a", "2024-01-01", after))) == Upserted(0, int(changed), int(changed))
    # A second one finds what the first left.
    assert keyed.upsert(rows(("a", "2024-01-01", after))) == Upserted(0, 0, int(changed))


def test_few_rows_from_both_ends_of_a_great_range(keyed: KeyedTable) -> None:
    names = [f"{n:06}" for n in range(5000)]
    keyed.upsert(rows(*((name, "2024-01-01", 1.0) for name in names)))
    assert keyed.upsert(
        rows((names[0], "2024-01-01", 2.0), (names[-1], "2024-01-01", 1.0), ("zz", "1999-01-01", 3.0))
    ) == (Upserted(1, 1, 1))
    assert keyed.upsert(rows(*((name, "2024-01-01", 2.0) for name in names))) == Upserted(0, 4999, 2)
    found = held(keyed)
    assert len(found) == 5001
    assert set(found.values()) == {2.0, 3.0}


# Longer than what a file's statistics keep of a text, and alike for as long.
LONG = [f"{'x' * 60}{tail}" for tail in ("", "a", "b", "\U0010ffff", "\x7f")]
TEXTS = ["", "'", "''", "a'b", '"', "\\", "\n", "%", "_", "é", "e\u0301", "平", "\U0001f4c8", "--", "' or ''='", *LONG]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(TEXTS), st.sampled_from([None, 1.0, 2.0]), min_size=1), max_size=5))
def test_any_text_may_be_a_key(tmp_path_factory: pytest.TempPathFactory, pieces: list[dict[str, float | None]]) -> None:
    keyed = KeyedTable(str(tmp_path_factory.mktemp("table")), SCHEMA, ("name",))
    expected: dict[str, float | None] = {}
    for piece in pieces:
        done = keyed.upsert(rows(*((name, "2024-01-01", value) for name, value in piece.items())))
        assert done.inserted == len(piece.keys() - expected.keys())
        assert done.updated == sum(name in expected and expected[name] != value for name, value in piece.items())
        expected |= piece
        assert {name: value for (name, _), value in held(keyed).items()} == expected


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        ("a", "'a'"),
        ("'; drop table it", "'''; drop table it'"),
        ("''", "''''''"),
        (3, "3"),
        (dt.date(2024, 1, 2), "date '2024-01-02'"),
    ],
)
def test_a_value_is_quoted_for_a_query(value: object, sql: str) -> None:
    assert literal(value) == sql


def test_the_range_of_the_keys() -> None:
    table = rows(("b", "2024-01-01", 1.0), ("it's", "2023-01-01", 1.0), ("a", "2025-01-01", 1.0))
    assert bounds(table, ("name", "day"), "old.") == [
        "old.name >= 'a' and old.name <= 'it''s'",
        "old.day >= date '2023-01-01' and old.day <= date '2025-01-01'",
    ]


def test_compared_rows_stay_in_their_order() -> None:
    ours = rows(("d", "2024-01-01", 1.0), ("a", "2024-01-01", 1.0), ("c", "2024-01-01", None), ("b", "2024-01-01", 1.0))
    theirs = rows(("c", "2024-01-01", 5.0), ("b", "2024-01-01", 1.0), ("a", "2024-01-02", 1.0))
    fresh, changed = compared(ours, theirs, ("name", "day"))
    assert (fresh["name"].to_pylist(), changed["name"].to_pylist()) == (["d", "a"], ["c"])
    assert fresh.schema.equals(SCHEMA)


@pytest.mark.parametrize("kept_open", [False, True])
def test_what_another_machine_commits_in_between_is_seen(keyed: KeyedTable, kept_open: bool) -> None:
    # No lock of ours is held there: behind a URI, writers on two machines meet only in the table.
    other = KeyedTable(keyed.uri, SCHEMA, ("name", "day"), year_of="day", schema_version=2)

    def meet() -> None:
        assert keyed.upsert(rows(("a", "2024-01-01", 1.0))) == Upserted(1, 0, 0)
        assert other.upsert(rows(("a", "2024-01-01", 2.0), ("b", "2024-01-01", 1.0))) == Upserted(1, 1, 1)
        assert keyed.version() == 1
        assert keyed.upsert(rows(("b", "2024-01-01", 1.0))) == Upserted(0, 0, 1)
        assert keyed.upsert(rows(("a", "2024-01-01", 1.0), ("c", "2023-01-01", 1.0))) == Upserted(1, 1, 2)

    if kept_open:
        with keyed.kept_open(), keyed.kept_open():
            meet()
    else:
        meet()
    expected = {("a", "2024-01-01"): 1.0, ("b", "2024-01-01"): 1.0, ("c", "2023-01-01"): 1.0}
    assert held(keyed) == held(other) == expected


def test_a_table_that_was_replaced_is_seen_by_those_who_do_not_keep_it_open(keyed: KeyedTable, tmp_path: Path) -> None:
    for value in (1.0, 2.0, 3.0):
        keyed.upsert(rows(("a", "2024-01-01", value)))
    with keyed.kept_open():
        assert keyed.version() == 2
    Path(keyed.uri).rename(tmp_path / "elsewhere")
    assert keyed.version() is None
    assert keyed.upsert(rows(("b", "2024-01-01", 1.0))) == Upserted(1, 0, 0)


def test_the_newest_rows_are_found_wherever_they_lie(keyed: KeyedTable) -> None:
    keyed.upsert(rows(*(("a", f"2024-01-{day:02}", float(day)) for day in range(1, 31))))
    keyed.upsert(rows(*(("it's", f"{year}-12-31", float(year)) for year in range(2000, 2010))))

    def newest(name: str, n: int) -> list[float]:
        found = keyed.newest(f"name = {literal(name)}", "day", n, dt.timedelta(10))
        assert found is not None
        return list(found["value"])

    assert newest("a", 3) == [28.0, 29.0, 30.0]
    assert newest("a", 20) == [float(day) for day in range(11, 31)]
    assert newest("a", 99) == [float(day) for day in range(1, 31)]
    assert newest("it's", 2) == [2008.0, 2009.0]
    assert newest("it's", 99) == [float(year) for year in range(2000, 2010)]
    assert newest("none", 1) == []


def test_a_checkpoint_comes_every_ten_commits_however_they_are_made(keyed: KeyedTable) -> None:
    with keyed.kept_open():
        for n in range(7):
            keyed.upsert(rows((f"{n}", "2024-01-01", 1.0)))
        for n in range(7):
            keyed.upsert(rows((f"{n}", "2024-01-01", 2.0)))
    log = Path(keyed.uri) / "_delta_log"
    assert [file.name for file in log.glob("*.checkpoint.parquet")] == [f"{10:020}.checkpoint.parquet"]
    small = KeyedTable(f"{keyed.uri}/small", SCHEMA, ("name",))
    for n in range(22):
        small.replace(rows(("a", "2024-01-01", float(n))))
    assert len(list(Path(small.uri).rglob("*.checkpoint.parquet"))) == 2
    assert held(small) == {("a", "2024-01-01"): 21.0}
    # Versions before and after it are read alike.
    assert [held(small, version)["a", "2024-01-01"] for version in range(22)] == [float(n) for n in range(22)]


def test_versions_are_not_forgotten_with_the_years(keyed: KeyedTable) -> None:
    # By itself deltalake deletes the log of more than thirty days ago as soon as a later checkpoint stands.
    for value in (1.0, 2.0):
        keyed.upsert(rows(("a", "2024-01-01", value)))
        keyed.checkpoint()
        make_old(Path(keyed.uri))
    keyed.upsert(rows(("a", "2024-01-01", 3.0)))
    keyed.checkpoint()
    assert [held(keyed, version)["a", "2024-01-01"] for version in range(3)] == [1.0, 2.0, 3.0]


def make_old(folder: Path) -> None:
    long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC).timestamp()
    for file in folder.rglob("*.*"):
        os.utime(file, (long_ago, long_ago))


def earlier_release(folder: Path) -> list[dict[tuple[str, str], float | None]]:
    """A table as an earlier release wrote it, in one partition and with deltalake's own settings: what it held."""
    first = {("a", "2023-01-01"): 1.0, ("b", "2024-01-01"): None}
    second = first | {("a", "2023-01-01"): 2.0, ("c", "2022-01-01"): 3.0}
    write_deltalake(str(folder), rows(*((*key, value) for key, value in first.items())))
    table = DeltaTable(str(folder))
    merge = table.merge(
        rows(("a", "2023-01-01", 2.0), ("c", "2022-01-01", 3.0)),
        predicate="old.name = new.name and old.day = new.day",
        source_alias="new",
        target_alias="old",
    )
    merge.when_matched_update_all().when_not_matched_insert_all().execute()
    return [first, second]


@pytest.mark.parametrize("kept_open", [False, True])
def test_a_table_of_an_earlier_release_is_laid_out_anew_by_its_first_change(keyed: KeyedTable, kept_open: bool) -> None:
    before = earlier_release(Path(keyed.uri))
    assert [held(keyed, version) for version in range(2)] == before
    # Nothing new: nothing is rewritten.
    assert keyed.upsert(rows(("b", "2024-01-01", None))) == Upserted(0, 0, 1)
    changes = rows(("b", "2024-01-01", 5.0), ("d", "2021-01-01", 6.0))
    if kept_open:
        with keyed.kept_open():
            done = keyed.upsert(changes)
    else:
        done = keyed.upsert(changes)
    assert (done.inserted, done.updated) == (1, 1)
    assert held(keyed) == before[1] | {("b", "2024-01-01"): 5.0, ("d", "2021-01-01"): 6.0}
    assert [held(keyed, version) for version in range(2)] == before
    # Between the old layout and the new rows the content is the old one in every version.
    assert all(held(keyed, version) == before[1] for version in range(2, done.version))
    table = DeltaTable(keyed.uri)
    assert table.metadata().partition_columns == ["year"]
    assert table.metadata().configuration == {"delta.enableExpiredLogCleanup": "false"}
    assert keyed.upsert(changes) == Upserted(0, 0, done.version)


def test_a_version_that_never_was(keyed: KeyedTable) -> None:
    keyed.upsert(rows(("a", "2024-01-01", 1.0)))
    for version in (-1, 1):
        assert not keyed.has(version)
        with pytest.raises(UnknownVersion):
            keyed.select("select * from it", version)
    assert keyed.has(0)


def test_a_missing_file_is_an_error_and_names_the_version_that_lacks_it(keyed: KeyedTable) -> None:
    keyed.upsert(rows(("a", "2023-01-01", 1.0)))
    (first,) = files(keyed)
    keyed.upsert(rows(("a", "2023-01-01", 2.0)))
    first.unlink()
    assert held(keyed) == {("a", "2023-01-01"): 2.0}
    with pytest.raises(StoreUnavailable, match="version 0 is no longer there, or not whole") as caught:
        keyed.select("select * from it", 0)
    assert caught.value.uri == keyed.uri
    assert len(caught.value.reason) <= 300
    (second,) = files(keyed)
    second.unlink()
    with pytest.raises(StoreUnavailable, match=second.name):
        keyed.select("select * from it")
    with pytest.raises(StoreUnavailable):
        keyed.upsert(rows(("a", "2023-01-01", 3.0)))


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"PAR1" + b"?" * len(data), lambda _: b""]
)
def test_a_damaged_file_is_an_error(keyed: KeyedTable, damage: Callable[[bytes], bytes]) -> None:
    keyed.upsert(rows(("a", "2023-01-01", 1.0)))
    (file,) = files(keyed)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(StoreUnavailable):
        keyed.select("select name, day, value from it")


@pytest.mark.parametrize("garbage", [b"{", b"\0" * 500, b"[1, 2]", b'{"add": {"path": 3}}'])
@pytest.mark.parametrize("version", [0, 1])
def test_a_log_that_is_garbage_is_an_error(keyed: KeyedTable, garbage: bytes, version: int) -> None:
    for value in (1.0, 2.0):
        keyed.upsert(rows(("a", "2023-01-01", value)))
    commit = Path(keyed.uri) / "_delta_log" / f"{version:020}.json"
    commit.write_bytes(garbage)
    with pytest.raises(StoreUnavailable) as caught:
        keyed.select("select name, day, value from it")
    assert caught.value.reason
    with pytest.raises(StoreUnavailable):
        keyed.upsert(rows(("a", "2023-01-01", 3.0)))
    assert commit.read_bytes() == garbage


def test_a_commit_that_a_power_failure_left_empty_changes_nothing(keyed: KeyedTable) -> None:
    for value in (1.0, 2.0):
        keyed.upsert(rows(("a", "2023-01-01", value)))
    (Path(keyed.uri) / "_delta_log" / f"{1:020}.json").write_bytes(b"")
    assert held(keyed) == {("a", "2023-01-01"): 1.0}
    assert keyed.upsert(rows(("a", "2023-01-01", 2.0))) == Upserted(0, 1, 2)
    assert held(keyed) == {("a", "2023-01-01"): 2.0}


@pytest.mark.parametrize("missing", [0, 1])
def test_a_log_with_a_hole_is_an_error_and_no_new_table(keyed: KeyedTable, missing: int) -> None:
    for value in (1.0, 2.0, 3.0):
        keyed.upsert(rows(("a", "2023-01-01", value)))
    log = Path(keyed.uri) / "_delta_log"
    (log / f"{missing:020}.json").unlink()
    left = sorted(log.iterdir())
    with pytest.raises(StoreUnavailable):
        keyed.select("select name, day, value from it")
    with pytest.raises(StoreUnavailable):
        keyed.upsert(rows(("a", "2023-01-01", 4.0)))
    assert sorted(log.iterdir()) == left


def test_a_table_that_is_a_file_is_an_error(keyed: KeyedTable) -> None:
    Path(keyed.uri).write_text("not a folder")
    for act in (lambda: keyed.upsert(rows(("a", "2024-01-01", 1.0))), lambda: keyed.replace(rows())):
        with pytest.raises(StoreUnavailable) as caught:
            act()
        assert caught.value.reason


def test_a_log_that_is_a_file_is_an_error(keyed: KeyedTable) -> None:
    Path(keyed.uri).mkdir()
    (Path(keyed.uri) / "_delta_log").write_text("not a folder")
    with pytest.raises(StoreUnavailable):
        keyed.upsert(rows(("a", "2024-01-01", 1.0)))


def test_a_query_that_cannot_be_is_an_error(keyed: KeyedTable) -> None:
    keyed.upsert(rows(("a", "2024-01-01", 1.0)))
    with pytest.raises(StoreUnavailable):
        keyed.select("select nothing from it")


def test_a_scheme_that_is_none_is_an_error() -> None:
    keyed = KeyedTable("nowhere://bucket/table", SCHEMA, ("name",))
    assert keyed.folder is None
    with pytest.raises(StoreUnavailable):
        keyed.version()


def test_frames_of_pandas_and_of_the_engine_meet(keyed: KeyedTable) -> None:
    keyed.upsert(rows(("a", "2024-01-01", None)))
    # What the engine computes by itself may be NaN where pandas has null.
    DeltaTable(keyed.uri).update({"value": "cast('NaN' as double)"})
    found = keyed.select("select value from it")
    assert found is not None
    assert pd.isna(found["value"]).all()
    assert keyed.upsert(rows(("a", "2024-01-01", None))) == Upserted(0, 0, 1)
