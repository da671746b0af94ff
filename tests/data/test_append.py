"""A table whose rows are only ever added."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from data.delta import KeyedTable
from data.errors import StoreUnavailable

SCHEMA = pa.schema([("name", pa.string()), ("day", pa.date32()), ("values", pa.list_(pa.float64()))])
DAY = dt.date(2024, 1, 2)


def rows(*names: str, value: float = 1.0) -> pa.Table:
    return pa.table([list(names), [DAY] * len(names), [[value, 2.0]] * len(names)], schema=SCHEMA)


@pytest.fixture
def table(tmp_path: Path) -> KeyedTable:
    return KeyedTable(str(tmp_path / "table"), SCHEMA, ("name", "day"), append_only=True)


def held(table: KeyedTable) -> dict[str, float]:
    found = table.select('select name, "values" from it')
    assert found is not None
    assert found["name"].is_unique
    return {name: values[0] for name, values in zip(found["name"], found["values"], strict=True)}


def test_the_first_row_of_a_key_stays(table: KeyedTable) -> None:
    assert table.append(rows("a", "b")) == 2
    assert table.append(rows("c", "b", "d", value=9.0)) == 2
    assert held(table) == {"a": 1.0, "b": 1.0, "c": 9.0, "d": 9.0}
    assert table.version() == 1


def test_nothing_new_is_no_version(table: KeyedTable) -> None:
    assert table.append(rows("a")) == 1
    assert table.append(rows("a", value=9.0)) == 0
    assert table.append(rows()) == 0
    assert table.version() == 0


def test_no_program_that_keeps_to_delta_can_change_a_row(table: KeyedTable) -> None:
    assert not table.is_append_only()
    table.append(rows("a", "b"))
    assert table.is_append_only()
    for change in (
        lambda: DeltaTable(table.uri).update(predicate="name = 'a'", updates={"day": "date '2024-01-03'"}),
        lambda: DeltaTable(table.uri).delete("name = 'a'"),
        lambda: write_deltalake(table.uri, rows("a"), mode="overwrite"),
    ):
        with pytest.raises(DeltaError, match="append-only"):
            change()
    with pytest.raises(StoreUnavailable, match="append-only"):
        table.replace(rows("a"))
    assert held(table) == {"a": 1.0, "b": 1.0}
    # Small files may still be made into large ones.
    table.append(rows("c"))
    DeltaTable(table.uri).optimize.compact()
    assert held(table) == {"a": 1.0, "b": 1.0, "c": 1.0}


def test_writers_that_share_no_lock_write_each_key_once(table: KeyedTable) -> None:
    """As two machines do that write to one object store."""
    writers, rounds = 3, 5
    together = threading.Barrier(writers)
    counts = [0] * writers

    def write(writer: int) -> None:
        own = KeyedTable(table.uri, SCHEMA, ("name", "day"), append_only=True)
        for round_ in range(rounds):
            together.wait()
            counts[writer] += own.append(rows("shared", f"r{round_}", f"r{round_}w{writer}", value=float(writer)))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(held(table)) == sum(counts) == 1 + rounds + rounds * writers


def test_writers_that_make_the_table_at_once_write_each_key_once(tmp_path: Path) -> None:
    for round_ in range(8):
        uri, writers = str(tmp_path / f"table {round_}"), 3
        together = threading.Barrier(writers)

        def write(writer: int, uri: str = uri, together: threading.Barrier = together) -> int:
            own = KeyedTable(uri, SCHEMA, ("name", "day"), append_only=True)
            together.wait()
            return own.append(rows("shared", f"w{writer}", value=float(writer)))

        with ThreadPoolExecutor(writers) as threads:
            assert sum(threads.map(write, range(writers))) == 1 + writers
        assert held(KeyedTable(uri, SCHEMA, ("name", "day"), append_only=True)).keys() == {"shared", "w0", "w1", "w2"}
